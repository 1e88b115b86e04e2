"""Render a run into its reports, and publish them together. One broken renderer does not affect the others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gates.compare.values import Comparison
from gates.files.digest import FileDigest
from gates.results import Run, TestResult
from gates.results.files import COMPARISON_FILE, JUNIT_FILE, PAGE_FILE, RUN_FILE, SUMMARY_FILE, as_bytes, to_json

if TYPE_CHECKING:
    from gates.storage.reports import Reports


def emit(
    run: Run,
    tests: Sequence[TestResult],
    reports: Reports,
    comparison: Comparison | None = None,
    store: Path | None = None,
) -> Run:
    """Publish `run.json`, `summary.md`, `summary.html`, `junit.xml` and, if there is one, `comparison.json`: all of them, or none.

    Args:
        run: the run.
        tests: its tests.
        reports: where they go.
        comparison: with its base.
        store: folder of the project's store, for what happened to each test before; None for no history.

    Returns:
        The run with the digests of all of its files.

    Raises:
        EnvironmentProblem: they cannot be written.
    """
    from gates.readers.junit.write import junit_document
    from gates.render.markdown import render_markdown

    files: dict[str, bytes] = {}
    _try(files, SUMMARY_FILE, lambda: render_markdown(run, tests, comparison))
    _try(files, PAGE_FILE, lambda: page_of(run, tests, comparison, store))
    _try(files, JUNIT_FILE, lambda: junit_document(run, tests))
    if comparison is not None:
        files[COMPARISON_FILE] = to_json(comparison)
    digests = reports.digests | {name: FileDigest.of(data) for name, data in files.items()}
    run = msgspec.structs.replace(run, files=digests)
    reports.publish({RUN_FILE: to_json(run), **files})
    return run


def _try(files: dict[str, bytes], name: str, render: Callable[[], str]) -> None:
    try:
        files[name] = as_bytes(render())
    except (ValueError, TypeError, LookupError, AttributeError) as error:  # a bug in gates, not the user's fault
        sys.stderr.write(f"gates: the report {name!r} could not be rendered: {type(error).__name__}: {error}\n")


def page_of(
    run: Run, tests: Sequence[TestResult], comparison: Comparison | None, store: Path | None, home: str = ""
) -> str:
    """The HTML page of a run, with what the history knows; arguments as of `emit` and `render_html`."""
    from gates.pipeline.pictures import past_of
    from gates.render.html import render_html

    past = past_of(store, run, tests, comparison)
    return render_html(run, tests, comparison, past.recent, past.pictures, home)
