"""Render a run into its reports. One broken renderer loses nothing that others write."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gates.results.files import JUNIT_FILE, SUMMARY_FILE, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gates.compare import Comparison
    from gates.results import Run, TestResult


def emit(run: Run, tests: Sequence[TestResult], folder: Path, comparison: Comparison | None = None) -> None:
    """Write `summary.md` and `junit.xml` into `folder`."""
    from gates.junit.write import write_junit
    from gates.render.markdown import render_markdown

    _try("summary", lambda: write_whole(folder / SUMMARY_FILE, render_markdown(run, tests, comparison)))
    _try("junit", lambda: write_junit(folder / JUNIT_FILE, run, tests))


def _try(name: str, write: Callable[[], object]) -> None:
    try:
        write()
    except (ValueError, TypeError, LookupError, AttributeError) as error:  # a bug of ours, not the user's
        sys.stderr.write(f"gates: the report {name!r} could not be rendered: {type(error).__name__}: {error}\n")
