"""The pre-merge checklist, derived from the run: only evidence ticks a box.

A box cannot be ticked by hand; anything that was not shown stays open, marked `not shown`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import msgspec

from gates.portable.values import GateOutcome
from gates.render.filters import FILTER
from gates.render.left_out import left_out_of
from gates.render.text import one_line, plural
from gates.render.verdict import not_ended
from gates.results import ExclusionRecord, GateResult, Run, TestCounts
from gates.results.tests import odd_outcomes

if TYPE_CHECKING:
    from gates.render.comparison import ComparisonView

MINIMUM_PYTHON_GATES = ("min_python", "min-python")
"""Name of the gate that runs the lowest supported interpreter; a parametrised one starts with it."""


class ChecklistItem(msgspec.Struct, frozen=True):
    """A line of the checklist. `why` tells what ticked the box, or what is missing."""

    checked: bool
    text: str
    why: str = ""


def checklist(run: Run, counts: TestCounts | None, comparison: ComparisonView | None) -> tuple[ChecklistItem, ...]:
    """All items, in the order in which a reviewer asks."""
    return (
        *(_gate(gate) for gate in run.gates),
        *(ChecklistItem(False, f"Gate {name} passes", "not shown: it did not end") for name in not_ended(run)),
        _all_passed(counts),
        _none_lost(run, counts),
        _no_filter(run),
        *_nothing_left_out(run),
        _exclusions(run),
        _clean_commit(run),
        _minimum_python(run),
        *_claimed_pythons(run),
        _no_new_failures(comparison),
        *_nothing_weakened(comparison),
        *_no_new_findings(comparison),
        _contains_base(run),
        _changes_shown(run),
    )


def _gate(gate: GateResult) -> ChecklistItem:
    reason = one_line(gate.reason, 200)
    passed = gate.outcome is GateOutcome.PASSED and not gate.inconsistent
    if passed:
        return ChecklistItem(True, f"Gate {gate.name} passes", reason)
    state = "could not run" if gate.outcome is GateOutcome.COULD_NOT_RUN else gate.outcome.value
    accepted = ", accepted by the config" if gate.accepted else ""
    return ChecklistItem(False, f"Gate {gate.name} passes", f"{state}{accepted}{': ' if reason else ''}{reason}")


def _all_passed(counts: TestCounts | None) -> ChecklistItem:
    text = "All tests that ran passed"
    if counts is None or not counts.run:
        return ChecklistItem(False, text, "not shown: no test was run")
    if counts.bad:
        return ChecklistItem(False, text, f"{plural(counts.bad, 'test')} failed")
    as_expected = not (counts.flaky or counts.quarantined or counts.xpassed)
    return ChecklistItem(as_expected, text, ", ".join((f"{counts.passed}/{counts.run} passed", *odd_outcomes(counts))))


def _none_lost(run: Run, counts: TestCounts | None) -> ChecklistItem:
    text = "Every collected test has an outcome"
    if counts is None or not counts.collected:
        return ChecklistItem(False, text, "not shown: no test was collected")
    if counts.lost:
        return ChecklistItem(False, text, f"{plural(counts.lost, 'test')} did not end")
    if not run.complete:
        return ChecklistItem(False, text, "not shown: the run is not complete")
    return ChecklistItem(True, text, f"{counts.collected:,} collected")


def _no_filter(run: Run) -> ChecklistItem:
    text = "No test was left out by a command-line filter"
    return ChecklistItem(not run.filter, text, f"not shown: only tests that match {run.filter}" if run.filter else "")


def _exclusions(run: Run) -> ChecklistItem:
    text = "Every exclusion has an owner, a reason and a date that has not passed"
    records = (*run.exclusions, *run.quarantine)
    if not records:
        return ChecklistItem(True, text, "there are none")
    faults = [f"{record.name}: {fault}" for record in records if (fault := exclusion_fault(record, run.started))]
    faults += [f"{leaf.source}: {leaf.error}" for leaf in run.leaves if leaf.error and leaf.source != FILTER]
    named = [plural(len(run.exclusions), "exclusion")] if run.exclusions else []
    named += [f"{len(run.quarantine)} quarantined"] if run.quarantine else []
    return ChecklistItem(not faults, text, "; ".join(faults) or ", ".join(named))


def exclusion_fault(record: ExclusionRecord, now: float) -> str:
    """The problem of an exclusion at that time; empty if there is none. It still applies on its last day."""
    missing = [word for word in ("owner", "reason") if not getattr(record, word).strip()]
    if missing:
        return f"no {' and no '.join(missing)}"
    try:
        last = date.fromisoformat(record.expires)
    except ValueError:
        return "no readable date of expiry"
    try:
        today = datetime.fromtimestamp(now, UTC).date()
    except (OverflowError, ValueError, OSError):
        return "the date of the run is unknown"
    return f"expired on {last}" if last < today else ""


def _nothing_left_out(run: Run) -> Iterator[ChecklistItem]:
    """An open box if options, conftests or plugins of the project leave out tests: those have no reason and no owner."""
    found = left_out_of(run)
    if found:
        yield ChecklistItem(False, "The project leaves out no test", found)


def _clean_commit(run: Run) -> ChecklistItem:
    text = "The subject is a clean commit"
    subject = run.subject
    if subject.kind == "merge":
        return ChecklistItem(False, text, "the would-be merge was validated, which is not a commit yet")
    if subject.dirty:
        return ChecklistItem(False, text, "there are uncommitted changes")
    if run.changed:
        return ChecklistItem(False, text, "it changed while gates ran")
    if run.left:
        return ChecklistItem(False, text, f"gates left {plural(len(run.left), 'new file')} in it")
    if not subject.commit:
        return ChecklistItem(False, text, "not shown: there is no git commit")
    return ChecklistItem(True, text, subject.commit[:12])


def _minimum_python(run: Run) -> ChecklistItem:
    text = "The lowest supported Python was tested by running it"
    gates = [gate for gate in run.gates if gate.name.startswith(MINIMUM_PYTHON_GATES)]
    if not gates:
        return ChecklistItem(False, text, "not shown: no gate min_python in this run")
    for gate in gates:
        if gate.outcome is not GateOutcome.PASSED:
            return ChecklistItem(False, text, f"not shown: {one_line(gate.reason, 200) or gate.outcome.value}")
    return ChecklistItem(True, text, one_line(gates[0].reason, 200))


def _claimed_pythons(run: Run) -> Iterator[ChecklistItem]:
    """A box for each version that the project claims to support: its tests ran there, or it stays open."""
    for version in run.pythons:
        shown = [
            (gate.tests.run, gate.name)
            for gate in run.gates
            if gate.outcome is GateOutcome.PASSED and gate.tests is not None and gate.tests.passed
            if re.search(rf"(?<![\d.]){re.escape(version)}(?![\d])", gate.tools.get("python", ""))
        ]
        number, gate = max(shown, default=(0, ""))
        why = f"{plural(number, 'test')} in gate {gate}" if shown else "not shown: no gate passed that ran tests on it"
        yield ChecklistItem(bool(shown), f"Tests passed on Python {version}, which the project claims to support", why)


def _no_new_failures(comparison: ComparisonView | None) -> ChecklistItem:
    text = "No new failures against the base"
    if comparison is None:
        return ChecklistItem(False, text, "not shown: no comparison was made")
    failing = [f"gate {name}" for name in comparison.new_gate_failures]
    failing += [plural(len(comparison.new_failures), "test")] if comparison.new_failures else []
    if failing:
        return ChecklistItem(False, text, f"{', '.join(failing)} failing that did not fail on the base")
    if comparison.changed_failures:
        number = plural(len(comparison.changed_failures), "test")
        return ChecklistItem(False, text, f"{number} also failing on the base, but not known to have the same cause")
    if comparison.regression:
        return ChecklistItem(False, text, "the comparison found a regression")
    if not comparison.shown:
        return ChecklistItem(False, text, "not shown: nothing comparable was run on the base")
    return ChecklistItem(True, text, f"compared with {comparison.base}")


def _nothing_weakened(comparison: ComparisonView | None) -> tuple[ChecklistItem, ...]:
    if comparison is None:
        return ()
    weaker = comparison.weakened
    return (ChecklistItem(not weaker, "Nothing checks less than on the base", ", ".join(weaker)),)


def _no_new_findings(comparison: ComparisonView | None) -> tuple[ChecklistItem, ...]:
    if comparison is None or comparison.nothing_new is None:
        return ()
    return (
        ChecklistItem(
            comparison.nothing_new[0], "No new findings of linters and type checkers", comparison.nothing_new[1]
        ),
    )


def _contains_base(run: Run) -> ChecklistItem:
    subject = run.subject
    text = f"The branch contains the tip of {subject.base or 'its base'}"
    if subject.shallow:
        return ChecklistItem(False, text, "not shown: the history is incomplete (shallow clone)")
    if not subject.base_commit or not subject.merge_base:
        return ChecklistItem(False, text, "not shown: no base is known")
    if subject.kind == "merge" or subject.merge_base == subject.base_commit:
        return ChecklistItem(True, text, subject.base_commit[:12])
    return ChecklistItem(
        False, text, f"it branched off the base at {subject.merge_base[:12]}, the tip is {subject.base_commit[:12]}"
    )


def _changes_shown(run: Run) -> ChecklistItem:
    text = "The changes against the base are shown"
    if run.changes is None:
        return ChecklistItem(False, text, "not shown: no base to compare files with")
    return ChecklistItem(
        True, text, f"{plural(len(run.changes.commits), 'commit')}, {plural(len(run.changes.files), 'file')}"
    )
