"""The part of a summary about a comparison with the base."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from gates.compare.values import (
    Comparison,
    Confirmation,
    DependencyChange,
    TestsComparison,
    WiderExclusion,
)
from gates.portable.values import GateOutcome, noun
from gates.render.artifacts import (
    Annotation,
    annotations_of,
    artifact_lists,
    artifact_rows,
    artifact_words,
    nothing_new,
)
from gates.render.mutants import (
    SURVIVED,
    mutant_annotations,
    mutant_lists,
    mutant_rows,
    mutant_words,
)
from gates.render.red_green import NOT_KNOWN, PASSING_ALREADY, red_green_lists, red_green_rows, red_green_words
from gates.render.text import one_line, plural
from gates.render.times import SLOWER, time_rows, timing_lists, timing_rows
from gates.render.weakenings import WeakeningView, weakening_annotations, weakening_views, weakening_words
from gates.results.mutation import Mutant
from gates.results.tests import LINE_ORDER, count_of

LISTS = (
    ("newly_failing", "newly failing"),
    ("lost", "without a result"),
    ("other_cause", "failing for another cause"),
    ("newly_failing_other", "failing, and did not pass on the base either"),
    ("unconfirmed", "unconfirmed"),
    ("newly_excluded", "newly excluded"),
    ("newly_quarantined", "newly failing and forgiven by the quarantine"),
    ("newly_flaky", "newly flaky"),
    ("flaky_on_both", "flaky on both sides"),
    ("still_failing", "failing on both sides"),
    ("same_cause", "failing on both sides for the same cause"),
    ("fixed", "fixed"),
    ("new", "new"),
)
"""Field of the test comparison → its words, for lists of tests."""

WEAKER = {
    "removed": "removed",
    "newly_skipped": "newly skipped",
    "newly_xfailed": "newly expected to fail",
    "newly_xpassed": "newly allowed to fail",
}
"""Field of the test comparison → its words, for tests that check less; each of them is shown as a finding."""

SHORT = {
    "newly_failing": "newly failing",
    "newly_failing_other": "failing that did not pass on the base",
    "lost": "without a result",
    "other_cause": "failing for another cause",
    "unconfirmed": "failing, but unconfirmed",
    "flaky_on_both": "flaky on both sides",
    "still_failing": "failing on both sides",
    "fixed": "fixed",
}
"""Field of the test comparison → its words in the conclusion, if named there."""

GATES = (
    ("newly_failing", "gates newly failing"),
    ("unknown", "gates that passed on the base and did not finish here"),
    ("still_failing", "gates failing on both sides"),
    ("fixed", "gates fixed"),
)
"""Field of the gate comparison → its words."""

LEFT_OUT, OUT_OF_SCOPE = "left out by the", "files out of scope"
BREAKING = "breaking the public API"

FAILURES = frozenset(
    words
    for field, words in (*LISTS, *GATES[:2])
    if field in {"newly_failing", "lost", "other_cause", "unconfirmed", "unknown"}
)
"""Words of lists of failed tests."""

PRESSING = FAILURES.union(
    (dict(LISTS)["newly_excluded"], OUT_OF_SCOPE, BREAKING, SLOWER, PASSING_ALREADY, NOT_KNOWN, SURVIVED)
)
"""Words of the lists that a terminal also shows; all others are only in the summary."""

NOUNS = {
    OUT_OF_SCOPE: "file",
    BREAKING: "change",
    "changed in the public API": "change",
    "added to the public API": "name",
    "dependencies": "change",
    SURVIVED: "mutant",
    **{words: "gate" for _, words in GATES},
}
"""Words of a list → what it lists, if not tests."""


class ComparisonView(msgspec.Struct, frozen=True):
    """A comparison, laid out.

    Attributes:
        base: name of the base.
        head: name of the head.
        regression: a test that passed on the base does not on the head.
        words: the verdict in a few words.
        conclusion: the verdict with the counts that make it.
        shown: the base ran tests, or gates without tests, so that "no regression" has a meaning.
        rows: `(aspect, base, head)`.
        weaker: what checks less than on the base, accepted or not.
        hints: what only perhaps does.
        survived: mutants that no test noticed.
        lists: `(words, ids)` of tests.
        artifacts: those of `lists` about diagnostics, coverage and warnings.
        annotations: the places of new ones.
        confirmations: `(test, finding, counts)` of tests that were run again.
        new_failures: ids of tests that failed on the head and are not known to fail on the base.
        new_gate_failures: gates without tests that passed on the base and failed on the head.
        changed_failures: ids of tests that failed or were lost on both, but not known to have the same cause.
        base_failures: ids of tests that also fail on the base: not the head's fault.
        nothing_new: whether linters and type checkers find nothing new, and why not; None if none was run.
        known: descriptions of what fails as on the base.
        blocked: those fail the comparison.
        excused: nothing else failed on the head, and they do not fail the comparison.
        weakened: descriptions of what weakens the suite.
        reasons: descriptions of important findings.
        unjudged: findings that were asked for, and about which nothing is known.
        notes: other notes for the reader.
    """

    base: str
    head: str
    regression: bool
    words: str
    conclusion: str
    shown: bool
    rows: tuple[tuple[str, str, str], ...]
    weaker: tuple[WeakeningView, ...]
    hints: tuple[WeakeningView, ...]
    survived: tuple[Mutant, ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]
    artifacts: tuple[tuple[str, tuple[str, ...]], ...]
    annotations: tuple[Annotation, ...]
    confirmations: tuple[tuple[str, str, str], ...]
    new_failures: tuple[str, ...]
    new_gate_failures: tuple[str, ...]
    changed_failures: tuple[str, ...]
    base_failures: tuple[str, ...]
    nothing_new: tuple[bool, str] | None
    known: tuple[str, ...]
    blocked: bool
    excused: bool
    weakened: tuple[str, ...]
    reasons: tuple[str, ...]
    unjudged: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def pressing(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The most important lists: what exclusions leave out, never cut, and what may break callers."""
        return tuple((words, ids) for words, ids in self.lists if words in PRESSING or words.startswith(LEFT_OUT))


