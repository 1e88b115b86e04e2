"""What changed from base to head."""

from __future__ import annotations

from typing import Literal

import msgspec

from gates.portable.values import SCHEMA_VERSION
from gates.results import (
    Diagnostic,
    FileChange,
    Mutation,
    RedGreen,
    SettingChange,
    TestCounts,
    TestResult,
    TestWarning,
    Weakening,
)

BaseFailures = Literal["block", "report"]
"""What to do with tests that fail as on the base, for the same cause: fail the comparison, or report them."""

Finding = Literal["newly failing", "flaky on both sides", "unconfirmed"]


class Renamed(msgspec.Struct, frozen=True, kw_only=True):
    """A test that has another name, or is in another file, on the head; ids without parameters."""

    before: str
    after: str


class Replaced(msgspec.Struct, frozen=True, kw_only=True):
    """A test that the head does not have, although nothing is checked less.

    Attributes:
        test: as in the lists of tests.
        why: what checks the same, or which subject is gone.
    """

    test: str
    why: str


class Fewer(msgspec.Struct, frozen=True, kw_only=True):
    """A test that runs less often than on the base.

    Attributes:
        test: its id on the head, without parameters.
        what: `parameters`: instances of it.
        before: how many on the base.
        after: how many on the head.
    """

    test: str
    what: Literal["parameters"]
    before: int
    after: int


class TestsComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Tests by finding; each entry is an id, prefixed by the gate if there are several gates.

    Attributes:
        new: only on the head.
        removed: only on the base, and nothing else is known to check the same.
        replaced: only on the base, and nothing is checked less.
        renamed: on both, under other names.
        newly_failing: passed on the base, and failed or was lost on the head. These are the regressions.
        newly_failing_other: not passed on the base either (skipped, excluded, new), and failed on the head.
        unconfirmed: passed on the base, failed on the head, and then did not fail on the head every time.
        flaky_on_both: the same, but it also failed on the base when it was run again there.
        fixed: failed on the base, passed on the head.
        still_failing: failed on both.
        same_cause: those of them with the same cause on both sides: not the head's fault.
        newly_skipped: ran on the base, skipped on the head.
        newly_excluded: not excluded on the base, excluded on the head.
        newly_xfailed: expected to fail on the head, and failed; on the base not expected to fail, or passed anyway.
        newly_xpassed: expected to fail on the head, but passed: from now on it may fail unnoticed.
        newly_quarantined: passed on the base; failed on the head, where a quarantine entry forgives it.
        newly_flaky: passed on its first attempt on the base, and only on a retry on the head.
        other_cause: failed on both sides, with another signature.
        lost: without a result on the head, although it ran on the base.
        fewer: tests that run less often.
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
    replaced: tuple[Replaced, ...] = ()


