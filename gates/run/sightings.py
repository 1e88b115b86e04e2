"""Notice any running pytest, even without the plugin, from its output and from the processes of a gate.

Everything that keeps the plugin out (`env -i`, `include_outer_env=False`, a container, tox) leaves one of these traces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import PurePath

import msgspec

from gates.portable.patterns import lazy_pattern
from gates.portable.regular import read_bytes
from gates.run.witnesses.injection import RunnerTraces

_COLOUR = lazy_pattern(rb"\x1b\[[0-9;]*m")
_HEADER = lazy_pattern(rb"=+ test session starts =+")
_COUNT = rb"\d+ (?:passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun|subtests passed)"
_FOOTER = lazy_pattern(
    rb"(?:=+ )?(?P<said>(?:no tests (?:ran|collected)|" + _COUNT + rb"(?:, " + _COUNT + rb")*) in \d+\.\d\ds"
    rb"(?: \(\d+:\d\d:\d\d\))?)(?: =+)?"
)
_FAILED = lazy_pattern(rb"(?<!\d)\d+ (?:failed|errors?)\b")
_NOX = lazy_pattern(rb"nox > (?P<command>(?:\S*/)?(?:pytest|py\.test)(?: .*)?|.* -m (?:pytest|py\.test)(?: .*)?)")
_UNITTEST = lazy_pattern(rb"(?P<said>OK|FAILED|NO TESTS RAN)(?: \(.*\))?")
_RAN = lazy_pattern(rb"Ran (?P<tests>\d+) tests? in \d+\.\d+s")

_SKIPPED = lazy_pattern(rb"skipped=(?P<tests>\d+)")

_TELLS = frozenset({"--version", "-V", "--help", "-h", "--markers", "--fixtures", "--cache-show"})
"""Options that make pytest run no test."""

_PYTHON = lazy_pattern(r"(?:python|pypy)[\d.]*(?:\.exe)?")
_PYTEST = frozenset({"pytest", "py.test", "pytest.exe"})

PAUSE = 0.05
"""Seconds between two checks of the processes of a gate: a pytest takes several times as long to start."""


MOST_COMMANDS = 200
"""How many lines of nox are kept."""


class Words:
    """Traces of test runners in the log of a gate. Takes whole lines.

    Attributes:
        nox: the first lines that nox printed itself, among them the commands that it started.
    """

    def __init__(self) -> None:
        self.nox: list[str] = []
        self._headers = self._footers = 0
        self._failed: list[str] = []
        self._commands: list[str] = []
        self._unittest = ""
        self._ran = False
        self._cases: int | None = None  # of all runs of unittest, including skipped tests; None without a run

    def take(self, lines: bytes) -> None:
        """Examine the next lines."""
        if b"nox > " in lines and len(self.nox) < MOST_COMMANDS:
            told = (_COLOUR.sub(b"", line) for line in lines.splitlines() if b"nox > " in line)
            self.nox += [line.decode("utf-8", "replace") for line in told if line.startswith(b"nox > ")]
        if b"pytest" not in lines and b" in " not in lines and not self._ran and b"test session" not in lines:
            return
        for line in _COLOUR.sub(b"", lines).splitlines():
            self._look(line.strip())

    def _look(self, line: bytes) -> None:
        if _HEADER.fullmatch(line):
            self._headers += 1
        elif footer := _FOOTER.fullmatch(line):
            self._footers += 1
            if _FAILED.search(footer["said"]):
                self._failed.append(footer["said"].decode())
        elif command := _NOX.fullmatch(line):
            words = command["command"].decode("utf-8", "replace")
            if not _TELLS.intersection(words.split()):
                self._commands.append(words)
        elif ran := _RAN.fullmatch(line):
            self._ran, self._unittest = True, ""
            self._cases = (self._cases or 0) + int(ran["tests"])
        elif self._ran and (said := _UNITTEST.fullmatch(line)):
            self._ran, self._unittest = False, line.decode("utf-8", "replace") if said["said"] == b"FAILED" else ""
            skipped = _SKIPPED.search(line)  # whole classes, which do not count as tests
            self._cases = (self._cases or 0) + int(skipped["tests"] if skipped else 0)

    @property
    def seen(self) -> RunnerTraces:
        """All traces."""
        return RunnerTraces(
            headers=self._headers,
            footers=self._footers,
            failed=tuple(self._failed),
            commands=tuple(self._commands),
            unittest=self._unittest,
            empty=self._cases == 0,
        )


class Sighting(msgspec.Struct, frozen=True):
    """A process that runs pytest.

    Attributes:
        command: its arguments.
        numbers: of the process, in each of its namespaces.
        above: numbers of its ancestors, up to the gate's own process.
    """

    command: tuple[str, ...]
    numbers: frozenset[int]
    above: frozenset[int]


class Watcher:
    """Examines the processes of a gate, on systems with /proc."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._next = 0.0
        self.sightings: dict[int, Sighting] = {}
        self.left: set[int] = set()  # those that outlived the gate's first process

    def look(self, pid: int) -> None:
        """Examine a process and all its descendants, not too often."""
        now = self._clock()
        if now >= self._next:
            self._next = now + PAUSE
            for number, above in _descendants(pid):
                self._see(number, above)

    def look_behind(self, pids: Iterable[int]) -> None:
        """Examine processes that outlived the first one of the gate; their parents are no longer known."""
        for pid in pids:
            if self._see(pid, frozenset()):
                self.left.add(pid)

    def _see(self, pid: int, above: frozenset[int]) -> bool:
        arguments = _arguments(pid)
        if is_pytest(arguments) and pid not in self.sightings:
            self.sightings[pid] = Sighting(arguments, _numbers(pid), above)
        return is_pytest(arguments)

    def unspoken(self, spoken: frozenset[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Commands of pytest processes that belong to no other pytest, and did not report themselves.

        Returns all of them, and those that were still running when the gate had ended.

        Args:
            spoken: numbers of the processes that did report. Their children do not count.
        """
        found: dict[str, bool] = {}
        commands = {one.command for one in self.sightings.values() if one.numbers & spoken}
        for pid, one in self.sightings.items():
            if one.numbers & spoken or one.above & spoken:
                continue
            # A fork of a pytest looks the same, and its parent may be gone.
            if pid in self.left and (spoken or one.command in commands):
                continue
            found[" ".join(one.command)] = pid in self.left
        return tuple(found), tuple(command for command, left in found.items() if left)


def is_pytest(arguments: Sequence[str]) -> bool:
    """Whether a process with these arguments runs tests with pytest."""
    if not arguments or _TELLS.intersection(arguments):
        return False
    program, *rest = arguments
    if PurePath(program).name in _PYTEST:
        return True
    if not _PYTHON.fullmatch(PurePath(program).name):
        return False
    script = next((word for word in rest if not word.startswith("-")), "")
    code = next((number for number, word in enumerate(rest) if word == "-c"), len(rest))
    modules = [word for number, word in enumerate(rest) if number and rest[number - 1] == "-m" and number < code]
    return bool(_PYTEST.intersection(modules)) or (PurePath(script).name in _PYTEST and rest.index(script) < code)


def _descendants(pid: int, above: frozenset[int] = frozenset()) -> Iterator[tuple[int, frozenset[int]]]:
    yield pid, above
    above |= {pid}
    for child in _children(pid):
        if child not in above:
            yield from _descendants(child, above)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError, ValueError):
        # Only of the main thread: neither a shell nor nox starts processes from another one.
        found += map(int, read_bytes(f"/proc/{pid}/task/{pid}/children").split())
    return found


def _arguments(pid: int) -> tuple[str, ...]:
    try:
        data = read_bytes(f"/proc/{pid}/cmdline")
    except OSError:
        return ()
    return tuple(data.decode("utf-8", "backslashreplace").split("\0")[:-1])


def _numbers(pid: int) -> frozenset[int]:
    """The numbers of the process, here and in nested namespaces."""
    with suppress(OSError, ValueError, IndexError):
        line = read_bytes(f"/proc/{pid}/status").split(b"NSpid:")[1].partition(b"\n")[0]
        return frozenset({pid, *map(int, line.split())})
    return frozenset({pid})
