from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.portable.values import GateOutcome
from gates.results.event_schema import GateStarted
from gates.run.guard import Guard
from gates.vcs.watch import TreeChanges
from tests.gates.run.making import a_result, an_engine, ended, planned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def looks(*seen: TreeChanges) -> Callable[[], TreeChanges]:
    left = list(seen)
    return lambda: left.pop(0) if left else TreeChanges()


EDITED = TreeChanges(faults=("a.py", "b.py"))


def test_a_gate_that_ran_while_the_tree_changed_fails_though_it_passed() -> None:
    guard = Guard(looks(EDITED))
    guard.started("fix")
    result = guard.ended(a_result("fix"), ())
    assert result.outcome is GateOutcome.FAILED
    assert result.reason == "the subject changed while fix ran: a.py, b.py"
    assert [(witness.name, witness.outcome) for witness in result.witnesses] == [("tree", GateOutcome.FAILED)]
    assert guard.changed == ("a.py", "b.py")


@pytest.mark.parametrize(
    ("outcome", "becomes"),
    [("failed", "failed"), ("timeout", "timeout"), ("interrupted", "interrupted"), ("could-not-run", "failed"), ("skipped", "failed")],
)  # fmt: skip
def test_it_never_makes_an_outcome_better(outcome: str, becomes: str) -> None:
    guard = Guard(looks(EDITED))
    guard.started("fix")
    result = guard.ended(a_result("fix", GateOutcome(outcome), reason="why"), ())
    assert str(result.outcome) == becomes
    assert result.reason.endswith("the subject changed while fix ran: a.py, b.py")


def test_all_gates_that_ran_meanwhile_are_named_and_fail_and_no_other() -> None:
    guard = Guard(looks(TreeChanges(), EDITED))
    for name in ("early", "one", "two"):
        guard.started(name)
    assert guard.ended(a_result("early"), ("one", "two")).outcome is GateOutcome.PASSED
    one, two = guard.ended(a_result("one"), ("two",)), guard.ended(a_result("two"), ())
    assert {one.reason, two.reason} == {"the subject changed while one and two ran: a.py, b.py"}


def test_many_files_are_counted() -> None:
    guard = Guard(looks(TreeChanges(faults=tuple("abcde"))))
    guard.started("fix")
    assert guard.ended(a_result("fix"), ()).reason.endswith(": a, b, c and 2 more")


def test_new_files_are_said_and_fail_nothing() -> None:
    guard = Guard(looks(TreeChanges(left=("out.txt",)), TreeChanges(left=("x", "y"))))
    for name in ("one", "two"):
        guard.started(name)
        assert guard.ended(a_result(name), ()).outcome is GateOutcome.PASSED
    assert guard.left == ("out.txt", "x", "y")
    assert guard.notes == (
        "a new file that git does not ignore appeared while one ran: out.txt; ignore it, or name it in `reports`",
        "2 new files that git does not ignore appeared while two ran: x, y; ignore them, or name them in `reports`",
    )


def test_files_that_were_written_and_are_as_they_were_are_said_and_fail_nothing() -> None:
    guard = Guard(looks(TreeChanges(written=("a.py",)), TreeChanges(written=("x", "y"))))
    for name in ("one", "two"):
        guard.started(name)
        assert guard.ended(a_result(name), ()).outcome is GateOutcome.PASSED
    assert guard.notes == (
        "1 file was written and restored: a.py; what one saw may have been different",
        "2 files were written and restored: x, y; what two saw may have been different",
    )


def test_no_gate_starts_on_a_tree_that_is_another_one(tmp_path: Path) -> None:
    gates = (planned("fix"), planned("test"), planned("lint", needs=("fix",)))
    engine = an_engine(tmp_path, *gates, jobs=1, look=looks(EDITED))
    events = list(engine.events())
    assert [event.gate for event in events if isinstance(event, GateStarted)] == ["fix"]
    results = ended(iter(events))
    assert {name: str(result.outcome) for name, result in results.items()} == {
        "fix": "failed",
        "test": "skipped",
        "lint": "skipped",
    }
    assert results["test"].reason == "not started: the subject changed while fix ran: a.py, b.py"


def test_a_run_that_validates_nothing_has_nothing_to_look_at() -> None:
    guard = Guard(None)
    guard.started("x")
    result = a_result("x")
    assert guard.ended(result, ()) is result


def test_a_change_of_the_index_alone_is_said_and_fails_nothing() -> None:
    guard = Guard(looks(TreeChanges(staged=("the index of the repository",))))
    guard.started("a")
    assert str(guard.ended(a_result("a"), ()).outcome) == "passed"
    assert guard.notes == ("the index of the repository changed while a ran; the files did not",)
