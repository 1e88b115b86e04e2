"""Lay a summary out as workflow commands of GitHub Actions: annotations beside the lines that they are about.

The service shows ten errors a step, so what failed comes first; the summary file has everything.
"""

from __future__ import annotations

from collections.abc import Sequence

from gates.compare.values import Comparison
from gates.portable.escapes import Commands
from gates.render.summary import GateRow, summarise
from gates.render.tests import FailureRow
from gates.render.text import clean
from gates.results import Run, TestResult

LISTED_FAILURES = 50
"""So many failing tests are annotated, so many flaky ones, and so many places of what a comparison found."""


def render_github(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None) -> str:
    """A command per line: failing tests (those that fail on the base, too, as warnings), flaky tests, what a comparison found at a place, gates that did not pass, and the verdict."""
    summary = summarise(run, tests, comparison)
    failures = summary.tests.failures if summary.tests else ()
    flaky = summary.tests.flaky if summary.tests else ()
    verdict = summary.verdict
    excerpts = {reason.name: reason.lines for reason in summary.reasons}
    places = summary.comparison.annotations if summary.comparison is not None else ()
    lines = [
        *(_test(failure) for failure in failures[:LISTED_FAILURES]),
        *(_command("warning", each.words, title=f"flaky {each.id}") for each in flaky[:LISTED_FAILURES]),
        *(
            _command("warning", one.text, file=one.path, line=str(one.line or ""), title=one.title)
            for one in places[:LISTED_FAILURES]
        ),
        *(_gate(row, excerpts.get(row.name, ())) for row in summary.gates if not row.passed),
        _command("notice" if verdict.passed else "error", verdict.sentence, title=verdict.word),
    ]
    return "\n".join(lines) + "\n"


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
    # What did not run at all is no error of the code, and never looks passed.
    level = "warning" if row.status.startswith(("SKIPPED", "COULD NOT RUN")) else "error"
    return _command(level, "\n".join((row.notes or row.status, *excerpt)), title=f"Gate {row.name}: {row.status}")


def _command(level: str, text: str, **properties: str) -> str:
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{level}{' ' if given else ''}{given}::{_data(text)}"


def _data(text: str) -> str:
    # Its lines become one, and commands of other systems may stand anywhere in it.
    return Commands(begins=False).inert(clean(text).replace("%", "%25").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
