"""Why a gate failed: the part of its log that matters. Pure.

The last lines of a log are seldom the reason: a wrapper (nox, make, npm) has the last word, and a compiler says what it
found before it sums up. So lines that tell of a fault are looked for, each with what belongs to it (a frame, a snippet,
a traceback); faults that stand together are a block, and the last blocks are shown, as far as there is room. Where
nothing tells of a fault, the last lines are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gates.portable.escapes import clean
from gates.portable.patterns import lazy_pattern
from gates.portable.values import plural

LINES = 20
"""Lines of an excerpt, the notes about what was left out not counted."""
CHARACTERS = 240
"""Characters of a line."""
LONGEST = 4_000
"""Characters of a line that are looked at."""
LAST = 10
"""Lines that are shown where nothing tells of a fault."""
_BELONGS = 12
"""Lines that belong to a fault at most."""
_APART = 3
"""Lines of other things between two faults of one block."""
_FRAMES = 3
"""Frames of a traceback, the last ones that are the project's own."""

_ESCAPE = lazy_pattern(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)|\x1b[()][0-9A-Za-z]|.\x08")
_OURS = lazy_pattern(r"gates > ")
_INTERNAL = lazy_pattern(r"INTERNALERROR> ?")

_WRAPPER = lazy_pattern(
    r"nox > |(?:g?make)(?:\[\d+\])?: |npm (?:ERR!|error)\b|\s*ELIFECYCLE\b|error: Recipe `|error Command failed"
    r"|error: (?:could not compile|test failed, to rerun|aborting due to)|ninja: build stopped|For more information about"
    r"|task: Failed|ERROR: InvocationError|mainloop: caught unexpected"
)
"""Says that something failed, and not what: never a fault of its own where there is another one."""

_COMMAND = lazy_pattern(r"nox > (?P<command>Command .+ failed with exit code -?\d+.*)")
_RUNS = lazy_pattern(r"nox > (?!Running session|Session |Re-?[Uu]sing|Creating|Command |Ran multiple)(?P<command>\S.*)")

_IDLE = lazy_pattern(r"nox > (?:Running session|Re-?using|Creating|Session \S+ failed\.|Command )")
"""Lines of nox that say nothing of what failed; a session that gives up says why behind `Session NAME aborted:`."""

_FINE = lazy_pattern(
    r"\b(?:0|no) (?:\w+ )?(?:errors?|failures?|failed|problems?|issues?)\b(?!.*\b[1-9]\d* (?:errors?|fail))",
    re.IGNORECASE,
)
_MILD = lazy_pattern(r"(?:^|[:\s(])(?:warning|note|info|help|hint|notice)\b ?[:\[(]", re.IGNORECASE)

_FAULT = lazy_pattern(
    r"^\S*\.[A-Za-z]\w{0,9}:\d+(?::\d+)*[:,]? +\S"  # path:line: text
    r"|^\S+\(\d+,\d+\): "  # tsc
    r"|^[A-Z]{1,4}\d{3,4}:?(?: \[\*\])? "  # the heading of ruff
    r"|^ +\d+:\d+ +error\b"  # eslint
    r"|^(?i:fatal|error|failed|failure|critical|panic|abort(?:ed)?|exception|usage)\b(?:\[[\w:.-]+\]|: |:? *[^\w\s]| \w)"
    r"|^(?:ERROR|FATAL|FAILED?|FAILURE|CRITICAL|CMake Error|E {2,})\b"
    r"|^ *(?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Failure)\b(?: \[\w+\])?(?::|$)"
    r"|: (?:fatal )?error\b|\berror TS\d+"
    r"|^ *--- FAIL:|^not ok \d|panicked at |^test .* \.\.\. FAILED|^test result: FAILED|^ *[●✗✖✘] "
    r"|^[Ww]ould reformat\b|^Oh no!|^Found [1-9]\d* (?:errors?|issues?|problems?)\b"
    r"|command not found|: not found$|No such file or directory|[Pp]ermission denied|[Cc]annot find\b|can't open file"
    r"|^Traceback \(most recent call last\)|undefined reference to|[Aa]ssertion\b.*\bfailed|No module named"
    r"|^Killed$|\bKilled\b.*\d|Segmentation fault|core dumped|^Aborted\b|[Oo]ut of memory|Cannot allocate memory|^Bus error"
    r"|^ImportError while loading conftest",
)
_MORE = lazy_pattern(r"^(?:\s+\S|E\b|>|\||\^|-->|=+ ?\||\d+ +\||[+-]{1,3}[ \w]|Caused by|Error: )")
"""Belongs to the fault above it: a snippet, a frame, a difference."""

_LOADING = lazy_pattern(r"ImportError while loading conftest '(?P<file>[^']+)'")
_RAISED = lazy_pattern(r"[A-Z]\w*(?:Error|Exception|Exit)\b")

_TRACEBACK = lazy_pattern(r"^Traceback \(most recent call last\)")
_FRAME = lazy_pattern(r'^ *File "(?P<file>[^"]+)", line \d+')
_ELSEWHERE = lazy_pattern(r"site-packages|dist-packages|[/\\]lib[/\\]python\d|^<|[/\\]pluggy[/\\]")


def excerpt(log: str, *, stopped: bool = False) -> tuple[str, ...]:
    """The lines of a log that say why its gate failed; empty for a log without a word.

    Args:
        log: masked, as its processes printed it.
        stopped: the gate was ended from outside: what ran last is what matters.
    """
    lines = list(_readable(log))
    command = next((match["command"] for line in reversed(lines) if (match := _COMMAND.match(line))), "")
    blocks = [] if stopped else _blocks(lines)
    shown = _fitting(blocks) if blocks else _last(lines, stopped=stopped)
    if command and not stopped:
        shown = [*shown, f"nox: {command}"]
    return tuple(_cut(line) for line in shown)


