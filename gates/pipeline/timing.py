"""`gates compare --timing-budget DURATION`: re-time, in turns on both sides, what seems slower or faster."""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from gates.compare.tests import naming
from gates.compare.timing.changes import Suspect, TimingSettings, classify_changes, find_suspects
from gates.compare.timing.schedule import Schedule, Turn, enough_for, plan
from gates.compare.values import TestsComparison, Timing
from gates.config.request import Request
from gates.pipeline.confirm import only_these
from gates.pipeline.execute import Finished, execute
from gates.pipeline.result_files import RecordedTest
from gates.planning.prepare import Prepared, plan_by_history
from gates.portable.errors import GatesError
from gates.portable.filters import Filter, TableFacts, compile_filter
from gates.portable.settings.declare import replace
from gates.portable.values import ExitCode, GateOutcome, TestOutcome, format_duration
from gates.render.text import plural
from gates.results import Run, TestResult
from gates.results.files import TIMING_FOLDER
from gates.run.events import EngineEvent
from gates.vcs.git import subject_of_worktree

if TYPE_CHECKING:
    from gates.pipeline.confirm import Which

    Times = dict[str, float]
    TakeTurn = Callable[[Which, tuple[str, ...]], Times | None]
    PrepareSide = Callable[[Which, Request, Path], AbstractContextManager[Prepared]]

GATE = "gate "
"""Prefix of the name of a gate that is timed as a whole."""

GUESSED_OVERHEAD = 0.3
"""Estimated seconds that a turn takes besides its tests, until the first one was measured: the start of a pytest session."""

GATE_FLOOR = 0.5
"""Seconds by which recorded times of a gate must differ: the time to start programs varies."""

SAID_EVERY = 15.0
"""Seconds between two lines of progress."""


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """The result of re-timing.

    Attributes:
        timing: the verdicts.
        notes: why it does not show more.
        interrupted: the user ended it.
    """

    timing: Timing
    notes: tuple[str, ...] = ()
    interrupted: bool = False


def suspects(
    sides: tuple[Finished, Finished],
    tests: TestsComparison,
    settings: TimingSettings,
    asked: frozenset[str] = frozenset(),
) -> tuple[Suspect, ...]:
    """Tests, then gates, that passed on both sides and are worth re-timing.

    Args:
        sides: the runs of base and head.
        tests: changes of tests.
        settings: how large a difference must be.
        asked: these are always timed.
    """
    before, after = sides
    both = (*before.tests, *after.tests)
    renamed = {one.before: one.after for one in tests.renamed}
    base, head = _passed(before.tests, naming(both, renamed)), _passed(after.tests, naming(both))
    gates = (_passed_gates(before.run), _passed_gates(after.run))
    return (
        *find_suspects(base, head, settings, asked),
        *find_suspects(*gates, msgspec.structs.replace(settings, floor=GATE_FLOOR)),
    )


def _passed(results: Iterable[TestResult], name: Callable[[TestResult], str]) -> dict[str, float]:
    return {name(result): result.duration for result in results if result.outcome is TestOutcome.PASSED}


def _passed_gates(run: Run) -> dict[str, float]:
    return {f"{GATE}{gate.name}": gate.duration for gate in run.gates if gate.outcome is GateOutcome.PASSED}


def asked_for(sides: tuple[Finished, Finished], expression: str) -> frozenset[str]:
    """Names of the head's tests that an expression selects; none if it is empty.

    Raises:
        GatesError: the expression is wrong.
    """
    if not expression:
        return frozenset()
    before, after = sides
    name = naming((*before.tests, *after.tests))
    matched = asked_filter(expression).select([RecordedTest(result) for result in after.tests]).matched
    return frozenset(name(result) for result, selected in zip(after.tests, matched, strict=True) if selected)


def asked_filter(expression: str) -> Filter:
    """The filter of tests that are always timed.

    Raises:
        GatesError: the expression is wrong.
    """
    return compile_filter(expression, TableFacts({}, "a test that was run says nothing of it"), {})


