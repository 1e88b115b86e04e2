"""What became of each test from base to head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.compare.values import TestsComparison
from gates.values import BAD_TESTS, LOST_TESTS, RAN_TESTS, TestOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gates.results import TestResult

_GOOD = frozenset({TestOutcome.PASSED, TestOutcome.FLAKY, TestOutcome.XFAILED, TestOutcome.XPASSED})
_WRONG = BAD_TESTS | LOST_TESTS


def compare_tests(base: Sequence[TestResult], head: Sequence[TestResult]) -> TestsComparison:
    """Sort every test of both sides; order is the head's, then the base's.

    A test is the same test when gate, process and id are the same.
    """
    gates = {result.gate for result in (*base, *head)}

    def name(result: TestResult) -> str:
        front = f"{result.gate}: " if len(gates) > 1 else ""
        return front + result.id + (f" (process {result.process})" if result.process else "")

    before = {name(result): result.outcome for result in base}
    after = {name(result): result.outcome for result in head}
    found: dict[str, list[str]] = {field: [] for field in TestsComparison.__struct_fields__}
    for test, outcome in after.items():
        for field in _became(before.get(test), outcome):
            found[field].append(test)
    found["removed"] = [test for test in before if test not in after]
    return TestsComparison(**{field: tuple(tests) for field, tests in found.items()})


def _became(before: TestOutcome | None, after: TestOutcome) -> tuple[str, ...]:
    words = []
    if before is None:
        words.append("new")
    if after in _WRONG:
        if before in _GOOD:
            words.append("newly_failing")
        elif before in _WRONG:
            words.append("still_failing")
        else:
            words.append("newly_failing_other")
    elif before in _WRONG and after in _GOOD:
        words.append("fixed")
    if after is TestOutcome.SKIPPED and before in RAN_TESTS:
        words.append("newly_skipped")
    if after is TestOutcome.EXCLUDED and before is not None and before is not TestOutcome.EXCLUDED:
        words.append("newly_excluded")
    return tuple(words)