def comparison_view(comparison: Comparison) -> ComparisonView:
    """Lay a comparison out."""
    tests, same = comparison.tests, frozenset(comparison.tests.same_cause)
    # Each is listed once: those with a known cause have their own lists.
    weaker, hints = weakening_views(comparison)
    unexplained = tuple(test for test in tests.still_failing if test not in same.union(tests.other_cause))
    return ComparisonView(
        base=comparison.base,
        head=comparison.head,
        regression=comparison.regression,
        words=_words(comparison),
        conclusion=_conclusion(comparison),
        shown=comparison.base_counts.run > 0 or bool(comparison.gates.compared),
        rows=(
            *(_count_rows(comparison) if _has_tests(comparison) else ()),
            *(_change_rows(tests) if _has_tests(comparison) else ()),
            *_gate_rows(comparison),
            *_exclusion_rows(comparison),
            *red_green_rows(comparison),
            *mutant_rows(comparison),
            *artifact_rows(comparison),
            *_file_rows(comparison),
            *time_rows(comparison),
            *timing_rows(comparison),
        ),
        weaker=weaker,
        hints=hints,
        survived=comparison.mutation.of("survived") if comparison.mutation is not None else (),
        lists=(
            *((words, ids) for field, words in GATES if (ids := getattr(comparison.gates, field))),
            *(
                (f"{LEFT_OUT} {entry.kind} {entry.name}, and by none on the base", entry.tests)
                for entry in comparison.wider_exclusions
            ),
            *([(OUT_OF_SCOPE, comparison.out_of_scope)] if comparison.out_of_scope else ()),
            *(
                (words, ids)
                for field, words in LISTS
                if (ids := unexplained if field == "still_failing" else ids_of(tests, field))
            ),
            *red_green_lists(comparison),
            *mutant_lists(comparison),
            *artifact_lists(comparison),
            *timing_lists(comparison.timing),
            *_api_lists(comparison),
            *([("dependencies", tuple(map(_dependency, comparison.dependencies)))] if comparison.dependencies else ()),
            *([("renamed", tuple(f"{one.before} → {one.after}" for one in tests.renamed))] if tests.renamed else ()),
            *(
                [("gone, with nothing checked less", tuple(f"{one.test}: {one.why}" for one in tests.replaced))]
                if tests.replaced
                else ()
            ),
        ),
        artifacts=tuple(artifact_lists(comparison)),
        annotations=(*weakening_annotations(comparison), *mutant_annotations(comparison), *annotations_of(comparison)),
        confirmations=tuple((each.test, each.finding, counts_of(each)) for each in comparison.confirmations),
        new_failures=(*tests.newly_failing, *tests.newly_failing_other, *tests.unconfirmed),
        new_gate_failures=comparison.gates.newly_failing,
        changed_failures=tuple(test for test in tests.still_failing if test not in same),
        base_failures=(*tests.same_cause, *tests.flaky_on_both),
        nothing_new=nothing_new(comparison),
        known=_known(comparison),
        blocked=comparison.blocked,
        excused=comparison.only_base_failures and not comparison.blocked and not comparison.regression,
        weakened=_weakened(comparison),
        reasons=_reasons(comparison),
        unjudged=comparison.unjudged,
        notes=comparison.notes,
    )


