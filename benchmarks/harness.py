"""Runs commands in turns and keeps the time of each: what disturbs the machine disturbs every side alike."""

from __future__ import annotations

import importlib.util
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from benchmarks.claims import CannotMeasure, NotInstalled

LONGEST = 180.0
"""Seconds after which a single run is given up."""

_FOREIGN = ("PYTHON", "PYTEST", "NOX", "TOX", "GATES", "GIT_", "UV_", "RUFF", "MYPY", "COVERAGE", "VIRTUAL_ENV", "CI")
"""Beginnings of variables that would change what is measured; `PYTHONDONTWRITEBYTECODE` doubles every start."""

_LAST_LINES = 25

BARE_PYTHON = (sys.executable, "-c", "pass")
"""The unit of start-up costs: starts of Python, which are as slow as the machine."""


class Contestant(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison.

    Attributes:
        name: unique among those that run in turns.
        command: what is timed.
        cwd: where it runs.
        before: done before each run, outside the time.
        after: looks at what a run left, outside the time.
    """

    name: str
    command: tuple[str, ...]
    cwd: Path
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None


class Sample(msgspec.Struct, frozen=True):
    """Seconds of one run: by the clock, and of processors in it and everything that it waited for."""

    wall: float
    cpu: float


def clean_environment(cache: Path) -> dict[str, str]:
    """The variables of this process without those that disturb; the tools of this environment first on PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return kept | {"GATES_CACHE_DIR": str(cache), "LC_ALL": "C.UTF-8", "TERM": "dumb"}


def need_modules(*names: str, extra: str | None = None) -> None:
    """Refuse to begin without the tools that a comparison needs.

    Args:
        names: modules.
        extra: of this project, that brings them; None: every environment for benchmarks has them.

    Raises:
        CannotMeasure: one is not installed here.
        NotInstalled: the same, and it belongs to an extra.
    """
    missing = ", ".join(name for name in names if importlib.util.find_spec(name) is None)
    if missing and extra is not None:
        raise NotInstalled(f'not installed in this environment: {missing}; try: pip install "kv-gates[{extra}]"')
    if missing:
        raise CannotMeasure(f"not installed in this environment: {missing}; try: nox -s bench")


def timed(contestant: Contestant, environment: dict[str, str], limit: float = LONGEST) -> Sample:
    """Run one side once.

    Raises:
        CannotMeasure: it fails, or takes too long.
    """
    contestant.before()
    with tempfile.TemporaryFile() as output:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        process = subprocess.Popen(
            contestant.command,
            cwd=contestant.cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # Not `wait(timeout)`: that looks only every 50 ms, and every time would be a multiple of it.
        guard = threading.Timer(limit, _end, [process.pid])
        guard.start()
        try:
            code = process.wait()
        finally:
            wall = time.perf_counter() - start
            late = not guard.is_alive()
            guard.cancel()
            if process.poll() is None:
                _end(process.pid)
                process.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if code != 0:
            output.seek(0)
            tail = output.read().decode("utf-8", "replace").splitlines()[-_LAST_LINES:]
            why = f"took more than {limit:g} s" if late else f"ended with exit code {code}"
            raise CannotMeasure("\n".join([f"{contestant.name} {why}: {' '.join(contestant.command)}", *tail]))
    contestant.after()
    return Sample(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _end(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def interleave(
    contestants: Sequence[Contestant],
    environment: dict[str, str],
    *,
    rounds: int,
    patience: float,
    warm: int = 1,
    clock: Callable[[], float] = time.monotonic,
    run: Callable[[Contestant, dict[str, str]], Sample] = timed,
) -> dict[str, list[Sample]]:
    """Run all sides in turns, each round beginning with another one; the first `warm` rounds count for nothing.

    Args:
        contestants: the sides.
        environment: their variables.
        rounds: how many samples of each.
        patience: seconds after which no new round begins; three rounds always count.
        warm: rounds that only fill caches.
        clock: tells the seconds.
        run: runs one side once.
    """
    samples: dict[str, list[Sample]] = {contestant.name: [] for contestant in contestants}
    began = clock()
    for number in range(warm + rounds):
        if number >= warm + 3 and clock() - began > patience:
            break
        turn = number % len(contestants)
        for contestant in [*contestants[turn:], *contestants[:turn]]:
            sample = run(contestant, environment)
            if number >= warm:
                samples[contestant.name].append(sample)
    return samples


def wall(samples: Sequence[Sample]) -> float:
    """Median seconds by the clock."""
    return statistics.median(sample.wall for sample in samples)


def cpu(samples: Sequence[Sample]) -> float:
    """Median seconds of processors."""
    return statistics.median(sample.cpu for sample in samples)


def added_cpu(more: Sequence[Sample], less: Sequence[Sample]) -> float:
    """Median of the processor seconds that one side took more than the other in the same round.

    For a few milliseconds more or less of a start, which neither waits nor runs in parallel: there the clock says the
    same on a quiet machine, and drowns it on a busy one.
    """
    return statistics.median(one.cpu - two.cpu for one, two in zip(more, less, strict=True))


def gates_command(*arguments: str) -> tuple[str, ...]:
    """The `gates` of this environment, started as a user starts it."""
    script = Path(sys.executable).parent / "gates"
    start = (str(script),) if script.exists() else (sys.executable, "-m", "gates")
    return (*start, *arguments)
