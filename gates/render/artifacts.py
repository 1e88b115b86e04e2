"""The part of a summary about diagnostics, warnings and coverage in a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from gates.compare.values import Comparison, CoverageComparison, FileLines
from gates.render.text import one_line, plural
from gates.results import Diagnostic, TestWarning

if TYPE_CHECKING:
    Row = tuple[str, str, str]
    Named = tuple[str, tuple[str, ...]]

_LONGEST = 300
"""Maximum length of a reason or a message."""


class Annotation(NamedTuple):
    """Something new at a place of the head, for readers of its source."""

    path: str
    line: int
    title: str
    text: str
    level: str = "warning"


def annotations_of(comparison: Comparison) -> Iterator[Annotation]:
    """New diagnostics, the first of the lines that no test ran, new warnings."""
    for gate in comparison.diagnostics:
        for each in gate.new:
            title = f"new finding of {gate.gate}{f': {each.rule}' if each.rule else ''}"
            yield Annotation(each.path, each.line, title, each.message)
    for lines in comparison.coverage.uncovered if comparison.coverage is not None else ():
        first = int(lines.lines.replace("-", ",").split(",")[0])
        yield Annotation(lines.path, first, "changed lines that no test ran", _lines(lines))
    for group in comparison.warnings.new if comparison.warnings is not None else ():
        yield Annotation(group.file, group.line, f"new warning: {group.category}", group.message)


def artifact_rows(comparison: Comparison) -> list[Row]:
    """`(aspect, base, head)`; unknown values are shown as not known, never as zero."""
    rows = []
    if comparison.warnings is not None:
        warned = comparison.warnings
        rows.append(_counts("Warnings", warned.base, warned.head, len(warned.new), warned.unknown))
    rows += [
        _counts(f"Findings of {gate.gate}", gate.base, gate.head, len(gate.new), gate.unknown)
        for gate in comparison.diagnostics
    ]
    if comparison.coverage is not None:
        rows += _coverage_rows(comparison.coverage)
    return rows


def _counts(aspect: str, base: int | None, head: int | None, new: int, unknown: str) -> Row:
    said = [f"{new} new"] if new else []
    said += [one_line(unknown, _LONGEST)] if unknown else []
    words = "not known" if head is None else str(head)
    return aspect, "not known" if base is None else str(base), f"{words} ({'; '.join(said)})" if said else words


def _coverage_rows(coverage: CoverageComparison) -> list[Row]:
    aspect = "Coverage of changed lines"
    if coverage.unknown:
        return [(aspect, "-", f"not known: {one_line(coverage.unknown, _LONGEST)}")]
    share = _share(coverage.covered, coverage.executable) if coverage.executable else "no changed line can be run"
    unmeasured = sum(each.count for each in coverage.unmeasured)
    more = f"; {plural(unmeasured, 'line')} not measured" if unmeasured else ""
    rows = [(aspect, "-", f"{share}{more}")]
    if coverage.head_total is not None:
        base = _share(*coverage.base_total) if coverage.base_total is not None else "not known"
        rows.append(("Coverage", base, _share(*coverage.head_total)))
    return rows


def _share(covered: int, lines: int) -> str:
    # Cut, not rounded: 100% means all of them.
    return f"{covered}/{lines} ({100 * covered // lines if lines else 100}%)"


def artifact_lists(comparison: Comparison) -> list[Named]:
    """`(words, lines)` of what is new."""
    found: list[Named] = [
        (f"new findings of {gate.gate}", tuple(map(finding_line, gate.new)))
        for gate in comparison.diagnostics
        if gate.new
    ]
    coverage = comparison.coverage
    if coverage is not None and coverage.uncovered:
        found.append(("changed lines that no test ran", tuple(map(_lines, coverage.uncovered))))
    if coverage is not None and coverage.unmeasured:
        found.append(
            ("changed lines of files that the coverage does not include", tuple(map(_lines, coverage.unmeasured)))
        )
    if coverage is not None and coverage.notes:
        found.append(("notes on the coverage", coverage.notes))
    if comparison.warnings is not None and comparison.warnings.new:
        found.append(("new warnings", tuple(map(_warning, comparison.warnings.new))))
    return found


def artifact_words(comparison: Comparison) -> tuple[str, ...]:
    """The counts of new items that were asked for, for the conclusion, including what is not known."""
    coverage, warned = comparison.coverage, comparison.warnings
    findings = sum(len(gate.new) for gate in comparison.diagnostics)
    uncovered = sum(each.count for each in coverage.uncovered) if coverage is not None else 0
    new = {
        "findings": plural(findings, "new finding") if findings else "",
        "warnings": plural(len(warned.new), "new warning") if warned is not None and warned.new else "",
        "uncovered": f"{plural(uncovered, 'changed line')} that no test ran" if uncovered else "",
    }
    said = [words for finding, words in new.items() if words and finding in comparison.fail_on]
    return (*said, *(f"{finding}: not known" for finding in comparison.unjudged))


def nothing_new(comparison: Comparison) -> tuple[bool, str] | None:
    """Whether linters and type checkers find nothing new, and why not; None if no gate has diagnostics."""
    if not comparison.diagnostics:
        return None
    said = [
        f"{plural(len(gate.new), 'new finding')} of {gate.gate}"
        if gate.new
        else f"not shown: {gate.gate}: {gate.unknown}"
        for gate in comparison.diagnostics
        if gate.new or gate.unknown
    ]
    return not said, one_line("; ".join(said), _LONGEST)


def finding_line(each: Diagnostic) -> str:
    """A finding in one line: place, rule, message."""
    place = ":".join(str(part) for part in (each.path, each.line or "", each.column or "") if part)
    what = f"{each.rule} {each.message}" if each.rule else each.message
    return one_line(f"{place}: {what}" if place else what, _LONGEST)


def _warning(group: TestWarning) -> str:
    place = f"{group.file}:{group.line}" if group.file else ""
    often = f", {plural(group.count, 'time')}" if group.count > 1 else ""
    where = f" ({group.test}{often})" if group.test else f" ({group.when}{often})"
    return one_line(f"{place}: {group.category}: {group.message}", _LONGEST).removeprefix(": ") + where


def _lines(each: FileLines) -> str:
    return f"{each.path}: {each.lines.replace(',', ', ')}"