class GatesComparison(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Gates without test results on either side, by how they ended; each entry is a name.

    Attributes:
        compared: all of them.
        newly_failing: passed on the base, and failed on the head. These are regressions.
        fixed: failed on the base, and passed on the head.
        still_failing: failed on both, for any cause.
        unknown: passed on the base; could not run, or did not end, on the head.
    """

    compared: tuple[str, ...] = ()
    newly_failing: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """The outcomes of a newly failing test when it was run again on both sides.

    Attributes:
        test: as in the lists of tests.
        head_failed: how often it failed on the head.
        head_runs: how often it finished there.
        base_failed: how often it failed on the base.
        base_runs: how often it finished there.
        finding: what the counts show.
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
        added: the entry matched no test on the base.
        tests: ids of the tests that no entry of this ledger matched on the base.
        accepted: the config or the command line names the entry, so it is shown and does not fail the comparison.
    """

    kind: Literal["exclusion", "quarantine"]
    name: str
    added: bool
    tests: tuple[str, ...]
    accepted: bool = False


class DependencyChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A changed dependency.

    Attributes:
        kind: `up` and `down` refer to a locked version, or to the lowest allowed one.
        name: of the distribution, with extras and marker; `python` for `requires-python`.
        where: `project`, `extra NAME`, `group NAME`, `build-system`, `requires-python`, or a lock file.
        before: versions on the base; empty if it did not exist, or for any version.
        after: versions on the head.
        locked: it is in a lock file, and may be a dependency of another one.
    """

    kind: Literal["added", "removed", "up", "down", "changed"]
    name: str
    where: str
    before: str = ""
    after: str = ""
    locked: bool = False


class ApiChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A changed public name.

    Attributes:
        kind: `breaking`: a caller may break; `changed`: what a caller sees differs; `added`.
        package: top-level package.
        name: dotted path.
        what: a description.
        before: on the base, if that adds information.
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
        base: how many on the base; None if unknown.
        head: the same, on the head.
        new: those that only the head has; moved lines do not count.
        gone: how many only the base has.
        unknown: why `new` is not known, or not completely.
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
        base: how many pytest recorded on the base; None if unknown.
        head: the same, on the head.
        new: groups that the base does not have.
        unknown: why that is not known, or not completely.
    """

    base: int | None = None
    head: int | None = None
    new: tuple[TestWarning, ...] = ()
    unknown: str = ""


class FileLines(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of a file: as ranges, `1-4,9`, and their number."""

    path: str
    lines: str
    count: int


class CoverageComparison(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Coverage of the lines of production files that the head added or changed.

    Attributes:
        covered: changed lines that a test ran.
        executable: changed lines that are executable.
        uncovered: those that no test ran.
        unmeasured: changed lines of files that no coverage file contains; it is unknown which of them are executable.
        base_total: lines that ran and executable lines, of all files, on the base; None if unknown.
        head_total: the same, on the head.
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
    """One test or gate that was re-timed on both sides, in pairs; see docs/explanation/timing.md.

    Attributes:
        test: its id, as in `tests`; `gate NAME` for a gate as a whole.
        verdict: `slower` or `faster`: the change is not due to chance, and it is more than the threshold. `same`: the whole interval
            is within the threshold. `inconclusive`: anything else, mostly too few pairs.
        pairs: how often it was timed on both sides.
        base_seconds: median of the base.
        head_seconds: the same for the head; both None without a pair.
        ratio: head over base, from the pairs: 1.1 is 10% slower. This is not the ratio of the two medians.
        low: lower end of the interval of this ratio.
        high: upper end.
        confidence: of that interval.
        p: two-sided, of this test alone.
        adjusted_p: the same, corrected for the number of re-timed tests: the verdict uses it.
        timed: that number.
        detectable: the smallest ratio above 1 that this number of pairs can find; None if it can find none.
        pairs_needed: how many pairs would give a clear answer: `slower` if it were slower by the wanted effect, `same`
            if nothing had changed; None without a pair, because its noise is then unknown.
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
    """Tests and gates that were re-timed, in turns on both sides.

    Attributes:
        changes: the results, the most suspicious first.
        left_out: candidates that did not fit into the budget; they have no verdict.
        budget: seconds that it was allowed to take.
        seconds: that it took.
        rounds: completed turns on both sides, without the warm-up.
        threshold: changes up to this fraction do not matter: 0.05 is 5%.
        seed: for the order of turns.
    """

    changes: tuple[TimingChange, ...] = ()
    left_out: tuple[str, ...] = ()
    budget: float = 0.0
    seconds: float = 0.0
    rounds: int = 0
    threshold: float = 0.05
    seed: int = 0


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """How a changed test ended on the base.

    Attributes:
        test: its id on the head; with its process, if that is not the first.
        result: of the base, without earlier attempts; its texts are cut at the beginning.
    """

    test: str
    result: TestResult


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A base run against a head run, with its own verdict.

    Attributes:
        base: the base as named, with its commit.
        head: the same for the head.
        base_run: id of its run.
        head_run: id of its run.
        base_identity: what was run as the base.
        head_identity: what was run as the head.
        tests: changes of tests.
        gates: changes of gates without tests.
        base_counts: outcomes on the base.
        head_counts: outcomes on the head.
        gate_times: of every gate that ran on either side.
        suspects: tests and gates whose times in these two runs differ so much that they are worth
            re-timing. Two runs do not prove that anything is slower.
        timing: the result of re-timing them; None if that was not done.
        files: the differences between the two subjects.
        wider_exclusions: entries of the ledgers that leave out more than on the base.
        before: the base's results of tests that changed, at most 300, the most pressing first.
        confirmations: the results of running newly failing tests again.
        base_failures: what to do with tests that fail as on the base.
        blocked: such tests fail the comparison.
        only_base_failures: something failed on the head, but only tests that also fail on the base, and
            diagnostics that the base also has.
        dependencies: changed dependencies; None if they were not read.
        api: changes of the public API; None if unknown.
        api_unknown: why it is not known, or not completely.
        scope: globs of files that the branch may change; empty for any file.
        out_of_scope: changed files outside the scope.
        diagnostics: of each gate that has some.
        warnings: of tests; None if pytest ran on neither side.
        coverage: of changed lines; None if the head names no coverage files.
        weakenings: what checks less on the head, besides `wider_exclusions`; the strongest evidence first.
        settings: changed settings that decide what a green gate means.
        red_green: the head's tests on the base's code; None if that was not asked for.
        mutation: mutants of changed lines; None if that was not asked for.
        findings: those of `values.FINDINGS` that exist.
        fail_on: which of them count as a regression.
        regression: one of those exists.
        unjudged: those in `fail_on` about which nothing is known.
        base_age: seconds between the two runs; 0 if both were made now.
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
    before: tuple[Before, ...] = ()
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
    weakenings: tuple[Weakening, ...] = ()
    settings: tuple[SettingChange, ...] = ()
    red_green: RedGreen | None = None
    mutation: Mutation | None = None
    findings: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = ()
    regression: bool = False
    unjudged: tuple[str, ...] = ()
    base_age: float = 0.0
    notes: tuple[str, ...] = ()
