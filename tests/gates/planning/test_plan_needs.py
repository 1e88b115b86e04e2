from __future__ import annotations

from gates.config import Profile
from gates.planning.plan import Request
from gates.results.outstanding import Asked, Outstanding
from tests.gates.planning.test_plan import a_gate, plan

CHAIN = (a_gate("configure"), a_gate("build", needs=("configure",)), a_gate("lint"), a_gate("test", needs=("build",)))


def test_what_chosen_gates_need_is_part_of_the_run() -> None:
    found = plan(*CHAIN, request=Request(gates=("test",)))
    assert [(item.gate.name, item.needed, item.needs) for item in found.gates] == [
        ("configure", True, ()),
        ("build", True, ("configure",)),
        ("test", False, ("build",)),
    ]
    assert found.notes == ("run because other gates need them: configure, build", "not part of this run: lint")


def test_what_a_profile_leaves_out_and_its_gates_need_is_part_of_the_run() -> None:
    profile = Profile(name="quick", gates=("build",))
    found = plan(*CHAIN, profiles={"quick": profile}, request=Request(profile="quick"))
    assert [item.gate.name for item in found.gates] == ["configure", "build"]


def test_a_filter_is_not_meant_for_gates_that_are_only_needed() -> None:
    found = plan(*CHAIN, request=Request(gates=("test",), filter="test(x)"))
    assert "run because other gates need them, with all of their tests: configure, build" in found.notes


def test_a_need_that_ran_in_this_folder_a_moment_ago_may_be_left_out_and_that_is_said() -> None:
    found = plan(*CHAIN, request=Request(gates=("test",), needs=False))
    assert [item.gate.name for item in found.gates] == ["test"]
    assert found.gates[0].needs == ()
    assert "test needs build, which this run does not include" in found.notes


def test_a_rerun_runs_what_outstanding_gates_need_and_does_not_say_that_it_was_outstanding() -> None:
    left = Outstanding(
        run="R", identity="x", asked=Asked(), tests={}, seen={}, gates=("test",), passed=("configure", "build", "lint")
    )
    found = plan(*CHAIN, request=Request(rest=left))
    assert [(item.gate.name, item.needed) for item in found.gates] == [
        ("configure", True), ("build", True), ("test", False),
    ]  # fmt: skip
    assert found.notes[:3] == (
        "rerun of R: all of test",
        "not run again: lint, which passed in R or a rerun of it",
        "run because other gates need them: configure, build",
    )
