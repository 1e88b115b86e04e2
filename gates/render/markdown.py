"""Lay a summary out as Markdown, to paste into a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from gates.compare.values import Comparison
from gates.render.comparison import NOUNS, ComparisonView
from gates.render.markdown_details import (
    changes,
    checklist,
    details,
    environment,
    evidence,
    exclusions,
    facts,
    notes,
    reproduce,
    skipped,
    table_of,
    warnings,
)
from gates.render.markup import cell, code, escape, fenced, inline, table
from gates.render.mutants import SURVIVED, survivor_markdown, title_of
from gates.render.reasons import SILENT
from gates.render.size_limit import Room, fitted
from gates.render.summary import GateRow, Summary, summarise
from gates.render.tally import PackageRow
from gates.render.tests import FailureRow, NotedTest, TestSection
from gates.render.text import duration, plural
from gates.render.weakenings import HEADING, HINTS, HOW_TO_ACCEPT, WeakeningView
from gates.results import Run, TestResult
from gates.results.tests import other_outcomes

LISTED_FAILURES = 200
"""Maximum number of failures; `Room.full` of them with their traceback, the others with their message."""

LISTED_FLAKY = 50
"""Maximum number of listed flaky tests."""

SIGNS = {True: "✅", False: "❌"}


def render_markdown(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None) -> str:
    """The whole summary, no longer than a hosting service accepts; ends with a newline."""
    summary = summarise(run, tests, comparison)
    failed = len(summary.tests.failures) if summary.tests else 0
    return fitted(_first_failures(summary), lambda fitting, room: _laid_out(fitting, room, failed))


def _first_failures(summary: Summary) -> Summary:
    """Only with the failures that may be shown: the others would be measured and shortened in vain."""
    if summary.tests is None or len(summary.tests.failures) <= LISTED_FAILURES:
        return summary
    tests = msgspec.structs.replace(summary.tests, failures=summary.tests.failures[:LISTED_FAILURES])
    return msgspec.structs.replace(summary, tests=tests)


def _laid_out(summary: Summary, room: Room, failed: int) -> str:
    tests = summary.tests
    sections = (
        _head(summary),
        _weaker(summary.comparison, room),
        _survived(summary.comparison, room),
        _gates(summary, room),
        _failures(summary, room, failed),
        _reasons(summary, room),
        _noted("Flaky tests", tests.flaky if tests else (), room),
        _noted("Tests that left something behind", tests.leaky if tests else (), room),
        _tests(tests, room),
        _comparison(summary.comparison, room),
        exclusions(summary, room),
        skipped(summary, room),
        warnings(summary.warnings, room),
        changes(summary.changes, room),
        checklist(summary, room),
        reproduce(summary, room),
        environment(summary, room),
        notes(summary, room),
        facts(summary),
        evidence(summary, room),
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
        _subject(dict(summary.facts)),
        "",
    ]


def _subject(facts: Mapping[str, str]) -> str:
    """What was validated, on one line."""
    commit = f"at {code(facts['Commit'][:12])}" if "Commit" in facts else ""
    where = f"on {code(facts['Branch'])}" if "Branch" in facts else ""
    validated = " ".join(part for part in (code(facts.get("Validated", "")), where, commit) if part)
    return (
        ", ".join(part for part in (f"Validated {validated}", facts.get("Date", ""), facts.get("Took", "")) if part)
        + "."
    )


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
        lines += [*([] if one.diff else [""]), "  Only the base's test finds this fault:", ""]
        lines += [*(f"  {line}" if line else "" for line in fenced(one.mutant, "diff")), ""]
    return lines


def _survived(view: ComparisonView | None, room: Room) -> list[str]:
    """Each mutant that no test noticed, with its diff behind a title."""
    if view is None or not view.survived:
        return []
    lines = [line for one in room.shown(view.survived) for line in details(title_of(one), survivor_markdown(one))]
    return [f"## {SURVIVED.capitalize()}", "", *lines, *room.rest(view.survived, "mutant"), ""]


def _failures(summary: Summary, room: Room, failed: int) -> list[str]:
    failures = summary.tests.failures if summary.tests else ()
    if not failures:
        return []
    lines = [] if failures[0].on_base else ["## Failures", ""]
    for number, failure in enumerate(room.shown(failures, LISTED_FAILURES)):
        if failure.on_base and (number == 0 or not failures[number - 1].on_base):
            lines += ["", "## Failures that the base also has", ""]
        lines += _failure(failure, full=number < room.full)
    return [*lines, *room.rest(failures, "failure", LISTED_FAILURES, total=failed), ""]


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
    lines = ["## Gates", ""]
    if not summary.gates:
        return [*lines, "No gate was run.", ""]
    return [
        *lines,
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
    if section is None:
        return []
    lines = ["## Tests", "", *fenced(section.timed_line, "text"), ""]
    if len(section.packages) < 2:
        return lines
    several = any(row.gate for row in section.packages)
    header = ("Package", *(("Gate",) if several else ()), "Passed", "Others")

    def cells(row: PackageRow) -> tuple[str, ...]:
        gate = (cell(row.gate),) if several else ()
        others = ", ".join(other_outcomes(row.counts)) or "-"
        return cell(row.package), *gate, f"{row.counts.passed:,}/{row.counts.run:,}", others

    rows = table_of(header, section.packages, "package", room, cells)
    return [*lines, *details("By package", rows)]


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
    lines += table_of(header, view.rows, "aspect", room, lambda row: tuple(map(inline, row)))
    if view.confirmations:
        lines += ["**Run again on both sides**", ""]
        lines += table_of(("Test", "Finding", "Failed"), view.confirmations, "test", room, _confirmation)
    pressing = {words for words, _ in view.pressing}
    for words, ids in room.shown(view.lists):
        what = NOUNS.get(words, "test")
        title = f"{words[0].upper()}{words[1:]} ({plural(len(ids), what)})"
        named = [*(f"- {code(name)}" for name in room.shown(ids)), *room.rest(ids, what)]
        lines += [f"**{escape(title)}**", "", *named, ""] if words in pressing else details(title, named)
    lines += room.rest(view.lists, "list")
    lines += [f"- {escape(note)}" for note in room.shown(view.notes)]
    return [*lines, *room.rest(view.notes, "note"), ""]


def _confirmation(confirmation: tuple[str, str, str]) -> tuple[str, ...]:
    test, finding, counts = confirmation
    return cell(test), inline(finding), counts
