from __future__ import annotations

from typing import Any

import pytest

from gates.config import Profile
from gates.planning.expectations import asks_of, said_of_unheard
from gates.planning.plan import Request
from gates.portable.errors import UsageError
from gates.portable.values import GateOutcome, TestOutcome
from gates.results import GateResult, TestCounts
from gates.results.outstanding import Asked, Part, left_by
from tests.gates.planning.test_plan import a_gate, plan
from tests.gates.readers.junit.sample import a_run
from tests.gates.run.making import a_test

DEFAULT = Profile(name="default")
FROM_FILES = GateResult(name="ctest", outcome=GateOutcome.PASSED, tests=TestCounts(collected=1, run=1, passed=1))
FROM_PYTEST = GateResult(name="test", outcome=GateOutcome.PASSED, tests=TestCounts(collected=1), injected=True)


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ({"filter": "test(x)"}, "-E"),
        ({"partition": "slice:1/2"}, "--partition"),
        ({"retries": 0}, "--retries"),
        ({"test_timeout": 1.0}, "--test-timeout"),
        ({"max_fail": "1"}, "--max-fail"),
        ({"order": "random"}, "--order"),
        ({"stress_count": 3}, "--stress-count"),
        ({"stress_duration": 3.0}, "--stress-duration"),
    ],
)
def test_what_no_chosen_gate_can_hear_is_refused_and_named_where_some_can(option: dict[str, Any], name: str) -> None:
    request = Request(**option)
    gates = (a_gate("ctest", tests="junit"), a_gate("lint", tests="none"))
    with pytest.raises(UsageError, match=f"{name} cannot be applied") as caught:
        plan(*gates, request=request)
    assert caught.value.got == "tests read from files: ctest"
    found = plan(*gates, a_gate("test"), request=request)
    assert found.asks == asks_of(request, DEFAULT) == (name,)
    assert said_of_unheard(found.asks, (FROM_FILES, FROM_PYTEST)) == (
        f"the tests of ctest were read from files: all of them ran, and {name} did not apply there",
    )


def test_what_the_environment_asks_of_every_run_is_refused_by_none() -> None:
    request = Request(retries=2, variables=frozenset({"retries"}))
    assert plan(a_gate("ctest", tests="junit"), request=request).asks == ("GATES_RETRIES",)


def test_the_filter_of_a_profile_and_the_choice_of_a_rerun_are_asked_too() -> None:
    request = Request(only={"ctest": Part(tests=("t",))})
    assert asks_of(request, Profile(name="quick", filter="test(x)")) == (
        "the filter of the profile quick",
        "the choice of tests",
    )


@pytest.mark.parametrize(("asks", "gates"), [((), (FROM_FILES,)), (("-E",), (FROM_PYTEST,))])
def test_nothing_is_said_where_nothing_was_asked_or_all_heard(
    asks: tuple[str, ...], gates: tuple[GateResult, ...]
) -> None:
    assert said_of_unheard(asks, gates) == ()


def test_a_gate_that_nobody_can_ask_for_some_of_its_tests_is_outstanding_as_a_whole() -> None:
    failed = GateResult(name="ctest", outcome=GateOutcome.FAILED, tests=TestCounts(collected=2, failed=1))
    left = left_by(a_run(gates=(failed,)), [a_test("t", TestOutcome.FAILED, gate="ctest")], Asked())
    assert (left.gates, left.tests) == (("ctest",), {})
