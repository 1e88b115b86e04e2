"""What became of each test from base to head."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from gates.compare.moved import pairs_of
from gates.compare.values import Fewer, Renamed, TestsComparison
from gates.values import BAD_TESTS, LOST_TESTS, RAN_TESTS, TestOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gates.facts.assertions import Shape
    from gates.results import TestResult

    Shapes = Mapping[str, Shape]

_GOOD = frozenset({TestOutcome.PASSED, TestOutcome.FLAKY, TestOutcome.XFAILED, TestOutcome.XPASSED})
_WRONG = BAD_TESTS | LOST_TESTS


def compare_tests(
    base: Sequence[TestResult],
    head: Sequence[TestResult],
    base_shapes: Shapes | None = None,
    head_shapes: Shapes | None = None,
) -> TestsComparison:
    """Sort every test of both sides; order is the head's, then the base's.

    A test is the same test when gate, process and id are the same, or when it was renamed.

    Args:
        base: results of the base.
        head: results of the head.
        base_shapes: what the source of the base says of tests, by id without parameters; None where it is not at hand.
        head_shapes: likewise, of the head.
    """
    shapes = (base_shapes or {}, head_shapes or {})
    renamed = _renamed(base, head, *shapes)
    gates = {result.gate for result in (*base, *head)}

    def name(result: TestResult, *, of_base: bool = False) -> str:
        front = f"{result.gate}: " if len(gates) > 1 else ""
        function, bracket, rest = result.id.partition("[")
        test = renamed.get(function, function) if of_base else function
        return f"{front}{test}{bracket}{rest}" + (f" (process {result.process})" if result.process else "")

    before = {name(result, of_base=True): result for result in base}
    after = {name(result): result for result in head}
    found: dict[str, list[Any]] = {field: [] for field in TestsComparison.__struct_fields__}
    for test, result in after.items():
        for field in _became(before.get(test), result):
            found[field].append(test)
    # A test with other parameters is the same test, with fewer or more of them.
    functions = {test.partition("[")[0] for test in after}
    found["removed"] = [
        test for test in before if test not in after and ("[" not in test or test.partition("[")[0] not in functions)
    ]
    found["renamed"] = [Renamed(before=one, after=other) for one, other in renamed.items()]
    found["fewer"] = [*_fewer_parameters(before, after), *_fewer_claims(renamed, base, head, *shapes)]
    return TestsComparison(**{field: tuple(tests) for field, tests in found.items()})


def _function(result: TestResult) -> str:
    return result.id.partition("[")[0]


def _renamed(base: Sequence[TestResult], head: Sequence[TestResult], before: Shapes, after: Shapes) -> dict[str, str]:
    was, now = (dict.fromkeys(map(_function, side)) for side in (base, head))
    return pairs_of([test for test in was if test not in now], [test for test in now if test not in was], before, after)


def _fewer_parameters(before: Mapping[str, TestResult], after: Mapping[str, TestResult]) -> list[Fewer]:
    was, now = (Counter(test.partition("[")[0] for test in side if "[" in test) for side in (before, after))
    return [
        Fewer(test=test, what="parameters", before=number, after=now[test])
        for test, number in was.items()
        if 0 < now[test] < number
    ]


def _fewer_claims(
    renamed: Mapping[str, str], base: Sequence[TestResult], head: Sequence[TestResult], before: Shapes, after: Shapes
) -> list[Fewer]:
    there = set(map(_function, head))
    found = []
    for test in dict.fromkeys(map(_function, base)):
        now = renamed.get(test, test)
        was, is_ = before.get(test), after.get(now)
        if now not in there or was is None or is_ is None:
            continue
        if is_.assertions < was.assertions:
            found.append(Fewer(test=now, what="assertions", before=was.assertions, after=is_.assertions))
        elif is_.assertions == was.assertions and is_.comparisons < was.comparisons:
            found.append(Fewer(test=now, what="comparisons", before=was.comparisons, after=is_.comparisons))
    return found


def _became(before: TestResult | None, after: TestResult) -> tuple[str, ...]:
    was, now = None if before is None else before.outcome, after.outcome
    words = []
    if was is None:
        words.append("new")
    if now in _WRONG:
        if was in _GOOD:
            words.append("newly_failing")
        elif was in _WRONG:
            words.append("still_failing")
        else:
            words.append("newly_failing_other")
        if before is not None and _other_cause(before, after):
            words.append("other_cause")
        if now in LOST_TESTS and was is not None and was not in LOST_TESTS:
            words.append("lost")
    elif was in _WRONG and now in _GOOD:
        words.append("fixed")
    if now is TestOutcome.SKIPPED and was in RAN_TESTS:
        words.append("newly_skipped")
    if now is TestOutcome.XFAILED and was in (TestOutcome.PASSED, TestOutcome.FLAKY):
        words.append("newly_xfailed")
    if now is TestOutcome.FLAKY and was is TestOutcome.PASSED:
        words.append("newly_flaky")
    if now is TestOutcome.EXCLUDED and was is not None and was is not TestOutcome.EXCLUDED:
        words.append("newly_excluded")
    return tuple(words)


def _other_cause(before: TestResult, after: TestResult) -> bool:
    if before.outcome not in BAD_TESTS or after.outcome not in BAD_TESTS:
        return False
    if before.signature and after.signature:
        return before.signature != after.signature
    return before.outcome is not after.outcome
