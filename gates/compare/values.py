"""What changed from base to head."""

from __future__ import annotations

from typing import Literal

import msgspec

from gates.portable.values import SCHEMA_VERSION
from gates.results import Diagnostic, FileChange, TestCounts, TestWarning

BaseFailures = Literal["block", "report"]
"""What it means that tests fail which failed on the base, for the same cause: it fails the comparison, or is shown."""

Finding = Literal["newly failing", "flaky on both sides", "unconfirmed"]


class Renamed(msgspec.Struct, frozen=True, kw_only=True):
    """A test that has another name, or lies in another file, on the head; ids without parameters."""

    before: str
    after: str


class Fewer(msgspec.Struct, frozen=True, kw_only=True):
    """A test that checks less than on the base.

    Attributes:
        test: its id on the head, without parameters.
        what: `parameters`: instances of it; `assertions`; `comparisons`: as many assertions, fewer of which compare.
        before: how many on the base.
        after: how many on the head.
    """

    test: str
    what: Literal["parameters", "assertions", "comparisons"]
    before: int
    after: int


class TestsComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Tests by what became of them; each entry is an id, with the gate in front where there are several.

    Attributes:
        new: only on the head.
        removed: only on the base.
        renamed: on both, under other names.
        newly_failing: passed on the base, and failed or was lost on the head. These are the regressions.
        newly_failing_other: not passed on the base either (skipped, excluded, new), and failed on the head.
        unconfirmed: passed on the base, failed on the head, and then did not fail on the head every time.
        flaky_on_both: likewise, and failed on the base, too, when it was run again there.
        fixed: failed on the base, passed on the head.
        still_failing: failed on both.
        same_cause: those of them that failed on both, and for the same cause: no doing of the head's.
        newly_skipped: ran on the base, skipped on the head.
        newly_excluded: not excluded on the base, excluded on the head.
        newly_xfailed: is expected to fail on the head, and failed; was not on the base, or passed there all the same.
        newly_xpassed: is expected to fail on the head, and passed all the same: from now on it may fail unheard.
        newly_quarantined: passed on the base; failed on the head, where an entry of the quarantine forgives it.
        newly_flaky: passed at its first attempt on the base, and only at a further one on the head.
        other_cause: failed on both sides, with another signature.
        lost: without a result on the head, though it ran on the base.
        fewer: tests that check less.
    """

    __test__ = False

    new: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    newly_failing: tuple[str, ...] = ()
    newly_failing_other: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    flaky_on_both: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    same_cause: tuple[str, ...] = ()
    newly_skipped: tuple[str, ...] = ()
    newly_excluded: tuple[str, ...] = ()
    newly_xfailed: tuple[str, ...] = ()
    newly_xpassed: tuple[str, ...] = ()
    newly_quarantined: tuple[str, ...] = ()
    newly_flaky: tuple[str, ...] = ()
    other_cause: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    fewer: tuple[Fewer, ...] = ()

    @property
    def weakens(self) -> bool:
        """Whether the suite checks less than before; exclusions are judged by their entries."""
        return bool(self.removed or self.newly_skipped or self.newly_xfailed or self.newly_xpassed or self.fewer)


class GatesComparison(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Gates without test results on either side, by how they ended; each entry is a name.

    Attributes:
        compared: all of them.
        newly_failing: passed on the base, and failed on the head. These are regressions.
        fixed: failed on the base, and passed on the head.
        still_failing: failed on both, whatever the cause.
        unknown: passed on the base; could not run, or did not end, on the head.
    """

    compared: tuple[str, ...] = ()
    newly_failing: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """How a test fared that passed on the base and not on the head, when it was run again on both.

    Attributes:
        test: as in the lists of tests.
        head_failed: times that it failed on the head.
        head_runs: times that it ran there to an end.
        base_failed: times that it failed on the base.
        base_runs: times that it ran there to an end.
        finding: what the counts say.
    """

    test: str
    head_failed: int
    head_runs: int
    base_failed: int
    base_runs: int
    finding: Finding


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


class DependencyChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dependency that is not what it was.

    Attributes:
        kind: `up` and `down` are about a locked version, or about the lowest one that is allowed.
        name: of the distribution, with extras and marker; `python` for `requires-python`.
        where: `project`, `extra NAME`, `group NAME`, `build-system`, `requires-python`, or a lock file.
        before: versions on the base; empty where it was not there, or for any.
        after: versions on the head.
        locked: it stands in a lock file, and may have come with another one.
    """

    kind: Literal["added", "removed", "up", "down", "changed"]
    name: str
    where: str
    before: str = ""
    after: str = ""
    locked: bool = False


class ApiChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A public name that is not what it was.

    Attributes:
        kind: `breaking`: a caller may break; `changed`: what a caller sees differs; `added`.
        package: top-level package.
        name: dotted path.
        what: in words.
        before: on the base, where that says more.
        after: on the head.
    """

    kind: Literal["breaking", "changed", "added"]
    package: str
    name: str
    what: str
    before: str = ""
    after: str = ""


