"""Compare two runs, or two sets of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gates.compare.artifacts import compare_artifacts
from gates.compare.before import results_of_base
from gates.compare.blame import fails_as_base, gates_with_failures, known_to_fail, only_base_failures, only_old
from gates.compare.confirm import confirm
from gates.compare.dependencies import compare_dependencies
from gates.compare.exclusions import wider_exclusions
from gates.compare.inputs import DEFAULT_POLICY, NO_SOURCES, NOT_REMEASURED
from gates.compare.outcomes import compare_outcomes
from gates.compare.scope import out_of_scope
from gates.compare.tests import compare_tests
from gates.compare.values import ApiChange, Comparison, GateTimes, TestsComparison, WiderExclusion
from gates.compare.weakenings import weakenings_of, with_records
from gates.portable.values import FINDINGS
from gates.results import Mutation, RedGreen, Run, Subject, TestCounts, TestResult, Weakening, count_tests
from gates.results.duplicates import worst_first

if TYPE_CHECKING:
    from gates.compare.inputs import RecordedSide, RegressionPolicy, Remeasured, SourceChanges


def compare_runs(
    base: Run,
    base_tests: Sequence[TestResult],
    head: Run,
    head_tests: Sequence[TestResult],
    notes: Sequence[str] = (),
    *,
    policy: RegressionPolicy = DEFAULT_POLICY,
    sources: SourceChanges = NO_SOURCES,
    remeasured: Remeasured = NOT_REMEASURED,
) -> Comparison:
    """Base against head.

    Args:
        base: the base's run.
        base_tests: its tests.
        head: the head's run.
        head_tests: its tests.
        notes: what the reader must know.
        policy: what makes a regression.
        sources: what was read on each side.
        remeasured: what was measured after both runs.
    """
    base_tests, head_tests = worst_first(base_tests), worst_first(head_tests)
    tests, confirmations = confirm(
        compare_tests(base_tests, head_tests, sources.shapes, sources.excused), remeasured.again
    )
    wider = wider_exclusions(base_tests, head_tests, policy.accepted)
    changed = compare_dependencies(*sources.dependencies) if sources.dependencies is not None else None
    outside = out_of_scope((change.path for change in sources.files), policy.scope)
    names, unknown = _api(sources.api)
    broken = any(change.kind == "breaking" for change in names or ())
    outcomes = compare_outcomes(base.gates, head.gates, {test.gate for test in (*base_tests, *head_tests)})
    artifacts = compare_artifacts(base.gates, head.gates, sources.differences, sources.of_the_branch)
    timing, red_green, mutation = remeasured.timing, remeasured.red_green, remeasured.mutation
    weakenings = weakenings_of(
        tests,
        with_records(sources.weakenings, remeasured.weakenings, remeasured.ran),
        sources.settings,
        policy.accepted_weakenings,
        remeasured.proofs,
    )
    more = {
        "newly-failing": bool(tests.newly_failing or outcomes.newly_failing),
        "survived": mutation is not None and any(one.finding == "survived" for one in mutation.mutants),
        "not-red": red_green is not None and red_green.production and bool(red_green.passes_already),
        "slower": timing is not None and any(change.verdict == "slower" for change in timing.changes),
        "api": broken,
        "scope": bool(outside),
        "dependencies": bool(changed),
        **artifacts.findings,
    }
    return Comparison(
        base=_label(base.subject),
        head=_label(head.subject),
        base_run=base.id,
        head_run=head.id,
        base_identity=base.subject.identity,
        head_identity=head.subject.identity,
        gates=outcomes,
        base_counts=base.tests or TestCounts(),
        head_counts=head.tests or TestCounts(),
        gate_times=_times(base, head),
        suspects=remeasured.suspects,
        timing=timing,
        files=tuple(sources.files),
        dependencies=changed,
        api=names,
        api_unknown=unknown,
        scope=tuple(policy.scope),
        out_of_scope=outside,
        before=results_of_base(tests, base_tests, head_tests),
        confirmations=confirmations,
        only_base_failures=only_base_failures(
            base.gates,
            head.gates,
            fails_as_base(base_tests, head_tests, tests),
            gates_with_failures(head_tests),
            only_old(artifacts.diagnostics),
        ),
        diagnostics=artifacts.diagnostics,
        warnings=artifacts.warnings,
        coverage=artifacts.coverage,
        settings=tuple(sources.settings),
        red_green=red_green,
        mutation=mutation,
        unjudged=tuple(
            finding for finding in (*artifacts.unjudged, *_unknown(red_green, mutation)) if finding in policy.fail_on
        ),
        base_age=max(0.0, head.started - base.started - base.duration),
        notes=(*notes, *_same_ground(base, head)),
        **_judged(tests, wider, weakenings, _findings(tests, wider, weakenings, more), policy),
    )


def _api(told: tuple[Sequence[Mapping[str, str]], str] | None) -> tuple[tuple[ApiChange, ...] | None, str]:
    if told is None:
        return None, ""
    changes, unknown = told
    # If a part could not be read, an unchanged rest proves nothing.
    return (None if unknown and not changes else msgspec.convert(list(changes), tuple[ApiChange, ...])), unknown


def compare_results(
    base: RecordedSide, head: RecordedSide, notes: Sequence[str] = (), *, policy: RegressionPolicy = DEFAULT_POLICY
) -> Comparison:
    """Results against results from any source; `notes` and `policy` as in `compare_runs`."""
    base_tests, head_tests = worst_first(base.tests), worst_first(head.tests)
    tests = compare_tests(base_tests, head_tests)
    wider = wider_exclusions(base_tests, head_tests, policy.accepted)
    weakenings = weakenings_of(tests, accepted=policy.accepted_weakenings)
    return Comparison(
        base=base.name,
        head=head.name,
        base_run="",
        head_run="",
        base_identity=base.identity,
        head_identity=head.identity,
        base_counts=count_tests(base.tests),
        head_counts=count_tests(head.tests),
        notes=tuple(notes),
        only_base_failures=bool(fails_as_base(base_tests, head_tests, tests)),
        **_judged(tests, wider, weakenings, _findings(tests, wider, weakenings, {}), policy),
    )


def _judged(
    tests: TestsComparison,
    wider: tuple[WiderExclusion, ...],
    weakenings: tuple[Weakening, ...],
    findings: tuple[str, ...],
    policy: RegressionPolicy,
) -> dict[str, Any]:
    """What was found, and what that means."""
    return {
        "tests": tests,
        "wider_exclusions": wider,
        "weakenings": weakenings,
        "findings": findings,
        "fail_on": tuple(policy.fail_on),
        "regression": bool(set(findings) & set(policy.fail_on)),
        "base_failures": policy.base_failures,
        "blocked": policy.base_failures == "block" and bool(known_to_fail(tests)),
    }


def _findings(
    tests: TestsComparison, wider: Sequence[WiderExclusion], weakenings: Sequence[Weakening], more: Mapping[str, bool]
) -> tuple[str, ...]:
    there = {
        "newly-failing": bool(tests.newly_failing),
        "lost": bool(tests.lost),
        "weakened": any(one.counts for one in weakenings) or not all(entry.accepted for entry in wider),
        "other-cause": bool(tests.other_cause),
        **more,
    }
    return tuple(finding for finding in FINDINGS if there.get(finding))


def _unknown(red_green: RedGreen | None, mutation: Mutation | None) -> tuple[str, ...]:
    """Findings about which nothing is known, or not enough."""
    return (
        *(("survived",) if mutation is None or mutation.unknown else ()),
        *(("not-red",) if red_green is None or red_green.unknown or red_green.open else ()),
    )


def _label(subject: Subject) -> str:
    commit = subject.commit[:12]
    if subject.kind == "worktree":
        state = " + uncommitted changes" if subject.dirty else ""
        return f"{subject.branch or subject.name} ({commit or 'no commit'}{state})"
    return f"{subject.name} ({commit})"


def _times(base: Run, head: Run) -> tuple[GateTimes, ...]:
    before = {gate.name: gate for gate in base.gates}
    after = {gate.name: gate for gate in head.gates}
    return tuple(
        GateTimes(
            gate=name,
            base_seconds=before[name].duration if name in before else None,
            head_seconds=after[name].duration if name in after else None,
            base_outcome=str(before[name].outcome) if name in before else "",
            head_outcome=str(after[name].outcome) if name in after else "",
        )
        for name in dict.fromkeys([*after, *before])
    )


def _same_ground(base: Run, head: Run) -> list[str]:
    """Differences between the two runs other than the code."""
    notes = []
    if base.environment.python != head.environment.python:
        notes.append(f"different interpreters: {base.environment.python} and {head.environment.python}")
    if base.effective_filter != head.effective_filter:
        notes.append(f"different filters: base `{base.effective_filter}`, head `{head.effective_filter}`")
    for run, side in ((base, "base"), (head, "head")):
        if not run.complete:
            notes.append(f"the run of the {side} is not complete")
    tools = {gate.name: gate.versions for gate in base.gates}
    for gate in head.gates:
        own, other = gate.versions, tools.get(gate.name, gate.versions)
        changed = sorted(name for name in own.keys() | other.keys() if own.get(name) != other.get(name))
        if changed:
            shown = ", ".join(f"{name} {other.get(name, 'none')} → {own.get(name, 'none')}" for name in changed[:8])
            notes.append(f"different tools in {gate.name}: {shown}{' …' if len(changed) > 8 else ''}")
    return notes
