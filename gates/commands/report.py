"""`gates report`: an earlier run, rendered again."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

from gates.compare.values import Comparison
from gates.pipeline.show import comparison_of, show_run
from gates.portable.errors import UsageError
from gates.results import Run, TestResult
from gates.results.files import RUN_FILE
from gates.storage.evidence import load_evidence

Renderer: TypeAlias = Callable[[Run, Sequence[TestResult], Comparison | None], str]

PLACED = ("github", "gitlab", "sarif")
"""Formats whose services know places only from the top of the repository."""


def render_trend(root: Path, path: Path, form: str) -> str:
    """The text of a run against the runs before it; arguments and errors as in `render_run`.

    Raises:
        UsageError: there is no run at `path`, or no such form of a trend.
        EnvironmentProblem: the history cannot be read.
    """
    from gates.analysis.run_trends import run_trend
    from gates.commands.history import history_of, readable
    from gates.pipeline.pictures import RUNS
    from gates.planning.prepare import records_of
    from gates.render.run_trends import trend_markdown, trend_terminal

    layout = {"terminal": trend_terminal, "markdown": trend_markdown}.get(form)
    if layout is None:
        raise UsageError(
            "a trend has no such form",
            place=f"--trend --format {form}",
            expected="terminal or markdown",
            remedy="for a picture: gates plot trend",
        )
    found = load_evidence(_file(path), records_of(root))
    kept = history_of(root)
    with readable(kept):
        before = kept.of(runs=RUNS, before=found.run.started)
        return layout(found.run, run_trend(found.run, found.tests, before))


def _file(path: Path) -> Path:
    return path / RUN_FILE if path.is_dir() or not path.suffix else path


def render_run(path: Path, form: str, records: Path | None = None, folder: str = "") -> str | None:
    """The text of a run in `form`; None if it was printed already.

    Args:
        path: its `run.json`, or the folder of that file.
        form: as in `--format`.
        records: where runs of the project are recorded.
        folder: of the project in its repository.

    Raises:
        UsageError: there is no run at `path`, or a file of it changed since gates wrote it.
    """
    found = load_evidence(_file(path), records)
    run, tests, comparison = found.run, found.tests, comparison_of(found)
    if form == "terminal":
        show_run(run, tests, comparison)
        return None
    if form == "html":
        from gates.pipeline.publish import page_of

        return page_of(run, tests, comparison, records.parent if records is not None else None)
    text = renderer(form, folder)(run, tests, comparison)
    if form == "github":
        from gates.pipeline.github_step import write_step
        from gates.render.github import warning

        text = "".join(map(warning, write_step(run, tests, comparison, os.environ))) + text
    return text


def renderer(form: str, folder: str = "") -> Renderer:
    """What lays a run out in one of `gates.portable.values.FORMATS`; only that one is loaded.

    Args:
        form: the format.
        folder: of the project in its repository.
    """
    found = _renderer(form)
    return partial(found, folder=folder) if form in PLACED else found


def _renderer(form: str) -> Callable[..., str]:
    found: Callable[..., str]
    match form:
        case "junit":
            from gates.readers.junit.write import junit_document

            found = lambda run, tests, _: junit_document(run, tests)  # noqa: E731
        case "html":
            from gates.render.html import render_html as found
        case "github":
            from gates.render.github import render_github as found
        case "gitlab":
            from gates.render.formats.gitlab import render_gitlab as found
        case "sarif":
            from gates.render.formats.sarif import render_sarif as found
        case "ctrf":
            from gates.render.formats.ctrf import render_ctrf as found
        case "trace":
            from gates.render.formats.trace import render_trace as found
        case "metrics":
            from gates.render.formats.metrics import render_metrics as found
        case _:
            from gates.render.markdown import render_markdown as found
    return found
