"""Find the part of a log that shows why its gate failed. Pure.

The last lines of a log are seldom the reason: a wrapper (nox, make, npm) prints last, and a compiler reports what it
found before its totals. So this module searches for lines that report a fault, each with its context (a frame, a snippet,
a traceback); adjacent faults are a block, and the last blocks are shown, if there is room. If
no line reports a fault, the last lines are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gates.portable.escapes import clean
from gates.portable.patterns import lazy_pattern
from gates.portable.values import plural

LINES = 20
"""Maximum lines of an excerpt, not counting notes about omissions."""
CHARACTERS = 240
"""Characters of a line."""
LONGEST = 4_000
"""Characters of a line that are looked at."""
LAST = 10
"""How many lines are shown if none reports a fault."""
_BELONGS = 12
"""Maximum lines of one fault."""
_APART = 3
"""Maximum other lines between two faults of one block."""
_FRAMES = 3
"""How many frames of a traceback are shown: the last ones in the project."""

_ESCAPE = lazy_pattern(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)|\x1b[()][0-9A-Za-z]|.\x08")
_OURS = lazy_pattern(r"gates > ")
_INTERNAL = lazy_pattern(r"INTERNALERROR> ?")

_WRAPPER = lazy_pattern(
    r"nox > |(?:g?make)(?:\[\d+\])?: |npm (?:ERR!|error)\b|\s*ELIFECYCLE\b|error: Recipe `|error Command failed"
    r"|error: (?:could not compile|test failed, to rerun|aborting due to)|ninja: build stopped|For more information about"
    r"|task: Failed|ERROR: InvocationError|mainloop: caught unexpected|ERROR: failed to solve: |> \S+ FAILED$"
    r"|\[ERROR\](?:$| (?:(?:-> )?\[Help |To see the full stack|Re-run Maven|For more info|After correct|Failed to execute goal))"
)
"""Reports that something failed, but not what: it counts as a fault only if there is no other."""

_COMMAND = lazy_pattern(r"nox > (?P<command>Command .+ failed with exit code -?\d+.*)")
_RUNS = lazy_pattern(r"nox > (?!Running session|Session |Re-?[Uu]sing|Creating|Command |Ran multiple)(?P<command>\S.*)")

_IDLE = lazy_pattern(r"nox > (?:Running session|Re-?using|Creating|Session \S+ failed\.|Command )")
"""Lines of nox that do not show what failed; a session that gives up has its reason after `Session NAME aborted:`."""

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
    r"|^ImportError while loading conftest"
    r"|^\[ERROR\] +\S|^(?:#\d+ )?\d+\.\d+ ERROR: "  # Maven, a build of an image
    r"|^Diff in \S|^ ?FAIL +\S+\.\w|^ +Failure/Error: ",  # cargo fmt, jest and vitest, rspec
)
_MORE = lazy_pattern(
    r"^(?:\s+\S|E\b|>|\||\^|-->|=+ ?\||\d+ +\||[+-]{1,3}[ \w]|Caused by|Error: |goroutine \d+ \[|[\w./*()]{1,80}\([^ ]{0,200}\)$)"
)
"""Belongs to the fault above it: a snippet, a frame, a diff."""
_AFTER_BLANK = ("  ", " \u276f", "- ", "+ ", "goroutine ")
"""Beginnings of lines that belong to the fault above a blank line."""
_SAYS_NEXT = lazy_pattern(r"^thread .* panicked at \S+:$")
"""What happened is in the next line."""

_LOADING = lazy_pattern(r"ImportError while loading conftest '(?P<file>[^']+)'")
_RAISED = lazy_pattern(r"[A-Z]\w*(?:Error|Exception|Exit)\b")

_TRACEBACK = lazy_pattern(r"^Traceback \(most recent call last\)")
_FRAME = lazy_pattern(r'^ *File "(?P<file>[^"]+)", line \d+')
_ELSEWHERE = lazy_pattern(r"site-packages|dist-packages|[/\\]lib[/\\]python\d|^<|[/\\]pluggy[/\\]")


def excerpt(log: str, *, stopped: bool = False) -> tuple[str, ...]:
    """The lines of a log that show why its gate failed; empty for an empty log.

    Args:
        log: the masked output of its processes.
        stopped: the gate was ended from outside, so what ran last matters.
    """
    lines = list(_readable(log))
    command = next((match["command"] for line in reversed(lines) if (match := _COMMAND.match(line))), "")
    blocks = [] if stopped else _blocks(lines)
    shown = _fitting(blocks) if blocks else _last(lines, stopped=stopped)
    if command and not stopped:
        shown = [*shown, f"nox: {command}"]
    return tuple(_cut(line) for line in shown)


def last_words(tail: str, root: str = "") -> str:
    """The message of a pytest that gave up before running anything; empty if there is none.

    Args:
        tail: the end of the log.
        root: of the project; paths in it are shown relative to it.
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
    """Argparse's error, and the file whose `addopts` may contain the option."""
    error = next((line.partition(": error: ")[2] for line in lines if ": error: " in line), "")
    file = next((line.partition("inifile: ")[2].strip() for line in lines if "inifile: " in line), "")
    return f"{error}: in the command, or in addopts of {file}" if error and file not in ("", "None") else error


