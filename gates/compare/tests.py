"""What became of each test from base to head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gates.analysis.shapes import Shape
from gates.compare.moved import pairs_of
from gates.compare.values import Fewer, Renamed, Replaced, TestsComparison
from gates.portable.values import BAD_TESTS, LOST_TESTS, TestOutcome
from gates.results import TestResult

if TYPE_CHECKING:
    Shapes = Mapping[str, Shape]

GOOD_TESTS = frozenset({TestOutcome.PASSED, TestOutcome.FLAKY, TestOutcome.XFAILED, TestOutcome.XPASSED})
WRONG_TESTS = BAD_TESTS | LOST_TESTS
FIXED_TESTS = frozenset({TestOutcome.PASSED, TestOutcome.FLAKY})
"""What makes a test fixed that failed. One that is expected to fail is not."""

WEAKER = {
    TestOutcome.EXCLUDED: "newly_excluded",
    TestOutcome.SKIPPED: "newly_skipped",
    TestOutcome.QUARANTINED: "newly_quarantined",
    TestOutcome.XFAILED: "newly_xfailed",
    TestOutcome.XPASSED: "newly_xpassed",
    TestOutcome.FLAKY: "newly_flaky",
}
"""Outcome that is weaker than *passed* → the finding for a test that had a stronger one on the base."""

SAYS_LESS = (*WEAKER, TestOutcome.PASSED)
"""Outcomes, the weakest first. Even a small step down is reported: the next step may start from there."""


def naming(results: Iterable[TestResult], renamed: Mapping[str, str] | None = None) -> Callable[[TestResult], str]:
    """The names of tests in a comparison of these results: with their gate only if there are several.

    Args:
        results: of both sides.
        renamed: tests of the base that have another name on the head.
    """
    several = len({result.gate for result in results}) > 1
    return lambda result: names_of(result, renamed)[several]


def names_of(result: TestResult, renamed: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The possible names of a test in a comparison: without its gate, and with it."""
    function, bracket, rest = result.id.partition("[")
    test = renamed.get(function, function) if renamed else function
    name = f"{test}{bracket}{rest}" + (f" (process {result.process})" if result.process else "")
    return name, f"{result.gate}: {name}"


def compare_tests(
    base: Sequence[TestResult],
    head: Sequence[TestResult],
    shapes: tuple[Shapes, Shapes] | None = None,
    excused: Mapping[str, str] | None = None,
) -> TestsComparison:
    """Sort every test of both sides; order is the head's, then the base's.

    A test is the same test when gate, process and id are the same, or when it was renamed.

    Args:
        base: results of the base.
        head: results of the head.
        shapes: what the sources of base and head show about tests, by id without parameters; None if not available.
        excused: tests, by id without parameters, that check nothing less although they are gone or have fewer parameters → why.
    """
    several = len({result.gate for side in (base, head) for result in side}) > 1
    before, after = _by_name(base, several, {}), _by_name(head, several, {})
    renamed = _renamed(base, head, *(shapes or ({}, {}))) if before.keys() != after.keys() else {}
    if renamed:
        before = _by_name(base, several, renamed)
    found: dict[str, list[Any]] = {field: [] for field in TestsComparison.__struct_fields__}
    passed = TestOutcome.PASSED
    for test, result in after.items():
        was = before.get(test)
        if was is not None and was.outcome is passed and result.outcome is passed:
            continue  # nearly all of them
        for field in _became(was, result):
            found[field].append(test)
    gone = [test for test in before if test not in after]
    # A test with other parameters is the same test, with fewer or more of them.
    functions = {test.partition("[")[0] for test in after} if gone else set()
    removed = [test for test in gone if "[" not in test or test.partition("[")[0] not in functions]
    why = {test: reason for test in removed if (reason := (excused or {}).get(_function(before[test])))}
    found["removed"] = [test for test in removed if test not in why]
    found["replaced"] = [Replaced(test=test, why=reason) for test, reason in why.items()]
    found["renamed"] = [Renamed(before=one, after=other) for one, other in renamed.items()]
    fewer = _fewer_parameters(before, after) if gone else ()  # no name disappeared, so no function lost one
    found["fewer"] = [one for one in fewer if one.test.rpartition(": ")[2] not in (excused or {})]
    return TestsComparison(**{field: tuple(tests) for field, tests in found.items()})


def _by_name(results: Sequence[TestResult], several: bool, renamed: Mapping[str, str]) -> dict[str, TestResult]:
    if several or renamed:
        return {names_of(result, renamed)[several]: result for result in results}
    # The same without a function call for each of perhaps 100,000 tests.
    return {names_of(result)[0] if result.process else result.id: result for result in results}


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


def _became(before: TestResult | None, after: TestResult) -> tuple[str, ...]:
    was, now = None if before is None else before.outcome, after.outcome
    words = []
    if was is None:
        words.append("new")
    if now in WRONG_TESTS:
        if was in GOOD_TESTS:
            words.append("newly_failing")
        elif was in WRONG_TESTS:
            words.append("still_failing")
        else:
            words.append("newly_failing_other")
        if before is not None:
            words += _causes(before, after)
        if now in LOST_TESTS and was is not None and was not in LOST_TESTS:
            words.append("lost")
    elif was in WRONG_TESTS and now in FIXED_TESTS:
        words.append("fixed")
    if was is not None and now in WEAKER and _says(was) > _says(now):
        words.append(WEAKER[now])
    return tuple(words)


def _says(outcome: TestOutcome) -> int:
    """How much an outcome shows: a failing test counts, one that may fail does not."""
    if outcome in LOST_TESTS:
        outcome = TestOutcome.SKIPPED
    return SAYS_LESS.index(TestOutcome.FLAKY if outcome in BAD_TESTS else outcome)


def _causes(before: TestResult, after: TestResult) -> list[str]:
    """Whether two failures have the same cause, as far as their signatures show. Nothing is known about a lost test."""
    if before.outcome not in BAD_TESTS or after.outcome not in BAD_TESTS:
        return []
    was, now = before.signature, after.signature
    if was and now:
        # Files from other runners do not name the function in which it happened.
        placed = " @ " in was and " @ " in now
        same = was == now if placed else was.partition(" @ ")[0] == now.partition(" @ ")[0]
        return ["same_cause" if same else "other_cause"]
    if before.outcome is not after.outcome:
        return ["other_cause"]
    return [] if was or now else ["same_cause"]
