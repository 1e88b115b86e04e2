"""Keep what the base says about tests that changed, so that a reader sees both sides of each without the base's reports."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gates.compare.tests import names_of
from gates.compare.values import Before, TestsComparison
from gates.results import TestResult

CHANGED = (
    *("newly_failing", "lost", "other_cause", "unconfirmed", "flaky_on_both", "newly_skipped", "newly_xfailed"),
    *("newly_xpassed", "newly_quarantined", "newly_excluded", "newly_flaky", "newly_failing_other", "fixed", "still_failing"),
)  # fmt: skip
"""Fields of the comparison whose tests exist on both sides, the most pressing first."""

MOST = 300
"""Tests whose base is kept; in the results of the base are all."""

_LONGEST = 4000
"""Characters of each text."""


def results_of_base(
    tests: TestsComparison, base: Sequence[TestResult], head: Sequence[TestResult]
) -> tuple[Before, ...]:
    """The base's results of the tests that changed, the most pressing first.

    Args:
        tests: what became of each test.
        base: results of the base.
        head: results of the head.
    """
    wanted = dict.fromkeys(name for field in CHANGED for name in getattr(tests, field))
    if not wanted:
        return ()
    renamed = {one.before: one.after for one in tests.renamed}
    several = len({result.gate for side in (base, head) for result in side}) > 1
    known = {names_of(result, renamed)[several]: result for result in base}
    found = [known[name] for name in wanted if name in known]
    return tuple(Before(test=names_of(result, renamed)[0], result=_shortened(result)) for result in found[:MOST])


def _shortened(result: TestResult) -> TestResult:
    """Without what a comparison of two results does not need."""
    texts = {name: _end(getattr(result, name)) for name in ("message", "reason", "details", "stdout", "stderr")}
    return msgspec.structs.replace(result, **texts, attempts=(), subtests=(), phases=(), checks=None)


def _end(text: str) -> str:
    """Its end, which has the cause of a failure."""
    return text if len(text) <= _LONGEST else f"…{text[-_LONGEST:]}"
