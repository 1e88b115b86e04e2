"""Put the comparison of two runs together, or of two sets of results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gates.compare.blame import fails_as_base, gates_with_wrong, known_to_fail, only_base_failures, only_old
from gates.compare.brought import compare_brought
from gates.compare.confirm import confirm
from gates.compare.dependencies import compare_dependencies
from gates.compare.exclusions import wider_exclusions
from gates.compare.scope import out_of_scope
from gates.compare.tests import compare_tests
from gates.compare.values import ApiChange, BaseFailures, Comparison, GateTimes, TestsComparison, Timing, WiderExclusion
from gates.results import FileChange, Run, Subject, TestCounts, TestResult, count_tests
from gates.values import FINDINGS, REGRESSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gates.compare.confirm import Again
    from gates.facts.assertions import Shape
    from gates.facts.dependencies import Dependencies
    from gates.hunks import FileDifference

    Shapes = Mapping[str, Shape]


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """Results that came without a run.

    Attributes:
        name: for people.
        identity: of what they were read from.
        tests: the results.
    """

    name: str
    identity: str
    tests: tuple[TestResult, ...]


def compare_runs(
    base: Run,
    base_tests: Sequence[TestResult],
    head: Run,
    head_tests: Sequence[TestResult],
    files: Sequence[FileChange] = (),
    notes: Sequence[str] = (),
    accepted: Sequence[str] = (),
    shapes: tuple[Shapes, Shapes] | None = None,
    fail_on: Sequence[str] = REGRESSIONS,
    dependencies: tuple[Dependencies, Dependencies] | None = None,
    scope: Sequence[str] = (),
    api: tuple[Sequence[Mapping[str, str]], str] | None = None,
    base_failures: BaseFailures = "report",
    again: Again | None = None,
    timing: Timing | None = None,
    suspects: int = 0,
    differences: Sequence[FileDifference] = (),
    own: Sequence[FileDifference] | None = None,
) -> Comparison:
    """Base against head.

    Args:
        base: the base's run.
        base_tests: its tests.
        head: the head's run.
        head_tests: its tests.
        files: what differs between the two subjects.
        notes: what the reader must know.
        accepted: names of entries of the ledgers that may leave out more.
        shapes: what the sources of base and head say of tests; None where they are not at hand.
        fail_on: the findings that make a regression.
        dependencies: what base and head depend on; None where they were not looked at.
        scope: globs of what the branch may touch; empty for anything.
        api: what `facts.api.api_changes` gives; None where it was not asked.
        base_failures: what tests mean that fail as they do on the base.
        again: how tests fared that were run again; None where none was.
        timing: what timing tests again showed; None where none was.
        suspects: tests and gates that are worth timing again.
        differences: between the two subjects, line by line.
        own: likewise, what the head changed since it left the base; None where that is the same.
    """
    tests, confirmations = confirm(compare_tests(base_tests, head_tests, *(shapes or ())), again)
    wider = wider_exclusions(base_tests, head_tests, accepted)
    changed = compare_dependencies(*dependencies) if dependencies is not None else None
    outside = out_of_scope((change.path for change in files), scope)
    names, unknown = _api(api)
    broken = any(change.kind == "breaking" for change in names or ())
    brought = compare_brought(base.gates, head.gates, differences, differences if own is None else own)
    more = {
        "slower": timing is not None and any(change.verdict == "slower" for change in timing.changes),
        "api": broken,
        "scope": bool(outside),
        "dependencies": bool(changed),
        **brought.findings,
    }
    findings = _findings(tests, wider, more)
    return Comparison(
        base=_label(base.subject),
        head=_label(head.subject),
        base_run=base.id,
        head_run=head.id,
        base_identity=base.subject.identity,
        head_identity=head.subject.identity,
        base_counts=base.tests or TestCounts(),
        head_counts=head.tests or TestCounts(),
        gate_times=_times(base, head),
        suspects=suspects,
        timing=timing,
        files=tuple(files),
        dependencies=changed,
        api=names,
        api_unknown=unknown,
        scope=tuple(scope),
        out_of_scope=outside,
        confirmations=confirmations,
        only_base_failures=only_base_failures(
            base.gates,
            head.gates,
            fails_as_base(base_tests, head_tests, tests),
            gates_with_wrong(head_tests),
            only_old(brought.diagnostics),
        ),
        diagnostics=brought.diagnostics,
        warnings=brought.warnings,
        coverage=brought.coverage,
        unjudged=tuple(finding for finding in brought.unjudged if finding in fail_on),
        base_age=max(0.0, head.started - base.started - base.duration),
        notes=(*notes, *_same_ground(base, head)),
        **_judged(tests, wider, findings, fail_on, base_failures),
    )


def _api(told: tuple[Sequence[Mapping[str, str]], str] | None) -> tuple[tuple[ApiChange, ...] | None, str]:
    if told is None:
        return None, ""
    changes, unknown = told
    # Where a part could not be read, no change among the rest shows nothing.
    return (None if unknown and not changes else msgspec.convert(list(changes), tuple[ApiChange, ...])), unknown


def compare_results(
    base: Side,
    head: Side,
    notes: Sequence[str] = (),
    accepted: Sequence[str] = (),
    fail_on: Sequence[str] = REGRESSIONS,
    base_failures: BaseFailures = "report",
) -> Comparison:
    """Results against results, whoever made them; `notes` and the rest as of `compare_runs`."""
    tests = compare_tests(base.tests, head.tests)
    wider = wider_exclusions(base.tests, head.tests, accepted)
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
        only_base_failures=bool(fails_as_base(base.tests, head.tests, tests)),
        **_judged(tests, wider, _findings(tests, wider, {}), fail_on, base_failures),
    )


def _judged(
    tests: TestsComparison,
    wider: tuple[WiderExclusion, ...],
    findings: tuple[str, ...],
    fail_on: Sequence[str],
    base_failures: BaseFailures,
) -> dict[str, Any]:
    """What was found, and what that means."""
    return {
        "tests": tests,
        "wider_exclusions": wider,
        "findings": findings,
        "fail_on": tuple(fail_on),
        "regression": bool(set(findings) & set(fail_on)),
        "base_failures": base_failures,
        "blocked": base_failures == "block" and bool(known_to_fail(tests)),
    }


def _findings(tests: TestsComparison, wider: Sequence[WiderExclusion], more: Mapping[str, bool]) -> tuple[str, ...]:
    there = {
        "newly-failing": bool(tests.newly_failing),
        "lost": bool(tests.lost),
        "weakened": tests.weakens or not all(entry.accepted for entry in wider),
        "other-cause": bool(tests.other_cause),
        **more,
    }
    return tuple(finding for finding in FINDINGS if there.get(finding))


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
    """What makes the two runs differ besides the code."""
    notes = []
    if base.environment.python != head.environment.python:
        notes.append(f"different interpreters: {base.environment.python} and {head.environment.python}")
    if base.effective_filter != head.effective_filter:
        notes.append(f"different filters: base `{base.effective_filter}`, head `{head.effective_filter}`")
    for run, side in ((base, "base"), (head, "head")):
        if not run.complete:
            notes.append(f"the run of the {side} is not complete")
    tools = {gate.name: gate.tools for gate in base.gates}
    for gate in head.gates:
        other = tools.get(gate.name, gate.tools)
        changed = sorted(name for name in gate.tools.keys() | other.keys() if gate.tools.get(name) != other.get(name))
        if changed:
            shown = ", ".join(
                f"{name} {other.get(name, 'none')} → {gate.tools.get(name, 'none')}" for name in changed[:8]
            )
            notes.append(f"different tools in {gate.name}: {shown}{' …' if len(changed) > 8 else ''}")
    return notes