def _readable(log: str) -> Iterator[str]:
    """Lines without escapes, without overwritten text, and without lines of gates."""
    for raw in log.split("\n"):
        line = _ESCAPE.sub("", raw[:LONGEST]).rstrip()
        if "\r" in line:
            line = next((part for part in reversed(line.split("\r")) if part.strip()), "")
        line = _INTERNAL.sub("", clean(line), count=1)
        if not _OURS.match(line):
            yield line


def _blocks(lines: Sequence[str]) -> list[list[str]]:
    """Adjacent faults, each with its context."""
    blocks: list[list[str]] = []
    seen: set[str] = set()
    end = -_APART - 2  # of the last block
    number = 0
    while number < len(lines):
        if not _is_fault(lines[number]):
            number += 1
            continue
        stop = _end_of(lines, number)
        fault = list(lines[number:stop])
        if len(fault) == 1 and fault[0] in seen:  # Maven and others repeat themselves at the end
            number = stop
            continue
        seen.update(fault)
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
    """The line above that names what the fault is in: the file of eslint's findings, the test of a numbered failure."""
    above = lines[number - 1] if number else ""
    named = re.match(r"\S+\.\w+$", above) if re.match(r" +\d+:\d+ ", lines[number]) else re.match(r" *\d+\) \S", above)
    return [above] if named else []


def _end_of(lines: Sequence[str], start: int) -> int:
    """The index after the last line of the fault that begins at `start`."""
    number = start + 1 + (_SAYS_NEXT.search(lines[start]) is not None)
    if _TRACEBACK.match(lines[start]):
        while number < len(lines) and (lines[number].startswith(" ") or not lines[number].strip()):
            number += 1
        return min(number + 1, len(lines))
    while number < len(lines) and number - start < _BELONGS:
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if not _MORE.match(lines[number]) and not (not lines[number].strip() and following.startswith(_AFTER_BLANK)):
            break
        number += 1
    return number


def _short_traceback(lines: Sequence[str]) -> list[str]:
    """The last frames in the project, and the exception."""
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
    """The last blocks that fit; of one that is too long, its beginning and its end."""
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
    """The last lines and, for a stopped gate, the nox command that was running."""
    command = (
        next((match["command"] for line in reversed(lines) if (match := _RUNS.match(line))), "") if stopped else ""
    )
    said = [line for line in lines if line.strip() and not _WRAPPER.match(line)]
    said = said or [line for line in lines if line.strip() and not _IDLE.match(line)]
    shown = said[-LAST:]
    return [f"nox: {command}", *shown] if command else shown


def _cut(line: str) -> str:
    return f"{line[: CHARACTERS - 1]}…" if len(line) > CHARACTERS else line
