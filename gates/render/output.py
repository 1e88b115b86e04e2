"""The details of a test, the useful part first: why it failed, where, the project's own frames, then its output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from gates.portable.patterns import lazy_pattern
from gates.render.text import clean, one_line, plural, useful_lines
from gates.results import AttemptResult, SubtestResult, TestResult

SHOWN_LINES = 40
"""Maximum lines of a stream, or of an unknown kind of traceback."""
SHOWN_CHARACTERS = 8 * 1024
"""Maximum characters of the same."""
LINE_CHARACTERS = 400
"""Maximum characters of a line."""
SHOWN_FRAMES = 3
"""Maximum frames of the project's own code: the last ones."""
FRAME_LINES = 12
"""Maximum lines of a frame: the last ones, where it failed."""
REASON_LINES = 20
"""Maximum lines of an exception: the first ones, because the message comes before the comparison."""
SHOWN_REASONS = 3
"""Maximum exceptions of a chain: the last ones."""
SHOWN_PARTS = 5
"""Maximum subtests, or attempts."""

_ELSEWHERE = frozenset({"site-packages", "dist-packages", ".venv", "venv", ".nox", ".tox"})
_HEAD = lazy_pattern(r"^(\S.*?):(\d+): in \S")  # a short frame
_FOOT = lazy_pattern(r"^(\S.*?):(\d+): ?[\w.]*$")  # a long one
_RULE = lazy_pattern(r"^(?:_ )+_? *$")


class TracebackFrame(msgspec.Struct, frozen=True):
    """A frame of a traceback, as pytest prints it."""

    path: str
    line: int
    text: tuple[str, ...]

    @property
    def own(self) -> bool:
        """Whether it is the project's code: pytest shows files of the project by relative paths."""
        return not (self.path.startswith(("/", "..", "<")) or _ELSEWHERE & set(self.path.split("/")))


def failure_of(test: TestResult) -> Iterator[str]:
    """Why and where a test failed, its failed subtests, and its earlier attempts in one line each."""
    if test.details or not test.subtests:
        yield from _failure(test)
    for subtest in test.subtests[:SHOWN_PARTS]:
        yield f"--- subtest {one_line(subtest.name)} ---"
        yield from _failure(subtest)
        yield from printed_by(subtest)
    yield from _more(len(test.subtests), "subtest")
    for number, attempt in enumerate(test.attempts[:SHOWN_PARTS], 1):
        yield f"attempt {number}: {attempt.outcome}  {one_line(attempt.message, LINE_CHARACTERS)}".rstrip()
    yield from _more(len(test.attempts), "attempt")


def attempts_of(test: TestResult) -> Iterator[str]:
    """Why the attempts before the passing one failed."""
    for number, attempt in enumerate(test.attempts[:SHOWN_PARTS], 1):
        yield f"--- attempt {number}: {attempt.outcome} ---"
        yield from _failure(attempt)
        yield from printed_by(attempt)
    yield from _more(len(test.attempts), "attempt")


def printed_by(part: TestResult | AttemptResult | SubtestResult) -> Iterator[str]:
    """The end of its output on each of the two streams."""
    for name in ("stdout", "stderr"):
        text = clean(getattr(part, name)).rstrip()
        if text:
            yield f"--- {name} ---"
            yield from last_lines(text.splitlines())


def last_lines(lines: Sequence[str]) -> list[str]:
    """The last lines, up to the limit, with a note about cuts."""
    shown: list[str] = []
    room = SHOWN_CHARACTERS
    for line in map(_cut, reversed(lines[-SHOWN_LINES:])):
        room -= len(line)
        if room < 0:
            break
        shown.append(line)
    left_out = len(lines) - len(shown)
    note = [f"… {plural(left_out, 'line')} cut; all that was kept is in tests.jsonl …"] if left_out else []
    return note + shown[::-1]


def frames_of(lines: Sequence[str]) -> list[TracebackFrame]:
    """The frames of a pytest traceback; none if it is of another kind."""
    found: list[TracebackFrame] = []
    text: list[str] = []
    at: tuple[str, int] | None = None

    def end() -> None:
        nonlocal at
        if at is not None:
            found.append(TracebackFrame(*at, tuple(_trimmed(text))))
        text.clear()
        at = None

    for line in lines:
        if _RULE.match(line):
            end()
            continue
        head = _HEAD.match(line)
        if head is not None:
            end()
        foot = None if head is not None or at is not None else _FOOT.match(line)
        text.append(line)
        match = head or foot
        if match is not None:
            at = match[1], int(match[2])
        if foot is not None:
            end()
    end()
    return found


def _failure(part: TestResult | AttemptResult | SubtestResult) -> Iterator[str]:
    lines = clean(part.details or part.message).rstrip().splitlines()
    reasons, frames = _reasons(lines), frames_of(lines)
    own = [frame for frame in frames if frame.own]
    for reason in reasons[-SHOWN_REASONS:]:
        yield from map(_cut, reason[:REASON_LINES])
        if len(reason) > REASON_LINES:
            yield f"… {plural(len(reason) - REASON_LINES, 'line')} cut; all that was kept is in tests.jsonl …"
    place = part.place or (f"{own[-1].path}:{own[-1].line}" if own else _defined(part))
    if place:
        yield f"at {one_line(place)}"
    if not (reasons and own):
        rest = [line for line in lines if not _is_reason(line)] if reasons else lines
        yield from map(_cut, useful_lines("\n".join(_trimmed(rest)), SHOWN_LINES, getattr(part, "file", "")))
        return
    shown = own[-SHOWN_FRAMES:]
    if len(frames) > len(shown):
        yield f"… {plural(len(frames) - len(shown), 'further frame')} in tests.jsonl …"
    for frame in shown:
        yield from last_lines([line for line in frame.text if not _is_reason(line)][-FRAME_LINES:])


def _defined(part: object) -> str:
    file, line = getattr(part, "file", ""), getattr(part, "line", 0)
    return f"{file}:{line}" if file and line else file


def _reasons(lines: Sequence[str]) -> list[list[str]]:
    """The lines that pytest marks with an `E`, grouped by exception."""
    groups: list[list[str]] = []
    before = False
    for line in lines:
        marked = _is_reason(line)
        if marked and not before:
            groups.append([])
        if marked:
            groups[-1].append(line)
        before = marked
    return groups


def _is_reason(line: str) -> bool:
    return line == "E" or line.startswith("E  ")


def _more(number: int, what: str) -> Iterator[str]:
    if number > SHOWN_PARTS:
        yield f"… {plural(number - SHOWN_PARTS, f'further {what}')} in tests.jsonl …"


def _cut(line: str) -> str:
    left_out = len(line) - LINE_CHARACTERS
    return f"{line[:LINE_CHARACTERS]}… ({plural(left_out, 'character')} cut)" if left_out > 0 else line


def _trimmed(lines: Sequence[str]) -> list[str]:
    return "\n".join(lines).strip("\n").split("\n")
