"""Lay a summary out as workflow commands of GitHub Actions: annotations at the lines that they are about.

The service shows ten errors per step, so failures come first; the summary file has everything.
"""

from __future__ import annotations

from collections.abc import Sequence

from gates.compare.values import Comparison
from gates.portable.escapes import Commands
from gates.render.artifacts import Annotation
from gates.render.summary import GateRow, summarise
from gates.render.tests import FailureRow
from gates.render.text import clean
from gates.results import Run, TestResult

LISTED_FAILURES = 50
"""Maximum number of annotations for failing tests, for flaky ones, and for findings of a comparison."""


def render_github(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None) -> str:
    """One command per line: what got weaker, failing tests (as warnings if they also fail on the base), flaky tests, findings of a comparison, gates that did not pass, and the verdict."""
    summary = summarise(run, tests, comparison)
    failures = summary.tests.failures if summary.tests else ()
    flaky = summary.tests.flaky if summary.tests else ()
    verdict = summary.verdict
    excerpts = {reason.name: reason.lines for reason in summary.reasons}
    places = summary.comparison.annotations if summary.comparison is not None else ()
    errors, others = ([one for one in places if (one.level == "error") is wanted] for wanted in (True, False))
    lines = [
        *map(_place, errors[:LISTED_FAILURES]),
        *(_test(failure) for failure in failures[:LISTED_FAILURES]),
        *(_command("warning", each.words, title=f"flaky {each.id}") for each in flaky[:LISTED_FAILURES]),
        *map(_place, others[:LISTED_FAILURES]),
        *(_gate(row, excerpts.get(row.name, ())) for row in summary.gates if not row.passed),
        _command("notice" if verdict.passed else "error", verdict.sentence, title=verdict.word),
    ]
    return "\n".join(lines) + "\n"


def _place(one: Annotation) -> str:
    return _command(one.level, one.text, file=one.path, line=str(one.line or ""), title=one.title)


def _test(failure: FailureRow) -> str:
    text = "\n".join(part for part in (failure.message, failure.also, *failure.lines) if part) or failure.outcome.value
    where = "" if failure.many else failure.place
    file, _, line = where.rpartition(":")
    place = {"file": file, "line": line} if file and line.isdigit() else {"file": where}
    return _command(
        "warning" if failure.on_base else "error",
        text,
        **place,
        title=f"{failure.outcome} {failure.many or failure.id}",
    )


def _gate(row: GateRow, excerpt: Sequence[str]) -> str:
    # A gate that did not run is not an error of the code, but never looks passed.
    level = "warning" if row.status.startswith(("SKIPPED", "COULD NOT RUN")) else "error"
    return _command(level, "\n".join((row.notes or row.status, *excerpt)), title=f"Gate {row.name}: {row.status}")


def _command(level: str, text: str, **properties: str) -> str:
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level}{' ' if given else ''}{given}::{_data(text)}"


def _data(text: str) -> str:
    # Its lines are joined, and it may contain commands of other systems anywhere.
    return Commands(begins=False).inert(clean(text).replace("%", "%25").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
