"""Write the summary and the outputs of a step of GitHub Actions into the files that the service names."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gates.compare.values import Comparison
from gates.render.markdown import render_markdown
from gates.render.summary import Summary, summarise
from gates.render.text import one_line
from gates.results import Run, TestResult
from gates.results.files import PAGE_FILE, SUMMARY_FILE, as_bytes

SUMMARY_VARIABLE, OUTPUT_VARIABLE = "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"

MOST = 1 << 20
"""Bytes of the summary of a step: of a longer one, the service shows nothing."""


def write_step(
    run: Run, tests: Sequence[TestResult], comparison: Comparison | None, variables: Mapping[str, str]
) -> Iterator[str]:
    """Add to the files that the variables name; nothing without them. Yield what could not be written, and why."""
    summary = summarise(run, tests, comparison)
    if path := variables.get(SUMMARY_VARIABLE):
        yield from _add_summary(Path(path), render_markdown(run, tests, comparison), summary, run)
    if path := variables.get(OUTPUT_VARIABLE):
        yield from _add(
            Path(path), as_bytes(outputs_text(outputs(run, summary, comparison))), "the outputs of the step"
        )


def outputs(run: Run, summary: Summary, comparison: Comparison | None) -> dict[str, str]:
    """Name → value, for the conditions of later steps."""
    counts = run.tests
    found = {
        "verdict": summary.verdict.word,
        "passed": _flag(summary.verdict.passed),
        "sentence": one_line(summary.verdict.sentence),
        "failed-gates": one_line(" ".join(row.name for row in summary.gates if not row.passed)),
        "tests": str(counts.run if counts is not None else 0),
        "failed-tests": str(counts.bad + counts.lost if counts is not None else 0),
        "summary": f"{run.reports}/{SUMMARY_FILE}",
        "page": f"{run.reports}/{PAGE_FILE}",
    }
    return found if comparison is None else {**found, "regression": _flag(comparison.regression)}


def outputs_text(values: Mapping[str, str]) -> str:
    """Outputs in the service's form. Values may be hostile, so none can guess what ends it."""
    end = f"end-{secrets.token_hex(16)}"
    return "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _add_summary(path: Path, text: str, summary: Summary, run: Run) -> Iterator[str]:
    """If it does not fit behind what the step wrote already, its verdict does."""
    try:
        room = MOST - (path.stat().st_size if path.exists() else 0) - 2
    except OSError:
        room = MOST
    data = as_bytes(text)
    if len(data) > room:
        short = f"**{summary.verdict.word}**: the summary did not fit here, see `{run.reports}/{SUMMARY_FILE}`.\n"
        data = as_bytes(short)
        if len(data) > room:
            yield f"the summary of the step is full: see {run.reports}/{SUMMARY_FILE}"
            return
    yield from _add(path, b"\n" + data, "the summary of the step")


def _add(path: Path, data: bytes, what: str) -> Iterator[str]:
    try:
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        yield f"{what} could not be written: {error.strerror} ({path})"
