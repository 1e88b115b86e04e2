"""The data that every renderer lays out: each section of a summary, computed once from the values of a run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from gates.compare.values import Comparison
from gates.portable.values import GateOutcome, noun
from gates.readers.formats import JUNIT_ACCEPTED
from gates.render.checklist import ChecklistItem, checklist, exclusion_fault
from gates.render.comparison import ComparisonView, comparison_view
from gates.render.filters import LeafRow, leaf_rows
from gates.render.left_out import left_out_note
from gates.render.reasons import GateReason, reasons
from gates.render.test_warnings import WarningSection, warning_section
from gates.render.tests import TestSection, test_counts, test_section
from gates.render.text import duration, one_line, plural
from gates.render.verdict import Verdict, not_ended, only_counts, verdict_of
from gates.results import ExclusionRecord, FileChange, GateResult, Run, TestCounts, TestResult
from gates.results.tests import odd_outcomes

KINDS = (("production", "Production code"), ("test", "Tests"), ("docs", "Documentation"), ("config", "Configuration"))
"""Kind of a changed file → its heading, in the order shown."""

TELLING_TOOLS = (
    *("python", "nox", "uv", "build", "hatchling", "setuptools", "ruff", "import-linter", "mypy", "pyright", "vermin"),
    *("black", "flake8", "pylint", "sphinx", "mkdocs", "pytest", "pytest-xdist", "junit-xml", "hypothesis", "coverage"),
    *("tox", "numpy", "scipy", "pandas", "torch", "django", "flask"),
)
"""Packages whose versions affect the outcome of a gate, in display order."""


class GateRow(msgspec.Struct, frozen=True):
    """A line of the table of gates; `time` is `-` if nothing was run."""

    name: str
    command: str
    status: str
    time: str
    notes: str
    passed: bool


class ExclusionRow(msgspec.Struct, frozen=True):
    """An entry of the ledger, and its problem at the time of the run."""

    record: ExclusionRecord
    fault: str


class VariableRow(msgspec.Struct, frozen=True):
    """A variable that was set or cleared for gates; `value` None means cleared."""

    gates: tuple[str, ...]
    name: str
    value: str | None
    reason: str


class ChangeGroup(msgspec.Struct, frozen=True):
    """Changed files of one kind."""

    title: str
    files: tuple[FileChange, ...]


class ChangeSection(msgspec.Struct, frozen=True):
    """What the subject changes; `commits` are `(hash, subject line)`."""

    line: str
    commits: tuple[tuple[str, str], ...]
    groups: tuple[ChangeGroup, ...]


class EvidenceFile(msgspec.Struct, frozen=True):
    """A file with raw results."""

    what: str
    path: str
    digest: str = ""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A run, section by section."""

    title: str
    verdict: Verdict
    facts: tuple[tuple[str, str], ...]
    gates: tuple[GateRow, ...]
    reasons: tuple[GateReason, ...]
    tests: TestSection | None
    warnings: WarningSection | None
    exclusions: tuple[ExclusionRow, ...]
    quarantine: tuple[ExclusionRow, ...]
    leaves: tuple[LeafRow, ...]
    effective_filter: str
    environment: tuple[tuple[str, str], ...]
    variables: tuple[VariableRow, ...]
    changes: ChangeSection | None
    comparison: ComparisonView | None
    notes: tuple[str, ...]
    checklist: tuple[ChecklistItem, ...]
    commands: tuple[tuple[str, str], ...]
    evidence: tuple[EvidenceFile, ...]


def summarise(
    run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None, *, listed: bool = True
) -> Summary:
    """Compute every section.

    Args:
        run: the run.
        tests: its tests.
        comparison: with its base.
        listed: lists of tests and packages are wanted, too; without them, 100,000 tests take half the time.
    """
    compared = comparison_view(comparison) if comparison is not None else None
    known = compared.base_failures if compared is not None else ()
    section = test_section(run, tests, known) if listed else test_counts(run, tests)
    counts = section.counts if section else None
    return Summary(
        title=f"Validation summary: {run.subject.branch or run.subject.name or run.project or 'unnamed subject'}",
        verdict=_verdict(run, counts, compared),
        facts=_facts(run),
        gates=_gate_rows(run),
        reasons=reasons(run),
        tests=section,
        warnings=warning_section(run),
        exclusions=_exclusion_rows(run.exclusions, run.started),
        quarantine=_exclusion_rows(run.quarantine, run.started),
        leaves=leaf_rows(run),
        effective_filter=run.effective_filter,
        environment=_environment(run),
        variables=_variables(run),
        changes=_changes(run),
        comparison=compared,
        notes=_notes(run, tests),
        checklist=checklist(run, counts, compared),
        commands=_commands(run),
        evidence=_evidence(run),
    )


