"""Lay a summary out as Markdown, to paste into a pull request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from gates.compare.values import Comparison
from gates.render.comparison import NOUNS, ComparisonView
from gates.render.filters import LeafRow
from gates.render.markup import cell, code, escape, fenced, inline, table
from gates.render.reasons import SILENT
from gates.render.size_limit import Room, fitted, is_cut
from gates.render.summary import ChangeSection, EvidenceFile, ExclusionRow, GateRow, Summary, VariableRow, summarise
from gates.render.test_warnings import WarningSection
from gates.render.tests import FailureRow, NotedTest, PackageRow, TestSection
from gates.render.text import duration, plural
from gates.render.weakenings import HEADING, HINTS, HOW_TO_ACCEPT, WeakeningView
from gates.results import FileChange, Run, TestResult, counts_line

LISTED_FAILURES = 200
"""Maximum number of failures; `Room.full` of them with their traceback, the others with their message."""

LISTED_FLAKY = 50
"""Maximum number of listed flaky tests."""

LISTED_WARNINGS = 10
"""Maximum number of listed kinds of warnings: they are also in the log."""

LISTED_FILES = 100
"""Maximum number of listed files of a kind, and of commits."""

_Item = TypeVar("_Item")

SIGNS = {True: "✅", False: "❌"}


def render_markdown(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None) -> str:
    """The whole summary, no longer than a hosting service accepts; ends with a newline."""
    return fitted(summarise(run, tests, comparison), _laid_out)


def _laid_out(summary: Summary, room: Room) -> str:
    sections = (
        _head(summary),
        _weaker(summary.comparison, room),
        _failures(summary, room),
        _reasons(summary, room),
        _noted("Flaky tests", summary.tests.flaky if summary.tests else (), room),
        _noted("Tests that left something behind", summary.tests.leaky if summary.tests else (), room),
        _gates(summary, room),
        _tests(summary.tests, room),
        _warnings(summary.warnings, room),
        _changes(summary.changes, room),
        _comparison(summary.comparison, room),
        _exclusions(summary, room),
        _environment(summary, room),
        _notes(summary, room),
        _checklist(summary, room),
        _reproduce(summary, room),
        _evidence(summary, room),
    )
    return "\n\n".join(text for lines in sections if (text := "\n".join(lines).strip("\n"))) + "\n"


def _head(summary: Summary) -> list[str]:
    verdict = summary.verdict
    return [
        f"# {escape(summary.title)}",
        "",
        f"## {SIGNS[verdict.passed]} Validation result: {verdict.word}",
        "",
        f"**{escape(verdict.sentence)}**",
        "",
        *(f"- **{name}:** {code(value)}" for name, value in summary.facts),
        "",
    ]


def _weaker(view: ComparisonView | None, room: Room) -> list[str]:
    """What checks less: every finding is named, however little room there is, and shown as long as there is some."""
    if view is None or not (view.weaker or view.hints):
        return []
    lines = [f"## {HEADING}", ""] if view.weaker else []
    for number, one in enumerate(view.weaker):
        lines += _weakening(one, full=room.listed is None or number < room.listed)
    if any(not one.accepted for one in view.weaker):
        lines += ["", f"{HOW_TO_ACCEPT}.", ""]
    lines += ["", f"**{HINTS}**", ""] if view.hints else []
    for one in room.shown(view.hints):
        lines += _weakening(one, full=True)
    return [*lines, *room.rest(view.hints, "hint"), ""]


def _weakening(one: WeakeningView, *, full: bool) -> list[str]:
    place = f" at {code(one.place)}" if one.place else ""
    accepted = f"; accepted: {inline(one.accepted)}" if one.accepted else ""
    lines = [f"- {code(one.where)}{place}: {inline(one.what)} ({code(one.id)}{accepted})"]
    if not full:
        return lines
    if one.diff:
        lines += ["", *(f"  {line}" if line else "" for line in fenced("\n".join(one.diff), "diff")), ""]
    if one.mutant:
        lines += ["", "  Only the base's test finds this fault:", ""]
        lines += [*(f"  {line}" if line else "" for line in fenced(one.mutant, "diff")), ""]
    return lines


def _failures(summary: Summary, room: Room) -> list[str]:
    failures = summary.tests.failures if summary.tests else ()
    if not failures:
        return []
    lines = [] if failures[0].on_base else ["## Failures", ""]
    for number, failure in enumerate(room.shown(failures, LISTED_FAILURES)):
        if failure.on_base and (number == 0 or not failures[number - 1].on_base):
            lines += ["", "## Failures that the base also has", ""]
        lines += _failure(failure, full=number < room.full)
    return [*lines, *room.rest(failures, "failure", LISTED_FAILURES), ""]


def _failure(failure: FailureRow, *, full: bool) -> list[str]:
    where = f" at {code(failure.place)}" if failure.place and not failure.many else ""
    head = f"- **{failure.outcome}** {failure.many or code(failure.id)}{where} (gate {code(failure.gate)}, {duration(failure.duration)})"
    if not full:
        return [f"{head}: {code(failure.message)}" if failure.message else head]
    lines = [head, ""]
    if failure.message:
        lines += [f"  {code(failure.message)}", ""]
    if failure.also:
        lines += [f"  {inline(failure.also)}", ""]
    if failure.lines:
        lines += [*(f"  {line}" if line else "" for line in fenced("\n".join(failure.lines), "text")), ""]
    return lines


def _reasons(summary: Summary, room: Room) -> list[str]:
    """Why gates failed, if their tests do not show it."""
    lines = ["## Why gates failed", ""] if summary.reasons else []
    for number, reason in enumerate(room.shown(summary.reasons)):
        whole = f" (whole log: {code(reason.log)})" if reason.log else ""
        lines += [f"- **{inline(reason.name)}**: {inline(reason.words)}{whole}", ""]
        if room.listed is not None and number >= room.full:
            continue
        lines += [*(f"  {line}" if line else "" for line in fenced("\n".join(reason.lines or (SILENT,)), "text")), ""]
    return [*lines, *room.rest(summary.reasons, "gate")]


def _noted(title: str, tests: Sequence[NotedTest], room: Room) -> list[str]:
    """A section of tests that are worth a note, although they fail nothing."""
    if not tests:
        return []
    lines = [f"## {title}", ""]
    shown = room.shown(tests, LISTED_FLAKY)
    lines += [f"- {code(each.id)} (gate {code(each.gate)}): {inline(each.words)}" for each in shown]
    return [*lines, *room.rest(tests, "test", LISTED_FLAKY), ""]


def _gates(summary: Summary, room: Room) -> list[str]:
    passed = sum(row.passed for row in summary.gates)
    lines = ["## Gates", ""]
    if not summary.gates:
        return [*lines, "No gate was run.", ""]
    return [
        *lines,
        f"{passed} of {plural(len(summary.gates), 'gate')} passed:",
        "",
        *table(
            ("Gate", "Command", "Status", "Time", "Notes"), [_gate_row(row) for row in _first_failed(summary, room)]
        ),
        *room.rest(summary.gates, "gate"),
    ]


def _first_failed(summary: Summary, room: Room) -> Sequence[GateRow]:
    """The gates that are shown; if not all are, those that did not pass come first."""
    if len(room.shown(summary.gates)) == len(summary.gates):
        return summary.gates
    return room.shown(sorted(summary.gates, key=lambda row: row.passed))


def _gate_row(row: GateRow) -> tuple[str, ...]:
    sign = SIGNS[True] if row.passed else "⚠️" if row.status.startswith(("SKIPPED", "COULD NOT RUN")) else SIGNS[False]
    return cell(row.name), cell(row.command) or "-", f"{sign} {row.status}", row.time, inline(row.notes) or "-"


def _tests(section: TestSection | None, room: Room) -> list[str]:
    lines = ["## Tests", ""]
    if section is None:
        return [*lines, "No gate has test results.", ""]
    lines += [*fenced(section.timed_line, "text"), ""]
    if not section.packages:
        return lines
    several = any(row.gate for row in section.packages)
    header = ("Package", *(("Gate",) if several else ()), "Passed", "Results")

    def cells(row: PackageRow) -> tuple[str, ...]:
        gate = (cell(row.gate),) if several else ()
        return cell(row.package), *gate, f"{row.counts.passed}/{row.counts.run}", counts_line(row.counts)

    return [*lines, *_table(header, section.packages, "package", room, cells)]


def _warnings(section: WarningSection | None, room: Room) -> list[str]:
    if section is None:
        return []
    groups = [f"- {inline(group)}" for group in room.shown(section.groups, LISTED_WARNINGS)]
    return [
        "## Warnings",
        "",
        f"{inline(section.line)}:",
        "",
        *groups,
        *room.rest(section.groups, "kind", LISTED_WARNINGS),
        "",
    ]


def _changes(section: ChangeSection | None, room: Room) -> list[str]:
    lines = ["## Changes against the base", ""]
    if section is None:
        return [*lines, "Not shown: there is no base to compare with.", ""]
    lines += [f"{section.line}.", ""]
    if section.commits:
        commits = room.shown(section.commits, LISTED_FILES)
        lines += [f"- {code(commit[:12])} {escape(subject)}" for commit, subject in commits]
        lines += [*room.rest(section.commits, "commit", LISTED_FILES), ""]
    for group in section.groups:
        lines += [f"**{group.title}** ({plural(len(group.files), 'file')})", ""]
        lines += _table(("File", "Status", "Added", "Removed"), group.files, "file", room, _file, LISTED_FILES)
    return [*lines, ""]


def _file(change: FileChange) -> tuple[str, ...]:
    added = "binary" if change.added is None else f"+{change.added}"
    removed = "binary" if change.removed is None else f"-{change.removed}"
    return cell(change.path), inline(change.status), added, removed


def _comparison(view: ComparisonView | None, room: Room) -> list[str]:
    if view is None:
        return []
    sign = SIGNS[not (view.regression or view.blocked)]
    lines = [
        f"## Comparison: {escape(view.base)} vs {escape(view.head)}",
        "",
        f"**{sign} {view.words.capitalize()}.**",
        "",
    ]
    header = ("Aspect", f"{inline(view.base)} (base)", f"{inline(view.head)} (head)")
    lines += _table(header, view.rows, "aspect", room, lambda row: tuple(map(inline, row)))
    if view.confirmations:
        lines += ["**Run again on both sides**", ""]
        lines += _table(("Test", "Finding", "Failed"), view.confirmations, "test", room, _confirmation)
    for words, ids in room.shown(view.lists):
        what = NOUNS.get(words, "test")
        lines += [f"**{escape(f'{words[0].upper()}{words[1:]}')}** ({plural(len(ids), what)})", ""]
        lines += [*(f"- {code(name)}" for name in room.shown(ids)), *room.rest(ids, what), ""]
    lines += room.rest(view.lists, "list")
    lines += [f"- {escape(note)}" for note in room.shown(view.notes)]
    return [*lines, *room.rest(view.notes, "note"), ""]


def _confirmation(confirmation: tuple[str, str, str]) -> tuple[str, ...]:
    test, finding, counts = confirmation
    return cell(test), inline(finding), counts


def _exclusions(summary: Summary, room: Room) -> list[str]:
    about = ("Category", "Reason", "Owner", "Expires", "Issue", "Filter")
    lines = ["## Test exclusions", ""]
    if summary.exclusions:
        total = sum(row.record.tests for row in summary.exclusions)
        lines += [f"Excluded: {plural(total, 'test')}, counted and never shown as skipped.", ""]
        lines += _table(("Exclusion", "Tests", *about), summary.exclusions, "exclusion", room, _exclusion)
    else:
        lines += ["None.", ""]
    if summary.quarantine:
        total = sum(row.record.tests for row in summary.quarantine)
        lines += [f"Quarantine: {plural(total, 'failure')} did not count; the tests were run.", ""]
        lines += _table(("Quarantine", "Failures", *about), summary.quarantine, "quarantine entry", room, _exclusion)
    if summary.effective_filter:
        lines += ["Effective filter:", "", *fenced(summary.effective_filter, "text"), ""]
    if summary.leaves:
        lines += ["What its predicates match:", ""]
        lines += _table(("From", "Predicate", "Tests", "To know"), summary.leaves, "predicate", room, _leaf)
    return lines


def _leaf(leaf: LeafRow) -> tuple[str, ...]:
    said = f"{'❌ ' if leaf.wrong else ''}{inline(leaf.said)}" if leaf.said else "-"
    return inline(leaf.source), cell(leaf.text), leaf.tests, said


def _exclusion(row: ExclusionRow) -> tuple[str, ...]:
    record = row.record
    return (
        cell(record.name),
        str(record.tests),
        inline(record.category),
        inline(record.reason),
        inline(record.owner),
        f"{inline(record.expires)}{f' ❌ {inline(row.fault)}' if row.fault else ''}",
        inline(record.issue) or "-",
        cell(record.filter),
    )


def _environment(summary: Summary, room: Room) -> list[str]:
    lines = [
        "## Environment",
        "",
        *_table(("What", "Value"), summary.environment, "value", room, lambda row: (inline(row[0]), cell(row[1]))),
    ]
    if summary.variables:

        def cells(row: VariableRow) -> tuple[str, ...]:
            change = "cleared" if row.value is None else f"set to {cell(row.value) or 'an empty value'}"
            left = map(str.strip, filter(None, room.rest(row.gates, "gate")))
            return cell(row.name), change, ", ".join([*map(cell, room.shown(row.gates)), *left]), inline(row.reason)

        lines += ["Variables that were set or cleared for gates:", ""]
        lines += _table(("Variable", "Change", "Gates", "Reason"), summary.variables, "variable", room, cells)
    return lines


def _notes(summary: Summary, room: Room) -> list[str]:
    if not summary.notes:
        return []
    notes = (f"- {escape(note)}" for note in room.shown(summary.notes))
    return ["## Known limits", "", *notes, *room.rest(summary.notes, "note"), ""]


def _checklist(summary: Summary, room: Room) -> list[str]:
    ticked = sum(item.checked for item in summary.checklist)
    said = f"Derived from the results, {ticked} of {len(summary.checklist)} shown; an open box means not shown."
    lines = ["## Pre-merge checklist", "", said, ""]
    lines += [
        f"- [{'x' if item.checked else ' '}] {escape(item.text)}{f' ({escape(item.why)})' if item.why else ''}"
        for item in room.shown(summary.checklist)
    ]
    return [*lines, *room.rest(summary.checklist, "item"), ""]


def _reproduce(summary: Summary, room: Room) -> list[str]:
    if not summary.commands:
        return []
    # A truncated command might do something that the whole one never does.
    whole = [(" ".join(comment.split()), command) for comment, command in summary.commands if not is_cut(command, room)]
    blocks = "\n\n".join(f"# {comment}\n{command}" for comment, command in room.shown(whole))
    lines = ["## Reproduce", "", *(fenced(blocks, "bash") if blocks else []), ""]
    left = len(summary.commands) - len(room.shown(whole))
    lines += [f"{plural(left, 'command')} more in `run.json`.", ""] if left else []
    if summary.tests is not None:
        lines += ["The tests of this run:", "", *fenced(summary.tests.line, "text"), ""]
    return lines


def _evidence(summary: Summary, room: Room) -> list[str]:
    def cells(item: EvidenceFile) -> tuple[str, ...]:
        return inline(item.what), cell(item.path), cell(item.digest) or "-"

    lines = ["## Logs and raw results", ""]
    return [*lines, *_table(("What", "Path", "Digest"), summary.evidence, "file", room, cells)]


def _table(
    header: Sequence[str],
    items: Sequence[_Item],
    what: str,
    room: Room,
    cells: Callable[[_Item], tuple[str, ...]],
    most: int | None = None,
) -> list[str]:
    """A row for each item that there is room for, and how many there are besides."""
    return [*table(header, map(cells, room.shown(items, most))), *room.rest(items, what, most)]
