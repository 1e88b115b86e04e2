"""What seems slower or faster is timed again in turns, within a budget, and nothing else is."""

from __future__ import annotations

import random
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from gates.compare.timing.changes import Suspect, TimingSettings
from gates.compare.values import Renamed, TestsComparison, TimingChange
from gates.config.request import Request
from gates.pipeline.execute import Finished
from gates.pipeline.timing import asked_for, suspects, time_again, time_sides
from gates.portable.errors import EnvironmentProblem, GatesError
from gates.portable.values import GateOutcome, TestOutcome
from tests.gates.readers.junit.sample import a_gate, a_run, a_subject, a_test

if TYPE_CHECKING:
    from pathlib import Path

    from gates.results import TestResult

SETTINGS = TimingSettings(pairs=30, least_pairs=20, resamples=200)
FILE = "tests/kvcache/test_pool.py::"


class Machine:
    """Takes turns that cost their tests, a start, and noise; the head is slower by a factor."""

    def __init__(self, start: float = 0.5, **factors: float) -> None:
        self.now, self.start, self.factors = 0.0, start, factors
        self.turns: list[tuple[str, tuple[str, ...]]] = []
        self.dice = random.Random(1)
        self.ends_at, self.fails_at = 0, 0

    def clock(self) -> float:
        return self.now

    def turn(self, side: str, tests: tuple[str, ...]) -> dict[str, float] | None:
        self.turns.append((side, tests))
        if len(self.turns) == self.ends_at:
            return None
        times = {
            test: self.dice.lognormvariate(0, 0.02) * (self.factors.get(test, 1.0) if side == "head" else 1.0)
            for test in tests
        }
        self.now += self.start + sum(times.values())
        if len(self.turns) == self.fails_at:
            times.clear()
        return times


def candidate(test: str) -> Suspect:
    return Suspect(test=test, direction="slower", size=0.5, seconds=2.0)


def timed(machine: Machine, *tests: str, budget: float = 1000.0) -> Any:
    return time_again([candidate(test) for test in tests], machine.turn, budget, SETTINGS, 0, machine.clock)


def verdicts(changes: tuple[TimingChange, ...]) -> dict[str, str]:
    return {change.test: change.verdict for change in changes}


def test_a_slowdown_is_told_from_a_small_one_and_from_none() -> None:
    found = timed(Machine(much=1.3, little=1.01, less=0.7), "much", "little", "less", "none")
    assert verdicts(found.timing.changes) == {"much": "slower", "little": "same", "less": "faster", "none": "same"}
    assert (found.timing.rounds, found.timing.left_out, found.notes) == (30, (), ())
    assert found.timing.changes[0].ratio == pytest.approx(1.3, rel=0.02)


def test_the_first_turn_of_each_side_warms_up_and_is_not_counted() -> None:
    machine = Machine()
    found = timed(machine, "a")
    assert len(machine.turns) == 2 + 2 * found.timing.rounds
    assert found.timing.changes[0].pairs == found.timing.rounds
    sides = [side for side, _ in machine.turns]
    assert sides[:2] == ["base", "head"]
    assert all({*sides[at : at + 2]} == {"base", "head"} for at in range(0, len(sides), 2))


@pytest.mark.parametrize("start", [0.1, 0.5, 3.0])
def test_what_a_turn_costs_is_measured_before_the_pairs_are_fixed(start: float) -> None:
    machine = Machine(start)
    found = timed(machine, "a", budget=25 * (2 + 2 * start))
    assert found.timing.changes[0].pairs == pytest.approx(24, abs=1)
    assert found.timing.seconds == pytest.approx(found.timing.budget, rel=0.1)


def test_what_the_budget_has_no_room_for_is_left_out_and_named() -> None:
    found = timed(Machine(), "a", "b", budget=70.0)
    assert verdicts(found.timing.changes).keys() == {"a"}
    assert found.timing.left_out == ("b",)
    assert found.notes == ("1 suspect beyond the timing budget: about 1m 45s would be enough for all",)
    machine = Machine()
    none = timed(machine, "a", "b", budget=5.0)
    assert (none.timing.changes, none.timing.left_out, machine.turns) == ((), ("a", "b"), [])
    assert none.notes == ("the timing budget is too small: about 1m 37s would be enough for all suspects",)


def test_the_clock_ends_the_rounds_where_the_machine_became_slow() -> None:
    machine = Machine()
    turn = machine.turn

    def slower(side: str, tests: tuple[str, ...]) -> dict[str, float] | None:
        if len(machine.turns) > 20:
            machine.start = 30.0
        return turn(side, tests)

    found = time_again([candidate("a")], slower, 100.0, SETTINGS, 0, machine.clock)
    assert 9 <= found.timing.changes[0].pairs < 20


def test_a_test_that_fails_while_it_is_timed_gives_no_pair() -> None:
    machine = Machine()
    machine.fails_at = 7
    found = timed(machine, "a")
    assert found.timing.changes[0].pairs == found.timing.rounds - 1