def _verdict(run: Run, counts: TestCounts | None, compared: ComparisonView | None) -> Verdict:
    """The verdict of the run; a regression against the base is not a pass, even if all gates pass.

    Failures as on the base are not a pass either, but not the head's fault.
    """
    verdict = verdict_of(run, counts)
    if compared is not None and compared.excused and verdict.word == "FAIL":
        what = f"what fails here also fails there ({', '.join(compared.known)})"
        return Verdict("NO REGRESSION", f"Against {compared.base}: {what}. On the head alone: {verdict.sentence}")
    if compared is not None and compared.unjudged and not compared.regression and verdict.word == "PASS":
        # It was requested, and the answer is unknown: exit code 3.
        what = ", ".join(compared.unjudged)
        return Verdict(
            "NOT KNOWN", f"Against {compared.base}: {what}: not known. On the head alone: {verdict.sentence}"
        )
    # As in the exit code: an interruption or wrong usage is not a finding.
    if compared is None or not compared.regression or verdict.word not in ("PASS", "FAIL", "COULD NOT RUN"):
        return verdict
    why = ", ".join(compared.reasons) or "see the comparison"
    return Verdict("REGRESSION", f"Against {compared.base}: {why}. On the head alone: {verdict.sentence}")


def _exclusion_rows(records: Sequence[ExclusionRecord], now: float) -> tuple[ExclusionRow, ...]:
    return tuple(ExclusionRow(record, exclusion_fault(record, now)) for record in records)


def _facts(run: Run) -> tuple[tuple[str, str], ...]:
    subject = run.subject
    base = f"{subject.base} ({subject.base_commit[:12]})" if subject.base_commit else subject.base
    state = "with uncommitted changes" if subject.dirty else ""
    facts = (
        ("Date", _date(run.started)),
        ("Project", run.project),
        ("Validated", f"{'' if subject.kind == 'worktree' else subject.kind} {subject.name} {state}".strip()),
        ("Branch", subject.branch),
        ("Commit", subject.commit),
        ("Identity", subject.identity),
        ("Uncommitted change", subject.change_digest),
        ("Base", base),
        ("Profile", run.profile),
        ("Run", run.id),
        ("Took", f"{duration(run.duration)} with {plural(run.jobs, 'job')}" if run.duration > 0 else ""),
    )
    return tuple((name, value) for name, value in facts if value)


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError, OSError):
        return ""


def _gate_rows(run: Run) -> tuple[GateRow, ...]:
    rows = [
        GateRow(
            name=gate.name,
            command=command_line(gate),
            status=_status(gate),
            time=duration(gate.duration),
            notes="; ".join(_gate_notes(gate)),
            passed=gate.outcome is GateOutcome.PASSED and not gate.inconsistent,
        )
        for gate in run.gates
    ]
    rows += [GateRow(name, "", "NOT RUN", "-", "planned, but it did not end", False) for name in not_ended(run)]
    return tuple(rows)


def _status(gate: GateResult) -> str:
    word = gate.outcome.word
    if gate.inconsistent:
        return f"{'FAIL' if gate.outcome is GateOutcome.PASSED else word} (inconsistent)"
    return f"{word} (accepted)" if gate.accepted and gate.outcome is GateOutcome.COULD_NOT_RUN else word


def _gate_notes(gate: GateResult) -> list[str]:
    notes = [] if only_counts(gate) else [one_line(gate.reason, 200)]
    if gate.tests is not None:
        notes.append(_passed_words(gate))
        notes.append("" if gate.injected else "test results only from exit code and JUnit")
    if (
        gate.outcome is not GateOutcome.PASSED
        and (gate.exit_code or 0) > 0
        and not only_counts(gate)
        and f"exit code {gate.exit_code}" not in gate.reason
    ):
        notes.append(f"exit code {gate.exit_code}")
    notes += [
        one_line(part, 300)
        for witness in gate.witnesses
        for part in witness.detail.split("; ")
        if JUNIT_ACCEPTED in part
    ]
    notes.append(left_out_note(gate))
    if gate.warnings:
        notes.append(plural(gate.warnings, "warning"))
    if gate.stray:
        notes.append(f"{plural(gate.stray, 'process')} outlived it")
    return [note for note in notes if note]


def _passed_words(gate: GateResult) -> str:
    """How many tests passed. A gate that passed without tests has a note, unless its reason says so."""
    counts = gate.tests
    if counts is None:
        return ""
    if counts.run:
        return ", ".join((f"{counts.passed:,} of {plural(counts.run, 'test')} passed", *odd_outcomes(counts)))
    if gate.outcome is not GateOutcome.PASSED:
        return ""
    return f"no test ran: {plural(counts.skipped, 'test')} skipped" if counts.skipped else "no test ran"