def _known(comparison: Comparison) -> tuple[str, ...]:
    tests = len(comparison.tests.same_cause) + len(comparison.tests.flaky_on_both)
    failed = {times.gate for times in comparison.gate_times if times.head_outcome == GateOutcome.FAILED.value}
    findings = [each for each in comparison.diagnostics if each.gate in failed and each.head]
    return (
        *([plural(tests, "test")] if tests or not findings else ()),
        *(f"{plural(each.head or 0, 'finding')} of {each.gate}" for each in findings),
    )


def ids_of(tests: TestsComparison, field: str) -> tuple[str, ...]:
    """The ids of one of `LISTS`."""
    ids: tuple[str, ...] = getattr(tests, field)
    return ids


def _dependency(change: DependencyChange) -> str:
    versions = " → ".join(text or "any" for text in (change.before, change.after))
    said = {"added": change.after, "removed": change.before}.get(change.kind, versions)
    return f"{change.name} {change.kind}{f': {said}' if said else ''} ({change.where})"


def counts_of(confirmation: Confirmation) -> str:
    """How often a test failed, and how often it ran, on both sides: `head 3/3, base 0/3`."""
    head = f"{confirmation.head_failed}/{confirmation.head_runs}"
    return f"head {head}, base {confirmation.base_failed}/{confirmation.base_runs}"


def _words(comparison: Comparison) -> str:
    if comparison.regression:
        return "REGRESSION"
    return "no regression, but failures on the base block the merge" if comparison.blocked else "no regression"


def _conclusion(comparison: Comparison) -> str:
    """The verdict as a separate line, for readers who see no verdict of a run."""
    verdict, said = _words(comparison).upper(), ", ".join(_reasons(comparison))
    return f"{verdict}: {said}" if said else verdict


def _reasons(comparison: Comparison) -> tuple[str, ...]:
    """The important findings, counted."""
    tests = comparison.tests
    slower = [change for change in comparison.timing.changes if change.verdict == "slower"] if comparison.timing else []
    broken = [change for change in comparison.api or () if change.kind == "breaking"]
    needs = comparison.dependencies or () if "dependencies" in comparison.fail_on else ()
    counted = (
        (len(slower), "slower"),
        (len(broken), "breaking the public API"),
        (len(comparison.out_of_scope), "out of scope"),
        (len(needs), noun(len(needs), "changed dependency")),
    )
    return (
        *(
            f"{noun(len(ids), 'gate')} {words.removeprefix('gates ')}: {', '.join(ids)}"
            for field, words in GATES
            if (ids := getattr(comparison.gates, field))
        ),
        *(f"{len(ids)} {words}" for field, words in SHORT.items() if (ids := ids_of(tests, field))),
        *_weakened(comparison),
        *(f"{number} {words}" for number, words in counted if number),
        *red_green_words(comparison),
        *mutant_words(comparison),
        *artifact_words(comparison),
    )


def _weakened(comparison: Comparison) -> tuple[str, ...]:
    excluded = comparison.tests.newly_excluded
    return (
        *(_wider(entry) for entry in comparison.wider_exclusions),
        *weakening_words(comparison, WEAKER),
        *([f"{len(excluded)} newly excluded"] if excluded else ()),
    )


def _has_tests(comparison: Comparison) -> bool:
    """Whether either side has tests, so that their counts have a meaning."""
    return bool(comparison.base_counts.collected or comparison.head_counts.collected or not comparison.gates.compared)


