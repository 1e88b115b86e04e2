"""Lay a summary out as workflow commands of GitHub Actions: annotations at the lines that they are about.

A step shows ten annotations of each level, the first ones in its log, and cuts each after 4,096 characters
(`_maxIssueMessageLength` in actions/runner). So at most ten of each are printed, of each kind some, and the rest is counted.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence

from gates.compare.values import Comparison
from gates.portable.escapes import Commands
from gates.render.artifacts import Annotation
from gates.render.reasons import MILD, GateReason
from gates.render.summary import GateRow, Summary, summarise
from gates.render.tests import FailureRow, NotedTest
from gates.render.text import clean, plural
from gates.results import Diagnostic, GateResult, Run, TestResult
from gates.results.files import SUMMARY_FILE

MOST = 10
"""Annotations of a level in a step."""

LONGEST = 4_000
"""Characters of an annotation."""

LONGEST_TITLE = 250
"""Characters of a title or a path."""

LEVELS = ("error", "warning", "notice")


def render_github(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None, folder: str = "") -> str:
    """One command per line: errors, warnings, and last the verdict, which says how many annotations were left out.

    Args:
        run: the run.
        tests: its tests.
        comparison: with its base.
        folder: of the project in its repository, because the service knows places only from there.
    """
    summary = summarise(run, tests, comparison)
    kinds = _kinds(summary, run)
    verdict = summary.verdict
    last = "notice" if verdict.passed else "error"
    lines, left = [], Counter[str]()
    for level in LEVELS:
        of_level = [[one for one in kind if one.level == level] for kind in kinds]
        shown = shared(of_level, MOST - (level == last))
        left[level] = sum(map(len, of_level)) - len(shown)
        lines += [_command(one, folder) for one in shown]
    more = " and ".join(plural(left[level], f"more {level}") for level in LEVELS if left[level])
    text = f"{verdict.sentence} {more} not shown here: see {run.reports}/{SUMMARY_FILE}" if more else verdict.sentence
    return "\n".join([*lines, _command(Annotation("", 0, verdict.word, text, last), folder)]) + "\n"


def warning(text: str) -> str:
    """A warning that belongs to no place, as a line."""
    return _command(Annotation("", 0, "gates", text), "") + "\n"


def shared(kinds: Sequence[Sequence[Annotation]], most: int) -> list[Annotation]:
    """At most so many: in turns one of each kind, so that many of one kind do not hide another; in the order of the kinds."""
    counts = [0] * len(kinds)
    while sum(counts) < most and any(count < len(kind) for count, kind in zip(counts, kinds, strict=True)):
        for number, kind in enumerate(kinds):
            if counts[number] < len(kind) and sum(counts) < most:
                counts[number] += 1
    return [one for count, kind in zip(counts, kinds, strict=True) for one in kind[:count]]


def _kinds(summary: Summary, run: Run) -> list[list[Annotation]]:
    """What got weaker, gates whose tests do not show why, failing tests, findings, and the rest; the most important first."""
    failures = summary.tests.failures if summary.tests else ()
    flaky = summary.tests.flaky if summary.tests else ()
    places = summary.comparison.annotations if summary.comparison is not None else ()
    reasons = {reason.name: reason for reason in summary.reasons}
    rows = [row for row in summary.gates if not row.passed]
    findings = [_finding(gate, each) for gate in run.gates if gate.name in reasons for each in _found(gate)]
    told = {failure.gate for failure in failures}  # failing tests say what their gate would
    shown = {(one.path, one.line, one.text) for one in findings}
    return [
        [one for one in places if one.level == "error"],
        [_gate(row, reasons[row.name]) for row in rows if row.name in reasons],
        [_test(failure) for failure in failures],
        findings,
        [_flaky(each) for each in flaky],
        [one for one in places if one.level != "error" and (one.path, one.line, one.text) not in shown],
        [_gate(row, None) for row in rows if row.name not in reasons and row.name not in told],
    ]


def _test(failure: FailureRow) -> Annotation:
    text = "\n".join(part for part in (failure.message, failure.also, *failure.lines) if part) or failure.outcome.value
    place = "" if failure.many else failure.place
    file, _, line = place.rpartition(":")
    path, number = (file, int(line)) if file and line.isdecimal() else (place, 0)
    level = "warning" if failure.on_base else "error"
    return Annotation(path, number, f"{failure.outcome} {failure.many or failure.id}", text, level)


def _flaky(each: NotedTest) -> Annotation:
    return Annotation("", 0, f"flaky {each.id}", each.words)


def _gate(row: GateRow, reason: GateReason | None) -> Annotation:
    # A gate that did not run is not an error of the code, but never looks passed.
    level = "warning" if row.status.startswith(("SKIPPED", "COULD NOT RUN")) else "error"
    more = (*reason.lines, *([f"whole log: {reason.log}"] if reason.log else [])) if reason is not None else ()
    words = reason.words if reason is not None else row.notes or row.status
    return Annotation("", 0, f"Gate {row.name}: {row.status}", "\n".join((words, *more)), level)


def _found(gate: GateResult) -> Iterator[Diagnostic]:
    """The findings that have a place, errors first."""
    kept = gate.diagnostics.kept if gate.diagnostics is not None else ()
    return iter(sorted((each for each in kept if each.path and each.line), key=lambda each: each.severity in MILD))


def _finding(gate: GateResult, each: Diagnostic) -> Annotation:
    title = " ".join(part for part in (f"{gate.name}:", each.tool if each.tool != gate.name else "", each.rule) if part)
    return Annotation(
        each.path, each.line, title.removesuffix(":"), each.message, "warning" if each.severity in MILD else "error"
    )


def _command(one: Annotation, folder: str) -> str:
    path = posixpath.join(folder, one.path) if one.path else ""
    properties = {"file": path, "line": str(one.line or ""), "title": one.title}
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{one.level}{' ' if given else ''}{given}::{_data(one.text)}"


def _data(text: str, most: int = LONGEST) -> str:
    # Its lines are joined, and it may contain commands of other systems anywhere.
    text = clean(text)
    text = text if len(text) <= most else f"{text[: most - 1]}…"
    return Commands(begins=False).inert(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text, LONGEST_TITLE).replace(":", "%3A").replace(",", "%2C")
