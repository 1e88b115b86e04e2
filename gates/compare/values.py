"""What changed from base to head."""

from __future__ import annotations

from typing import Literal

import msgspec

from gates.results import FileChange, TestCounts
from gates.values import SCHEMA_VERSION


class TestsComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Tests by what became of them; each entry is an id, with the gate in front where there are several.

    Attributes:
        new: only on the head.
        removed: only on the base.
        newly_failing: passed on the base, and is wrong or lost on the head. These are the regressions.
        newly_failing_other: not passed on the base either (skipped, excluded, new), and wrong on the head.
        fixed: wrong on the base, passed on the head.
        still_failing: wrong on both.
        newly_skipped: ran on the base, skipped on the head.
        newly_excluded: not excluded on the base, excluded on the head.
    """

    __test__ = False

    new: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    newly_failing: tuple[str, ...] = ()
    newly_failing_other: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    newly_skipped: tuple[str, ...] = ()
    newly_excluded: tuple[str, ...] = ()


class WiderExclusion(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a ledger that leaves out more than on the base.

    Attributes:
        kind: `exclusion` or `quarantine`.
        name: of the entry.
        added: the entry named no test on the base.
        tests: ids of the tests that no entry of this ledger named on the base.
        accepted: the config or the command line names the entry, so it is shown and does not fail the comparison.
    """

    kind: Literal["exclusion", "quarantine"]
    name: str
    added: bool
    tests: tuple[str, ...]
    accepted: bool = False


class GateTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of one gate on both sides, measured once each: shown, never judged."""

    gate: str
    base_seconds: float | None = None
    head_seconds: float | None = None
    base_outcome: str = ""
    head_outcome: str = ""


class TimingChange(msgspec.Struct, frozen=True, kw_only=True):
    """One test that was timed again on both sides, in pairs; see docs/explanation/timing.md.

    Attributes:
        test: its id, as in `tests`.
        verdict: `slower` or `faster`: the change is no chance, and it is more than the threshold. `same`: the whole interval
            lies within the threshold. `inconclusive`: anything else, too few pairs above all.
        pairs: how often it was timed on both sides.
        base_seconds: median of the base.
        head_seconds: likewise of the head; both None without a pair.
        ratio: head over base, from the pairs: 1.1 is 10% slower. Not the ratio of the two medians.
        low: lower end of the interval of this ratio.
        high: upper end.
        confidence: of that interval.
        p: two-sided, of this test alone.
        adjusted_p: the same, for the number of tests that were timed again: what the verdict is taken from.
        timed: that number.
        detectable: the smallest ratio above 1 that so many pairs find; None where they can find none.
        pairs_needed: pairs with which the answer would be clear: `slower` if it were slower by what was asked for, `same`
            if nothing had changed; None without a pair, for then its noise is not known.
    """

    test: str
    verdict: Literal["slower", "faster", "same", "inconclusive"]
    pairs: int
    base_seconds: float | None = None
    head_seconds: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    p: float = 1.0
    adjusted_p: float = 1.0
    timed: int = 0
    detectable: float | None = None
    pairs_needed: int | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A base run against a head run, with a verdict of its own.

    Attributes:
        base: the base as named, with its commit.
        head: likewise.
        base_run: id of its run.
        head_run: id of its run.
        base_identity: what was run as the base.
        head_identity: what was run as the head.
        tests: what became of tests.
        base_counts: outcomes on the base.
        head_counts: outcomes on the head.
        gate_times: of every gate that ran on either side.
        files: what differs between the two subjects.
        wider_exclusions: entries of the ledgers that leave out more than on the base.
        regression: a test that passed on the base does not on the head, or an entry of a ledger leaves out more than on
            the base and nobody accepted that.
        base_age: seconds between the two runs; 0 when both were made now.
        notes: what else the reader must know.
    """

    schema_version: int = SCHEMA_VERSION
    base: str
    head: str
    base_run: str
    head_run: str
    base_identity: str
    head_identity: str
    tests: TestsComparison
    base_counts: TestCounts
    head_counts: TestCounts
    gate_times: tuple[GateTimes, ...] = ()
    files: tuple[FileChange, ...] = ()
    wider_exclusions: tuple[WiderExclusion, ...] = ()
    regression: bool = False
    base_age: float = 0.0
    notes: tuple[str, ...] = ()