def time_again(
    found: Sequence[Suspect],
    turn: TakeTurn,
    budget: float,
    settings: TimingSettings,
    seed: int,
    clock: Callable[[], float] = time.monotonic,
) -> Timed:
    """Take turns as scheduled, and judge the times.

    Args:
        found: the candidates.
        turn: runs candidates on one side and returns the times of those that passed; None: the user ended it.
        budget: seconds.
        settings: how times are judged.
        seed: for the order of turns.
        clock: seconds.
    """
    started = clock()
    # A first turn on both sides warms up caches, and shows what a turn costs; then the number of pairs is fixed.
    first = tuple(plan(found, budget, overhead=GUESSED_OVERHEAD, settings=settings).pairs)
    warm = _both(turn, ("base", "head"), first) if first else {}
    timing = Timing(budget=budget, threshold=settings.threshold, seed=seed, left_out=tuple(one.test for one in found))
    if not first and found:
        needed = format_duration(math.ceil(enough_for(found, GUESSED_OVERHEAD, settings)))
        return Timed(
            timing=timing, notes=(f"the timing budget is too small: about {needed} would be enough for all suspects",)
        )
    if warm is None:
        return Timed(timing=timing, interrupted=True, notes=("interrupted before anything was timed",))
    spent = clock() - started
    within = sum(seconds for times in warm.values() for seconds in times.values())
    overhead = max(0.0, spent - within) / 2
    chosen = [candidate for candidate in found if candidate.test in first]
    once = sum(candidate.seconds for candidate in chosen) + 2 * overhead
    schedule = plan(chosen, budget - spent + once, overhead=overhead, seed=seed, settings=settings)
    left_out = tuple(one.test for one in found if one.test not in schedule.pairs)
    notes = []
    if left_out:
        needed = format_duration(math.ceil(enough_for(found, overhead, settings)))
        notes.append(
            f"{plural(len(left_out), 'suspect')} beyond the timing budget: about {needed} would be enough for all"
        )
    samples, rounds, interrupted = _rounds(schedule, turn, lambda: clock() - started, budget)
    if interrupted:
        notes.append(f"interrupted: timed in {rounds} of {plural(max(schedule.pairs.values(), default=0), 'round')}")
    timing = msgspec.structs.replace(
        timing,
        changes=classify_changes(samples, settings),
        left_out=left_out,
        seconds=round(clock() - started, 3),
        rounds=rounds,
    )
    return Timed(timing=timing, notes=tuple(notes), interrupted=interrupted)


def _rounds(
    schedule: Schedule, turn: TakeTurn, passed: Callable[[], float], budget: float
) -> tuple[dict[str, tuple[list[float], list[float]]], int, bool]:
    """Times of both sides, the number of whole rounds, and whether the user ended it."""
    samples: dict[str, tuple[list[float], list[float]]] = {test: ([], []) for test in schedule.pairs}
    turns = [one for one in schedule.turns if one.round > 0]
    total, said = len(turns) // 2, -math.inf
    for number in range(total):
        if passed() > budget:  # only the clock was checked, not the times
            return samples, number, False
        if passed() - said >= SAID_EVERY:
            said = passed()
            asked = format_duration(budget)
            _say(
                f"timing: {plural(len(samples), 'suspect')}, round {number + 1} of {total}, {format_duration(said)} of {asked}"
            )
        pair = turns[2 * number : 2 * number + 2]
        times = _both(turn, (pair[0].side, pair[1].side), pair[0].tests)
        if times is None:
            return samples, number, True
        _add(samples, pair[0], times)
    return samples, total, False


def _both(turn: TakeTurn, sides: tuple[Which, Which], tests: tuple[str, ...]) -> dict[Which, Times] | None:
    """A turn on each side; None if the user ended one: then no other starts."""
    found: dict[Which, Times] = {}
    for side in sides:
        times = turn(side, tests)
        if times is None:
            return None
        found[side] = times
    return found


def _add(samples: dict[str, tuple[list[float], list[float]]], turn: Turn, times: Mapping[Which, Times]) -> None:
    for test in turn.tests:
        samples[test][0].append(times["base"].get(test, math.nan))
        samples[test][1].append(times["head"].get(test, math.nan))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


