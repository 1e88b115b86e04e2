from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.compare.blame import _OF_TESTS, only_base_failures
from gates.portable.values import GateOutcome
from gates.results import GateResult, Witness
from gates.run.witnesses import names

if TYPE_CHECKING:
    from collections.abc import Iterator


def failed(*witnesses: str) -> GateResult:
    found = tuple(Witness(name=name, outcome=GateOutcome.FAILED) for name in witnesses)
    return GateResult(name="test", outcome=GateOutcome.FAILED, exit_code=1, witnesses=found)


def all_names() -> Iterator[str]:
    yield from (value for name, value in vars(names).items() if name.isupper() and isinstance(value, str))


def test_the_names_are_those_of_witnesses() -> None:
    assert set(all_names()) > _OF_TESTS


@pytest.mark.parametrize("name", list(all_names()))
def test_a_gate_that_failed_for_another_reason_than_its_tests_does_not_fail_as_on_the_base(name: str) -> None:
    base, head = failed("exit code", "test results"), failed("exit code", "test results", name)
    assert only_base_failures([base], [head], True, frozenset({"test"}), frozenset()) == (name in _OF_TESTS)