@pytest.mark.parametrize(
    ("ends_at", "note"), [(1, "interrupted before anything was timed"), (9, "interrupted: timed in 3 of 30 rounds")]
)
def test_who_interrupts_gets_no_verdict_from_half_a_round(ends_at: int, note: str) -> None:
    machine = Machine()
    machine.ends_at = ends_at
    found = timed(machine, "a")
    assert (found.interrupted, found.notes) == (True, (note,))
    assert all(change.verdict == "inconclusive" for change in found.timing.changes)
    assert len(machine.turns) == ends_at, "no further turn is begun"


def test_the_same_seed_gives_the_same_turns() -> None:
    orders = []
    for seed in (1, 1, 2):
        machine = Machine()
        time_again([candidate("a")], machine.turn, 1000.0, SETTINGS, seed, machine.clock)
        orders.append(machine.turns)
    assert orders[0] == orders[1] != orders[2]


def finished(folder: Path, tests: tuple[TestResult, ...], **more: Any) -> Finished:
    return Finished(run=a_run(tests, **more), tests=tests, reports=folder)


def test_only_what_passed_on_both_sides_is_suspected_and_gates_come_last(tmp_path: Path) -> None:
    names = ("quick", "slow", "failed", "new")
    base = tuple(a_test(name, duration=1.0) for name in names[:3])
    head = tuple(
        a_test(name, TestOutcome.FAILED if name == "failed" else TestOutcome.PASSED, duration=2.0 - (name == "quick"))
        for name in names
    )
    gates = [(a_gate("lint", duration=1.0), a_gate("types", duration=1.0)), (a_gate("lint", duration=9.0),)]
    gates[1] += (a_gate("types", GateOutcome.FAILED, duration=9.0),)
    both = finished(tmp_path, base, gates=gates[0]), finished(tmp_path, head, gates=gates[1])
    found = suspects(both, TestsComparison(), SETTINGS)
    assert [one.test for one in found] == [f"{FILE}slow", "gate lint"]
    asked = asked_for(both, "test(quick) | test(new)")
    assert asked == {f"{FILE}quick", f"{FILE}new"}
    found = suspects(both, TestsComparison(), SETTINGS, asked)
    assert [one.test for one in found] == [f"{FILE}quick", f"{FILE}slow", "gate lint"]
    assert asked_for(both, "") == asked_for(both, "test(nowhere)") == frozenset()
    with pytest.raises(GatesError, match="test"):
        asked_for(both, "test(")


def test_a_renamed_test_is_compared_with_what_it_was(tmp_path: Path) -> None:
    both = (
        finished(tmp_path, (a_test("old", duration=1.0),), gates=()),
        finished(tmp_path, (a_test("new", duration=3.0),), gates=()),
    )
    tests = TestsComparison(renamed=(Renamed(before=f"{FILE}old", after=f"{FILE}new"),))
    assert [one.test for one in suspects(both, tests, SETTINGS)] == [f"{FILE}new"]
    assert suspects(both, TestsComparison(), SETTINGS) == ()


def test_a_side_that_cannot_be_laid_out_is_a_note_and_nothing_is_said(tmp_path: Path) -> None:
    def prepare(side: str, request: Request, reports: Path) -> Any:
        raise EnvironmentProblem("no space left")

    both = (finished(tmp_path, (a_test("a"),)), finished(tmp_path, (a_test("a"),)))
    found = time_sides(
        [candidate(f"{FILE}a")], both, TestsComparison(), Request(seed=3), prepare, "gates compare", 60.0, SETTINGS
    )
    assert (found.timing.changes, found.timing.left_out, found.timing.seed) == ((), (f"{FILE}a",), 3)
    assert "no space left" in found.notes[0]


def test_nothing_is_laid_out_where_nothing_is_suspected(tmp_path: Path) -> None:
    both = (finished(tmp_path, ()), finished(tmp_path, ()))
    found = time_sides(
        [], both, TestsComparison(), Request(), lambda *_: pytest.fail("laid out"), "gates compare", 60.0, SETTINGS
    )
    assert found.timing.changes == ()


@pytest.mark.parametrize("identity", ["git-tree:1", "git-tree:2"])
def test_a_working_tree_that_changes_meanwhile_leaves_no_verdict(
    identity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = a_subject(kind="worktree", identity="git-tree:1")
    both = (finished(tmp_path, (a_test("a"),)), finished(tmp_path, (a_test("a"),), subject=subject))
    change = TimingChange(test="a", verdict="slower", pairs=20)

    class Side:
        def __init__(self) -> None:
            self.subject, self.root, self.git = subject, tmp_path, None
            self.config = type("Config", (), {"base": ""})

    def again(*_: Any) -> Any:
        from gates.compare.values import Timing
        from gates.pipeline.timing import Timed

        return Timed(timing=Timing(changes=(change,)))

    monkeypatch.setattr("gates.pipeline.timing.time_again", again)
    monkeypatch.setattr("gates.pipeline.timing.subject_of_worktree", lambda *_: a_subject(identity=identity))
    found = time_sides(
        [candidate("a")],
        both,
        TestsComparison(),
        Request(),
        lambda *_: nullcontext(Side()),
        "gates compare",
        60.0,
        SETTINGS,
    )
    same = identity == subject.identity
    assert found.timing.changes == ((change,) if same else ())
    assert found.notes == (() if same else ("the working tree changed while it was timed, so no times are reported",))