def last_words(tail: str, root: str = "") -> str:
    """What a pytest says that gives up before it has run anything; empty where it says nothing of the kind.

    Args:
        tail: the end of the log.
        root: of the project; paths below it are shown from there.
    """
    lines = list(_readable(tail))
    said = place = ""
    for number, line in enumerate(lines):
        conftest = _LOADING.match(line)
        place = conftest["file"] if conftest else place
        if line.startswith("ERROR: "):
            said = line.removeprefix("ERROR: ")
            if said.startswith("usage: "):
                said = _usage(lines[number + 1 :]) or said
    if not said:
        raised = [line for line in lines if line.startswith("E  ") or _RAISED.match(line)]
        said = f"{place}: {raised[-1].removeprefix('E').strip()}" if raised and place else ""
    return said.replace(f"{root.rstrip('/')}/", "") if root else said


def _usage(lines: Sequence[str]) -> str:
    """Argparse's error, and the file whose `addopts` may hold what it names."""
    error = next((line.partition(": error: ")[2] for line in lines if ": error: " in line), "")
    file = next((line.partition("inifile: ")[2].strip() for line in lines if "inifile: " in line), "")
    return f"{error}: in the command, or in addopts of {file}" if error and file not in ("", "None") else error


def _readable(log: str) -> Iterator[str]:
    """Lines without escapes, without what was overwritten, and without our own."""
    for raw in log.split("\n"):
        line = _ESCAPE.sub("", raw[:LONGEST]).rstrip()
        if "\r" in line:
            line = next((part for part in reversed(line.split("\r")) if part.strip()), "")
        line = _INTERNAL.sub("", clean(line), count=1)
        if not _OURS.match(line):
            yield line


def _blocks(lines: Sequence[str]) -> list[list[str]]:
    """Faults that stand together, with what belongs to each."""
    blocks: list[list[str]] = []
    end = -_APART - 2  # of the last block
    number = 0
    while number < len(lines):
        if not _is_fault(lines[number]):
            number += 1
            continue
        stop = _end_of(lines, number)
        fault = list(lines[number:stop])
        if _TRACEBACK.match(lines[number]):
            fault = _short_traceback(fault)
        between = [line for line in lines[max(end, 0) : number] if line.strip() and not _WRAPPER.match(line)]
        if blocks and len(between) <= _APART:
            blocks[-1] += [*between, *fault]
        else:
            blocks.append([*_lead(lines, number), *fault])
        end = number = stop
    return blocks


def _is_fault(line: str) -> bool:
    if not line.strip() or _WRAPPER.match(line) or _FINE.search(line):
        return False
    return _FAULT.search(line) is not None and (_MILD.search(line) is None or ": error" in line)


def _lead(lines: Sequence[str], number: int) -> list[str]:
    """The file that eslint names above what it found there."""
    above = lines[number - 1] if number else ""
    return [above] if re.match(r" +\d+:\d+ ", lines[number]) and re.match(r"\S+\.\w+$", above) else []


def _end_of(lines: Sequence[str], start: int) -> int:
    """Behind the last line that belongs to the fault that begins at `start`."""
    number = start + 1
    if _TRACEBACK.match(lines[start]):
        while number < len(lines) and (lines[number].startswith(" ") or not lines[number].strip()):
            number += 1
        return min(number + 1, len(lines))
    while number < len(lines) and number - start < _BELONGS:
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if not _MORE.match(lines[number]) and not (not lines[number].strip() and following.startswith("  ")):
            break
        number += 1
    return number


def _short_traceback(lines: Sequence[str]) -> list[str]:
    """The last frames of the project's own, and what was raised."""
    frames: list[list[str]] = []
    for line in lines[1:-1]:
        if _FRAME.match(line):
            frames.append([line])
        elif frames and line.strip() and not set(line.strip()) <= set("^~"):
            frames[-1].append(line)
    own = [frame for frame in frames if not _ELSEWHERE.search(_FRAME.match(frame[0])["file"])]  # type: ignore[index]
    shown = (own or frames)[-_FRAMES:]
    return [lines[0], *(line for frame in shown for line in frame), lines[-1]]


def _fitting(blocks: Sequence[Sequence[str]]) -> list[str]:
    """The last blocks, as many as there is room for; of one that is too long, its head and its end."""
    last = blocks[-1]
    if len(last) > LINES:
        left_out = len(last) - LINES
        return [*last[: LINES - 3], f"… {plural(left_out, 'line')} left out …", *last[-3:]]
    shown = list(last)
    for block in reversed(blocks[:-1]):
        if len(block) + len(shown) > LINES:
            break
        shown = [*block, *shown] if set(block) - set(shown) else shown
    return shown


def _last(lines: Sequence[str], *, stopped: bool) -> list[str]:
    """The last lines, and of a gate that was stopped, the command of nox's that ran."""
    command = (
        next((match["command"] for line in reversed(lines) if (match := _RUNS.match(line))), "") if stopped else ""
    )
    said = [line for line in lines if line.strip() and not _WRAPPER.match(line)]
    said = said or [line for line in lines if line.strip() and not _IDLE.match(line)]
    shown = said[-LAST:]
    return [f"nox: {command}", *shown] if command else shown


def _cut(line: str) -> str:
    return f"{line[: CHARACTERS - 1]}…" if len(line) > CHARACTERS else line
