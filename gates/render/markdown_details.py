"""The folded parts of a summary in Markdown: what a reader opens only if the first screen raises a question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from gates.render.filters import LeafRow
from gates.render.markup import cell, code, escape, fenced, inline, summary_of, table
from gates.render.size_limit import Room, is_cut
from gates.render.summary import ChangeSection, EvidenceFile, ExclusionRow, Summary, VariableRow
from gates.render.test_warnings import WarningSection
from gates.render.text import plural
from gates.results import FileChange

LISTED_WARNINGS = 10
"""Maximum number of listed kinds of warnings: they are also in the log."""

LISTED_FILES = 100
"""Maximum number of listed files of a kind, and of commits."""

_Item = TypeVar("_Item")


def details(title: str, lines: Iterable[str]) -> list[str]:
    """Lines behind a title that unfolds them; none without lines."""
    inside = "\n".join(lines).strip("\n")
    return ["<details>", f"<summary>{summary_of(title)}</summary>", "", inside, "", "</details>", ""] if inside else []


def facts(summary: Summary) -> list[str]:
    """What was validated, when and how, in full."""
    return details("About this run", [f"- **{name}:** {code(value)}" for name, value in summary.facts])


def skipped(summary: Summary, room: Room) -> list[str]:
    """Why tests were skipped, the most frequent reason first."""
    reasons = summary.tests.skipped if summary.tests else ()
    number = sum(count for _, count in reasons)
    rows = table_of(("Reason", "Tests"), reasons, "reason", room, lambda row: (inline(row[0]), str(row[1])))
    return details(f"Skipped: {plural(number, 'test')}", rows if reasons else [])


def warnings(section: WarningSection | None, room: Room) -> list[str]:
    """The warnings of tests."""
    if section is None:
        return []
    groups = [f"- {inline(group)}" for group in room.shown(section.groups, LISTED_WARNINGS)]
    return details(section.line, [*groups, *room.rest(section.groups, "kind", LISTED_WARNINGS)])


def changes(section: ChangeSection | None, room: Room) -> list[str]:
    """Commits and files."""
    if section is None or not (section.commits or section.groups):
        return []
    lines: list[str] = []
    if section.commits:
        commits = room.shown(section.commits, LISTED_FILES)
        lines += [f"- {code(commit[:12])} {escape(subject)}" for commit, subject in commits]
        lines += [*room.rest(section.commits, "commit", LISTED_FILES), ""]
    for group in section.groups:
        lines += [f"**{group.title}** ({plural(len(group.files), 'file')})", ""]
        lines += table_of(("File", "Status", "Added", "Removed"), group.files, "file", room, _file, LISTED_FILES)
    return details(f"Changes against the base: {section.line}", lines)


def _file(change: FileChange) -> tuple[str, ...]:
    added = "binary" if change.added is None else f"+{change.added}"
    removed = "binary" if change.removed is None else f"-{change.removed}"
    return cell(change.path), inline(change.status), added, removed


def exclusions(summary: Summary, room: Room) -> list[str]:
    """What was left out or forgiven, by whom and until when; nothing if that is nothing."""
    about = ("Category", "Reason", "Owner", "Expires", "Issue", "Filter")
    lines = []
    if summary.exclusions:
        lines += ["Excluded tests are counted, and never shown as skipped.", ""]
        lines += table_of(("Exclusion", "Tests", *about), summary.exclusions, "exclusion", room, _exclusion)
    if summary.quarantine:
        lines += ["Failures of quarantined tests did not count; the tests were run.", ""]
        lines += table_of(("Quarantine", "Failures", *about), summary.quarantine, "quarantine entry", room, _exclusion)
    if summary.effective_filter:
        lines += ["Effective filter:", "", *fenced(summary.effective_filter, "text"), ""]
    if summary.leaves:
        lines += ["What its predicates match:", ""]
        lines += table_of(("From", "Predicate", "Tests", "To know"), summary.leaves, "predicate", room, _leaf)
    return ["## Test exclusions", "", *lines] if lines else []


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


def environment(summary: Summary, room: Room) -> list[str]:
    """Versions, and variables that were changed for gates."""
    lines = table_of(("What", "Value"), summary.environment, "value", room, lambda row: (inline(row[0]), cell(row[1])))
    if summary.variables:

        def cells(row: VariableRow) -> tuple[str, ...]:
            change = "cleared" if row.value is None else f"set to {cell(row.value) or 'an empty value'}"
            left = map(str.strip, filter(None, room.rest(row.gates, "gate")))
            return cell(row.name), change, ", ".join([*map(cell, room.shown(row.gates)), *left]), inline(row.reason)

        lines += ["Variables that were set or cleared for gates:", ""]
        lines += table_of(("Variable", "Change", "Gates", "Reason"), summary.variables, "variable", room, cells)
    return details("Environment", lines)


def notes(summary: Summary, room: Room) -> list[str]:
    """What else must be known."""
    notes = [f"- {escape(note)}" for note in room.shown(summary.notes)]
    return details("Known limits", [*notes, *room.rest(summary.notes, "note")])


def checklist(summary: Summary, room: Room) -> list[str]:
    """What a reviewer asks, with what shows it."""
    ticked = sum(item.checked for item in summary.checklist)
    lines = ["Derived from the results; an open box means that it was not shown.", ""]
    lines += [
        f"- [{'x' if item.checked else ' '}] {escape(item.text)}{f' ({escape(item.why)})' if item.why else ''}"
        for item in room.shown(summary.checklist)
    ]
    lines += room.rest(summary.checklist, "item")
    return details(f"Pre-merge checklist: {ticked} of {len(summary.checklist)} shown", lines)


def reproduce(summary: Summary, room: Room) -> list[str]:
    """The commands of this run."""
    if not summary.commands:
        return []
    # A truncated command might do something that the whole one never does.
    whole = [(" ".join(comment.split()), command) for comment, command in summary.commands if not is_cut(command, room)]
    blocks = "\n\n".join(f"# {comment}\n{command}" for comment, command in room.shown(whole))
    lines = [*(fenced(blocks, "bash") if blocks else []), ""]
    left = len(summary.commands) - len(room.shown(whole))
    lines += [f"{plural(left, 'command')} more in `run.json`.", ""] if left else []
    return details("Reproduce", lines)


def evidence(summary: Summary, room: Room) -> list[str]:
    """The files behind the summary."""

    def cells(item: EvidenceFile) -> tuple[str, ...]:
        return inline(item.what), cell(item.path), cell(item.digest) or "-"

    return details("Logs and raw results", table_of(("What", "Path", "Digest"), summary.evidence, "file", room, cells))


def table_of(
    header: Sequence[str],
    items: Sequence[_Item],
    what: str,
    room: Room,
    cells: Callable[[_Item], tuple[str, ...]],
    most: int | None = None,
) -> list[str]:
    """A row for each item that there is room for, and how many there are besides."""
    return [*table(header, map(cells, room.shown(items, most))), *room.rest(items, what, most)]
