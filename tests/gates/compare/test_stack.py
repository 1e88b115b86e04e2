from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gates.compare.stack import (
    Failing,
    Layer,
    Stack,
    StackRun,
    arrange,
    asks_for_base,
    attribute,
    failing_of,
    members,
    numbered,
    with_verdicts,
)
from gates.portable.errors import UsageError
from gates.portable.values import GateOutcome, TestOutcome
from tests.gates.readers.junit.sample import a_gate, a_run, a_test


def ran(*failing: str, **fields: Any) -> StackRun:
    """A run in which tests fail; `gate:` is the gate itself."""
    found = tuple(Failing("test", "" if name == "gate:" else name) for name in failing)
    values = {"outcome": "failed" if failing else "passed", "exit_code": 1 if failing else 0, "run": "r"}
    return StackRun(subject="s", identity="git-tree:t", **{"failing": found, **values, **fields})


def a_layer(name: str, parent: str, own: StackRun | None = None, merge: StackRun | None = None, **fields: Any) -> Layer:
    return Layer(name=name, parent=parent, own=own, merge=merge or own, **fields)


def told(trunk: StackRun | None, *layers: Layer) -> list[tuple[str, str, str, bool]]:
    return [(one.test, one.introduced_by, one.how, one.certain) for one in attribute("main", trunk, layers)]


def test_a_failure_is_told_of_the_lowest_layer_that_has_it() -> None:
    layers = (a_layer("1", "main", ran()), a_layer("2", "1", ran("a")), a_layer("3", "2", ran("a", "b")))
    assert told(ran(), *layers) == [("a", "2", "layer", True), ("b", "3", "layer", True)]
    [first, _] = attribute("main", ran(), layers)
    assert first.seen == ("2", "2 merged into main", "3", "3 merged into main")


def test_a_test_that_fails_for_another_cause_than_below_is_another_failure() -> None:
    one, other, unknown = (ran(failing=(Failing("test", "a", cause),)) for cause in ("one", "other", ""))
    assert told(one, a_layer("1", "main", one)) == [("a", "main", "trunk", True)]
    assert told(one, a_layer("1", "main", other)) == [("a", "1", "layer", True)]
    assert told(one, a_layer("1", "main", unknown)) == [("a", "main", "trunk", True)]
    assert told(one, a_layer("1", "main", one, other)) == [("a", "main", "trunk", True), ("a", "1", "merge", True)]


def test_two_layers_beside_each_other_each_introduce_their_own() -> None:
    layers = (a_layer("1", "main", ran()), a_layer("2", "1", ran("a")), a_layer("3", "1", ran("a")))
    assert told(ran(), *layers) == [("a", "2", "layer", True), ("a", "3", "layer", True)]


def test_what_was_fixed_and_broken_again_is_told_of_the_one_that_broke_it_again() -> None:
    layers = (a_layer("1", "main", ran("a")), a_layer("2", "1", ran()), a_layer("3", "2", ran("a")))
    assert told(ran(), *layers) == [("a", "1", "layer", True), ("a", "3", "layer", True)]


@pytest.mark.parametrize(
    ("trunk", "layer", "expected"),
    [
        (ran("a"), a_layer("1", "main", ran("a")), ("a", "main", "trunk", True)),
        (None, a_layer("1", "main", ran("a")), ("a", "1", "layer", False)),
        (ran(unknown=("test",)), a_layer("1", "main", ran("a")), ("a", "1", "layer", False)),
        (ran("gate:"), a_layer("1", "main", ran("a")), ("a", "1", "layer", False)),
        (ran(), a_layer("1", "main", ran(), ran("a")), ("a", "1", "merge", True)),
        (ran("a"), a_layer("1", "main", ran(), ran("a")), ("a", "main", "trunk", True)),
        (ran(unknown=("test",)), a_layer("1", "main", ran(), ran("a")), ("a", "1", "merge", False)),
    ],
    ids=["trunk", "no-trunk", "trunk-unknown", "whole-gate", "merge", "merge-of-trunk", "merge-unknown"],
)
def test_who_introduced_it_depends_on_what_lies_below(
    trunk: StackRun | None, layer: Layer, expected: tuple[str, str, str, bool]
) -> None:
    assert told(trunk, layer) == [expected]


def test_what_fails_only_when_merged_is_told_of_the_lowest_layer_whose_merge_has_it() -> None:
    layers = (a_layer("1", "main", ran(), ran("a")), a_layer("2", "1", ran(), ran("a")))
    assert told(ran(), *layers) == [("a", "1", "merge", True)]


