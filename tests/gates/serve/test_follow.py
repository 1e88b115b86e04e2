from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from gates.portable.values import GateOutcome, TestOutcome
from gates.results.files import TESTS_FILE
from gates.serve.follow import Follower, RunState
from gates.serve.runs import Runs
from gates.storage.cache import GateHistory
from tests.gates.readers.junit.sample import NOON, a_gate, a_test
from tests.gates.serve.following import Going, going

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HISTORY = {"build": GateHistory(seconds=10.0), "test": GateHistory(seconds=60.0)}
FAILED = TestOutcome.FAILED


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Going]:
    with going(tmp_path / "store", tmp_path / "reports") as run:
        yield run


@pytest.fixture
def follower(tmp_path: Path, run: Going) -> Follower:
    return Follower(Runs(tmp_path / "store").last()[0])


def state(follower: Follower, run: Going, seconds: float = 0.0) -> RunState:
    return follower.state(run.run, HISTORY, NOON + seconds)


def words(now: RunState) -> list[str]:
    return [gate.word for gate in now.gates]


def test_a_gate_waits_then_runs_then_ends(run: Going, follower: Follower) -> None:
    assert words(state(follower, run)) == ["waiting", "waiting"]
    run.start("build")
    assert words(state(follower, run)) == ["running", "waiting"]
    run.save(msgspec.structs.replace(run.run, gates=(a_gate("build", GateOutcome.FAILED),)))
    now = state(follower, run)
    assert words(now) == ["FAIL", "waiting"]
    assert (now.ended, now.failed) == (1, 1)


def test_results_count_as_they_land_and_each_once(run: Going, follower: Follower) -> None:
    run.start("test")
    run.expect("test", 5)
    run.land(a_test("a"), a_test("b", FAILED))
    assert state(follower, run).gates[1].bad == 1
    run.land(a_test("c", TestOutcome.CRASHED))
    now = state(follower, run)
    gate = now.gates[1]
    assert (gate.tests, gate.bad, gate.expected) == (3, 2, 5)
    assert (now.tests, now.bad) == (3, 2)
    assert [test.id.partition("::")[2] for test in now.failures] == ["b", "c"]


def test_a_line_counts_only_when_it_is_whole(run: Going, follower: Follower) -> None:
    line = msgspec.json.encode(a_test("a", FAILED)) + b"\n"
    run.lines.write(line[:40])
    assert state(follower, run).tests == 0
    run.lines.write(line[40:])
    assert state(follower, run).tests == 1


def test_results_that_are_begun_again_do_not_count_twice(run: Going, follower: Follower) -> None:
    run.land(a_test("a", FAILED), a_test("b", FAILED))
    assert state(follower, run).bad == 2
    run.lines = run.reports.stream(TESTS_FILE)
    run.land(a_test("a"))
    now = state(follower, run)
    assert (now.tests, now.bad, now.failures) == (1, 0, ())


def test_only_the_first_failures_are_kept_and_all_are_counted(
    run: Going, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gates.serve.follow.FAILURES", 2)
    run.land(*(a_test(f"t{number}", FAILED) for number in range(5)))
    now = state(follower, run)
    assert (len(now.failures), now.bad) == (2, 5)


def test_the_end_is_foretold_from_what_gates_took_last_time(run: Going, follower: Follower) -> None:
    run.start("build")
    assert state(follower, run, 4).left == 66.0
    assert follower.state(run.run, {}, NOON).left is None


def test_what_cannot_be_read_is_left_out(run: Going, follower: Follower) -> None:
    run.lines.write(b"{\n[]\n\xff\n")
    run.reports.tell(b"nonsense\n")
    run.land(a_test("a"))
    assert state(follower, run).tests == 1