def _gate_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    """How gates without tests ended: all of them if there is nothing else, else the changed ones."""
    changed = {name for field, _ in GATES for name in getattr(comparison.gates, field)}
    shown = changed if _has_tests(comparison) else set(comparison.gates.compared)
    return [
        (f"Gate {times.gate}", times.base_outcome, times.head_outcome)
        for times in comparison.gate_times
        if times.gate in shown
    ]


def _count_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    base, head = comparison.base_counts, comparison.head_counts
    rows = [("Tests passing", f"{base.passed}/{base.run}", f"{head.passed}/{head.run}")]
    rows += [
        (f"Tests {outcome.value.replace('-', ' ')}", str(count_of(base, outcome)), str(count_of(head, outcome)))
        for outcome in LINE_ORDER[1:]
        if count_of(base, outcome) or count_of(head, outcome)
    ]
    return rows


def _change_rows(tests: TestsComparison) -> list[tuple[str, str, str]]:
    rows = [("Tests added", "-", f"+{len(tests.new)}" if tests.new else "0")]
    rows += [
        (f"Tests {words}", "-", str(len(ids_of(tests, field))))
        for field, words in (*LISTS[:1], *WEAKER.items(), *LISTS[1:])
        # The two questions of every reviewer are answered even if the answer is "none".
        if field != "new" and (ids_of(tests, field) or field in {"newly_failing", "removed"})
    ]
    if tests.renamed:
        rows.append(("Tests renamed or moved", "-", str(len(tests.renamed))))
    if tests.replaced:
        rows.append(("Tests replaced", "-", str(len(tests.replaced))))
    return rows


def _wider(entry: WiderExclusion) -> str:
    accepted = ", accepted" if entry.accepted else ""
    return (
        f"{'new' if entry.added else 'wider'} {entry.kind} {entry.name}: {plural(len(entry.tests), 'test')}{accepted}"
    )


def _exclusion_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    return [(f"{entry.kind.capitalize()} {entry.name}", "-", _wider(entry)) for entry in comparison.wider_exclusions]


def _file_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    rows = []
    if comparison.files:
        kinds: Counter[str] = Counter(change.kind for change in comparison.files)
        shown = ", ".join(f"{kinds[kind]} {kind}" for kind in ("production", "test", "docs", "config") if kinds[kind])
        rows.append(("Files changed", "-", f"{len(comparison.files)} ({shown})"))
    if comparison.scope:
        outside = plural(len(comparison.out_of_scope), "file")
        confirmed = f"{outside} outside" if comparison.out_of_scope else "confirmed"
        rows.append(("Scope", "-", f"{confirmed} ({', '.join(comparison.scope)})"))
    if comparison.api is not None or comparison.api_unknown:
        rows.append(("Public API", "-", _api_row(comparison)))
    if comparison.dependencies is not None:
        rows.append(("Dependencies", "-", _dependencies_row(comparison.dependencies)))
    return rows


def _api_row(comparison: Comparison) -> str:
    if comparison.api is None:
        return f"not known: {one_line(comparison.api_unknown, 200)}"
    kinds: Counter[str] = Counter(change.kind for change in comparison.api)
    shown = ", ".join(f"{kinds[kind]} {kind}" for kind in ("breaking", "changed", "added") if kinds[kind])
    rest = f"; the rest is not known: {one_line(comparison.api_unknown, 200)}" if comparison.api_unknown else ""
    return f"{shown or 'no change'}{rest}"


def _api_lists(comparison: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """Breaking changes first; additions by name only."""
    found = []
    for kind, words in (("breaking", BREAKING), ("changed", "changed in the public API")):
        changes = [change for change in comparison.api or () if change.kind == kind]
        if changes:
            found.append((words, tuple(f"{change.name}: {change.what}" for change in changes)))
    added = tuple(change.name for change in comparison.api or () if change.kind == "added")
    return [*found, *([("added to the public API", added)] if added else ())]


def _dependencies_row(changes: Sequence[DependencyChange]) -> str:
    direct, locked = ([one for one in changes if one.locked is side] for side in (False, True))
    parts = [plural(len(direct), "direct change")] if direct else []
    if locked:
        kinds = Counter(one.kind for one in locked)
        parts.append(f"locked: {', '.join(f'{number} {kind}' for kind, number in kinds.items())}")
    return "; ".join(parts) or "no change"