def command_line(gate: GateResult) -> str:
    """The command to paste; for a gate without one, the quoted arguments."""
    return gate.command_line or shlex.join(gate.command)


def _environment(run: Run) -> tuple[tuple[str, str], ...]:
    here = run.environment
    rows = [
        ("Python", f"{here.implementation} {here.python}"),
        ("System", f"{here.system} ({here.machine})"),
        ("CPU", f"{here.cpu or 'unknown model'}, {plural(here.cores, 'core')}"),
    ]
    rows += [(f"{name} (gates)", version) for name, version in sorted(here.tools.items())]
    rows += [(f"Gate {gate.name}", _tools(gate)) for gate in run.gates if gate.versions]
    rows += [(f"${name}", value) for name, value in sorted(here.variables.items())]
    return tuple(rows)


def _tools(gate: GateResult) -> str:
    """The versions of a gate's programs, and the most relevant ones of its packages; the rest is in the run's file."""
    names = [
        *(name for name in gate.programs if name not in gate.tools),
        *(name for name in TELLING_TOOLS if name in gate.tools),
    ]
    known = [f"{one_line(name, 40)} {one_line(gate.versions[name], 100)}" for name in names]
    rest = len(gate.versions) - len(known)
    return ", ".join(known + ([plural(rest, "other package")] if rest else []))


def _variables(run: Run) -> tuple[VariableRow, ...]:
    users: dict[tuple[str, str | None, str], list[str]] = {}
    for gate in run.gates:
        for change in gate.environment:
            users.setdefault((change.name, change.value, change.reason), []).append(gate.name)
    return tuple(VariableRow(tuple(gates), name, value, reason) for (name, value, reason), gates in users.items())


def _changes(run: Run) -> ChangeSection | None:
    if run.changes is None:
        return None
    files = run.changes.files
    groups = tuple(
        ChangeGroup(title, members)
        for kind, title in KINDS
        if (members := tuple(change for change in files if change.kind == kind))
    )
    split = ", ".join(f"{group.title.lower()}: {len(group.files):,}" for group in groups)
    added, removed = (
        sum(number or 0 for number in column)
        for column in ([change.added for change in files], [change.removed for change in files])
    )
    line = f"{plural(len(run.changes.commits), 'commit')}, {plural(len(files), 'file')}"
    return ChangeSection(
        line=f"{line}{f' ({split})' if split else ''}, +{added:,} -{removed:,} {noun(removed, 'line')}",
        commits=run.changes.commits,
        groups=groups,
    )


def _notes(run: Run, tests: Sequence[TestResult]) -> tuple[str, ...]:
    subject = run.subject
    derived = {
        "The run is not complete: it is still going on, or it was killed.": not run.complete,
        "Uncommitted changes were validated, too: the commit alone was not.": subject.dirty,
        "No git: changes, comparison and certificates are impossible.": subject.kind == "folder",
        "The history is incomplete (shallow clone): no merge base is shown.": subject.shallow,
        "Exclusions were switched off: excluded tests were run.": run.include_excluded,
        _said_of_filter(run): bool(run.filter),
        "The tests in the results file and the counts of the run differ.": _counts_differ(run, tests),
    }
    return (*run.notes, *(note for note, holds in derived.items() if holds))


def _said_of_filter(run: Run) -> str:
    unasked = ", ".join(gate.name for gate in run.gates if gate.unasked)
    besides = f", and all tests of {unasked}, which were read from files" if unasked else ""
    return f"Only tests that match {run.filter} were run{besides}."


def _counts_differ(run: Run, tests: Sequence[TestResult]) -> bool:
    return bool(tests) and run.tests is not None and run.tests.collected != len(tests)


def _commands(run: Run) -> tuple[tuple[str, str], ...]:
    """`(comment, command)`, in the order to paste them."""
    subject = run.subject
    commands = []
    if subject.commit and subject.kind != "merge":
        what = "the commit below the uncommitted changes" if subject.dirty else "the validated commit"
        commands.append((what, f"git switch --detach {shlex.quote(subject.commit)}"))
    if run.command_line:
        commands.append(("everything", run.command_line))
    commands += [(f"gate {gate.name}", line) for gate in run.gates if (line := command_line(gate))]
    return tuple(commands)


def _evidence(run: Run) -> tuple[EvidenceFile, ...]:
    logs = [
        EvidenceFile(f"Log of {gate.name}", f"{run.reports}/{gate.log}", gate.log_digest)
        for gate in run.gates
        if gate.log
    ]
    return (
        EvidenceFile("Run", f"{run.reports}/run.json"),
        EvidenceFile("Tests", f"{run.reports}/tests.jsonl"),
        EvidenceFile("Page", f"{run.reports}/summary.html"),
        EvidenceFile("JUnit", f"{run.reports}/junit.xml"),
        *logs,
    )