def test_a_layer_made_from_an_older_parent_is_judged_by_that() -> None:
    below = a_layer("1", "main", ran())
    above = a_layer("2", "1", ran("a"), fork="old", parent_commit="new")
    assert asks_for_base(above, below.own)
    assert not asks_for_base(above, ran("a"))
    assert not asks_for_base(msgspec.structs.replace(above, fork="new"), below.own)
    assert told(ran(), below, msgspec.structs.replace(above, base=ran("a"))) == [("a", "1", "outdated", True)]
    assert told(ran(), below, msgspec.structs.replace(above, base=ran())) == [("a", "2", "layer", True)]
    assert told(ran(), below, msgspec.structs.replace(above, base=ran(run=""))) == [("a", "2", "layer", False)]


@pytest.mark.parametrize(
    ("layer", "trunk", "state", "code"),
    [
        (a_layer("1", "main", ran()), ran(), "validated", 0),
        (a_layer("1", "main", ran()), ran("a"), "validated", 0),
        (a_layer("1", "main", ran("a")), ran(), "failed", 5),
        (a_layer("1", "main", ran("a")), None, "failed", 1),
        (a_layer("1", "main", ran("a")), ran("a"), "inherited", 1),
        (a_layer("1", "main", ran(), ran("a")), ran(), "failed", 5),
        (a_layer("1", "main", ran(), merge_conflicts=("x",)), ran(), "conflict", 1),
        (a_layer("1", "main", ran("a"), merge_conflicts=("x",)), ran(), "failed", 1),
        (a_layer("1", "main", ran(outcome="could-not-run", exit_code=3)), ran(), "could-not-run", 3),
        (
            a_layer("1", "main", ran(run="", outcome="could-not-run", exit_code=2, reason="x")),
            ran(),
            "could-not-run",
            2,
        ),
        (a_layer("1", "main", ran(outcome="interrupted", exit_code=130)), ran(), "interrupted", 130),
        (a_layer("1", "main", ran(outcome="nothing-selected", exit_code=4)), ran(), "nothing-selected", 4),
        (a_layer("1", "main", ran(), ran(run="", outcome="not-run")), ran(), "not-run", 0),
        (a_layer("1", "main"), None, "not-run", 0),
        (a_layer("1", "main", merged=True), ran(), "merged", 0),
        (a_layer("1", "main", ran(), rebase="pending"), ran(), "validated", 0),
    ],
)
def test_the_state_of_a_layer_and_the_exit_code(layer: Layer, trunk: StackRun | None, state: str, code: int) -> None:
    stack = with_verdicts(Stack(trunk="main", trunk_commit="c", trunk_run=trunk, layers=(layer,)))
    assert (stack.layers[0].state, stack.exit_code) == (state, code)


def test_a_layer_tells_the_state_of_what_it_stands_on() -> None:
    layers = (a_layer("1", "main", ran("a")), a_layer("2", "1", ran("a")))
    stack = with_verdicts(Stack(trunk="main", trunk_commit="c", trunk_run=ran(), layers=layers))
    assert [layer.base_state for layer in stack.layers] == ["validated", "failed"]
    assert stack.trunk_state == "validated"


def test_a_gate_that_fails_by_itself_is_a_failure_and_one_that_could_not_run_is_unknown() -> None:
    gates = (
        a_gate("test", GateOutcome.FAILED),
        a_gate("lint", GateOutcome.TIMEOUT),
        a_gate("docs", GateOutcome.COULD_NOT_RUN),
    )
    run = a_run(gates=gates, planned=("test", "lint", "docs", "later"))
    wrong = a_test("a", TestOutcome.FAILED, gate="test", signature="cause")
    failing, unknown = failing_of(run, [wrong, a_test("b", gate="test")])
    assert failing == (Failing("lint"), Failing("test", wrong.id, "cause"))
    assert unknown == ("docs", "later")


def test_layers_come_behind_what_they_stand_on() -> None:
    parents = {"c": "b", "b": "a", "x": "a", "a": "main", "y": "main"}
    assert arrange(parents, "main") == ("a", "b", "c", "x", "y")
    layers = numbered([a_layer(name, parents[name]) for name in arrange(parents, "main")])
    places = {layer.name: (layer.number, layer.total) for layer in layers}
    assert places == {"a": (1, 3), "b": (2, 3), "c": (3, 3), "x": (2, 2), "y": (1, 1)}


def test_branches_that_stand_on_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="do not lead to the trunk"):
        arrange({"a": "b", "b": "a"}, "main")


@pytest.mark.parametrize(("start", "found"), [("a", "abcx"), ("c", "abcx"), ("y", "y"), ("main", ""), ("gone", "")])
def test_the_stack_of_a_branch_goes_down_to_the_trunk_and_has_all_above(start: str, found: str) -> None:
    parents = {"a": "main", "b": "a", "c": "b", "x": "a", "y": "main"}
    assert "".join(members(parents, start, "main")) == found