class _Silent:
    """Shows nothing, for runs that only serve another purpose."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def take(self, event: EngineEvent) -> None:
        """Show nothing."""


class _Turns:
    """Runs candidates on a side: both subjects stay checked out all the time."""

    def __init__(
        self,
        sides: dict[Which, Prepared],
        tests: dict[Which, tuple[Sequence[TestResult], Callable[[TestResult], str]]],
        request: Request,
        command_line: str,
    ) -> None:
        self._to_install: set[Which] = {"base", "head"}  # their folders are new
        self._built: set[tuple[Which, str]] = set()
        self._sides, self._tests, self._request, self._command_line = sides, tests, request, command_line

    def __call__(self, side: Which, wanted: tuple[str, ...]) -> Times | None:
        results, name = self._tests[side]
        names = frozenset(wanted)
        times: Times = {}
        tests = [(result.gate, result.id) for result in results if name(result) in names]
        if tests:
            done = self._run(side, only_these(self._request, tests))
            if done.run.exit_code == ExitCode.INTERRUPTED:
                return None
            times |= _passed(done.tests, name)
        for gate in (one.removeprefix(GATE) for one in wanted if one.startswith(GATE)):
            done = self._run(side, replace(self._request, gates=(gate,)))
            if done.run.exit_code == ExitCode.INTERRUPTED:
                return None
            times |= _passed_gates(done.run)
        return times

    def _run(self, side: Which, request: Request) -> Finished:
        prepared = self._sides[side]
        # One thing at a time: anything that runs beside a test adds to its time.
        of_side: set[tuple[Which, str]] = {(side, gate) for gate in request.gates or ()}
        alone = replace(
            request,
            jobs=1,
            workers=1,
            no_install=side not in self._to_install,
            needs=not of_side <= self._built,  # the previous turn has left its files there
        )
        self._to_install.discard(side)
        self._built |= of_side
        plan = plan_by_history(prepared.config, prepared.gates, alone, prepared.store)
        quiet = msgspec.structs.replace(prepared, plan=plan)
        return execute(quiet, self._command_line, progress=_Silent(), aside=True, keep=False)


def time_sides(
    found: Sequence[Suspect],
    runs: tuple[Finished, Finished],
    tests: TestsComparison,
    request: Request,
    prepare: PrepareSide,
    command_line: str,
    budget: float,
    settings: TimingSettings,
) -> Timed:
    """Re-time the candidates on base and head.

    Args:
        found: the candidates.
        runs: of base and head.
        tests: changes of tests.
        request: what the user asked for.
        prepare: prepares a side in its folder, with reports in another one.
        command_line: the command, to paste.
        budget: seconds.
        settings: how times are judged.
    """
    before, after = runs
    both = (*before.tests, *after.tests)
    renamed = {one.before: one.after for one in tests.renamed}
    named: dict[Which, tuple[Sequence[TestResult], Callable[[TestResult], str]]] = {
        "base": (before.tests, naming(both, renamed)),
        "head": (after.tests, naming(both)),
    }
    seed = request.seed if request.seed is not None else random.SystemRandom().randrange(2**32)
    folder = after.reports / TIMING_FOLDER
    nothing = Timing(budget=budget, threshold=settings.threshold, seed=seed, left_out=tuple(one.test for one in found))
    if not found:
        return Timed(timing=nothing)
    try:
        with ExitStack() as stack:
            sides: dict[Which, Prepared] = {"head": stack.enter_context(prepare("head", request, folder / "head"))}
            # Equal trees share a folder, unless it is the user's own.
            same = after.run.subject.kind != "worktree" and _identity(before) == _identity(after)
            sides["base"] = sides["head"] if same else stack.enter_context(prepare("base", request, folder / "base"))
            timed = time_again(found, _Turns(sides, named, request, command_line), budget, settings, seed)
            changed = _identity(after) != _now(sides["head"])
    except GatesError as error:
        return Timed(timing=nothing, notes=(f"nothing could be re-timed: {error}",))
    if changed:
        note = "the working tree changed while it was timed, so no times are reported"
        return Timed(timing=nothing, notes=(note,), interrupted=timed.interrupted)
    return timed


def _identity(side: Finished) -> str:
    return side.run.subject.identity


def _now(prepared: Prepared) -> str:
    """The identity of the content of a side's folder."""
    if prepared.subject.kind != "worktree":
        return prepared.subject.identity
    return subject_of_worktree(prepared.root, prepared.git, prepared.config.base).identity