class DiagnosticsComparison(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the linters and type checkers of a gate find.

    Attributes:
        gate: its name.
        base: how many on the base; None where that is not known.
        head: likewise, on the head.
        new: those that only the head has, wherever their lines have moved to.
        gone: how many only the base has.
        unknown: why `new` is not known, or not wholly.
    """

    gate: str
    base: int | None = None
    head: int | None = None
    new: tuple[Diagnostic, ...] = ()
    gone: int = 0
    unknown: str = ""


class WarningsComparison(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The warnings of tests.

    Attributes:
        base: how many pytest recorded on the base; None where that is not known.
        head: likewise, on the head.
        new: groups that the base does not have.
        unknown: why that is not known, or not wholly.
    """

    base: int | None = None
    head: int | None = None
    new: tuple[TestWarning, ...] = ()
    unknown: str = ""


class FileLines(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a file: as ranges, `1-4,9`, and how many they are."""

    path: str
    lines: str
    count: int


class CoverageComparison(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Coverage of the lines of production files that the head added or changed.

    Attributes:
        covered: changed lines that some test ran.
        executable: changed lines that can run.
        uncovered: those that no test ran.
        unmeasured: changed lines of files that no coverage file knows; nobody knows which of them can run.
        base_total: lines that ran and lines that can run, of all files, on the base; None where that is not known.
        head_total: likewise, on the head.
        notes: what else must be known.
        unknown: why nothing is known.
    """

    covered: int = 0
    executable: int = 0
    uncovered: tuple[FileLines, ...] = ()
    unmeasured: tuple[FileLines, ...] = ()
    base_total: tuple[int, int] | None = None
    head_total: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    unknown: str = ""


class GateTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of one gate on both sides, measured once each: shown, never judged."""

    gate: str
    base_seconds: float | None = None
    head_seconds: float | None = None
    base_outcome: str = ""
    head_outcome: str = ""


class TimingChange(msgspec.Struct, frozen=True, kw_only=True):
    """One test or gate that was timed again on both sides, in pairs; see docs/explanation/timing.md.

    Attributes:
        test: its id, as in `tests`; `gate NAME` for a gate as a whole.
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


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Tests and gates that were timed again, in turns on both sides.

    Attributes:
        changes: what their times show, the most suspicious first.
        left_out: candidates that the budget had no room for; nothing is said of them.
        budget: seconds that it might take.
        seconds: that it took.
        rounds: turns on both sides that were made, without the one that warmed up.
        threshold: a change up to this part is none that matters: 0.05 is 5%.
        seed: of the order of turns.
    """

    changes: tuple[TimingChange, ...] = ()
    left_out: tuple[str, ...] = ()
    budget: float = 0.0
    seconds: float = 0.0
    rounds: int = 0
    threshold: float = 0.05
    seed: int = 0


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
        gates: what became of gates that have none.
        base_counts: outcomes on the base.
        head_counts: outcomes on the head.
        gate_times: of every gate that ran on either side.
        suspects: tests and gates that took so much longer, or so much less, in these two runs that they are worth timing
            again. Two runs do not show that anything is slower.
        timing: what timing them again showed; None where it was not done.
        files: what differs between the two subjects.
        wider_exclusions: entries of the ledgers that leave out more than on the base.
        confirmations: what became of newly failing tests when they were run again.
        base_failures: what it means that tests fail as they do on the base.
        blocked: such tests fail the comparison.
        only_base_failures: something failed on the head, and all of it are tests that fail on the base, too, and
            diagnostics that the base has, too.
        dependencies: what changed in what the project depends on; None where that was not looked at.
        api: what changed in the public API; None where it is not known.
        api_unknown: why it is not known, or not wholly.
        scope: globs of files that the branch may change; empty for any file.
        out_of_scope: files that differ and lie outside.
        diagnostics: of each gate that brings some.
        warnings: of tests; None where pytest ran on neither side.
        coverage: of changed lines; None where the head names no coverage files.
        findings: what of `values.FINDINGS` there is.
        fail_on: which of them make a regression.
        regression: one of those is there.
        unjudged: which of those are asked for, and of which nothing is known.
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
    gates: GatesComparison = GatesComparison()
    base_counts: TestCounts
    head_counts: TestCounts
    gate_times: tuple[GateTimes, ...] = ()
    suspects: int = 0
    timing: Timing | None = None
    files: tuple[FileChange, ...] = ()
    wider_exclusions: tuple[WiderExclusion, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    base_failures: BaseFailures = "report"
    blocked: bool = False
    only_base_failures: bool = False
    dependencies: tuple[DependencyChange, ...] | None = None
    api: tuple[ApiChange, ...] | None = None
    api_unknown: str = ""
    scope: tuple[str, ...] = ()
    out_of_scope: tuple[str, ...] = ()
    diagnostics: tuple[DiagnosticsComparison, ...] = ()
    warnings: WarningsComparison | None = None
    coverage: CoverageComparison | None = None
    findings: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = ()
    regression: bool = False
    unjudged: tuple[str, ...] = ()
    base_age: float = 0.0
    notes: tuple[str, ...] = ()
