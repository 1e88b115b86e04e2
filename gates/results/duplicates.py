"""Several results with the same name: nothing depends on their order, and the worst comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gates.portable.patterns import lazy_pattern
from gates.portable.values import BAD_TESTS, LOST_TESTS, TestOutcome
from gates.results.tests import TestResult

_NUMBER = lazy_pattern(r"#\d+\Z")
_ORDER = tuple(sorted(outcome.value for outcome in TestOutcome))


def badness(outcome: TestOutcome) -> int:
    """Failed is worse than lost, and lost is worse than anything else that is not a plain pass."""
    if outcome in BAD_TESTS:
        return 3
    if outcome in LOST_TESTS:
        return 2
    return 0 if outcome is TestOutcome.PASSED else 1


def worst_first(results: Sequence[TestResult]) -> Sequence[TestResult]:
    """The results, with equal names numbered from the worst on: `test`, `test#2`, …, in any order of results."""
    groups = _groups(results)
    if not groups:
        return results
    found = list(results)
    for places in groups:
        ids = sorted({found[place].id for place in places}, key=lambda name: (len(name), name))
        stem = _NUMBER.sub("", ids[0]) if len(ids) > 1 else ids[0]
        ranked = sorted((found[place] for place in places), key=_rank)
        for number, (place, result) in enumerate(zip(places, ranked, strict=True), 1):
            name = stem if number == 1 else f"{stem}#{number}"
            found[place] = result if result.id == name else msgspec.structs.replace(result, id=name)
    return found


def _groups(results: Sequence[TestResult]) -> list[list[int]]:
    """Positions of results whose names are equal except for a number at the end."""
    ids = {result.id for result in results}
    if len(ids) == len(results) and not any("#" in name and _NUMBER.search(name) for name in ids):
        return []  # nearly always
    places: dict[tuple[str, int, str], list[int]] = {}
    for place, result in enumerate(results):
        stem = _NUMBER.sub("", result.id)
        name = stem if stem in ids else result.id
        places.setdefault((result.gate, result.process, name), []).append(place)
    return [group for group in places.values() if len(group) > 1]


def _rank(result: TestResult) -> tuple[Any, ...]:
    return (
        -badness(result.outcome),
        _ORDER.index(result.outcome.value),
        result.signature,
        result.message,
        result.duration,
    )


def worst_of(results: Iterable[TestResult], key: Callable[[TestResult], str]) -> Mapping[str, TestResult]:
    """One result for each name: the worst, in any order of results."""
    found: dict[str, TestResult] = {}
    for result in results:
        name = key(result)
        known = found.setdefault(name, result)
        if known is not result and _rank(result) < _rank(known):
            found[name] = result
    return found
