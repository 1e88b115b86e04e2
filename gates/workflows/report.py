"""`gates report`: a run that was made before, rendered again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from gates.compare import Comparison
from gates.regular import read_bytes
from gates.results.files import COMPARISON_FILE, RUN_FILE, TESTS_FILE, load_run, load_tests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gates.config.values import Output
    from gates.results import Run, TestResult


def show_terminal(
    run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None, output: Output | None = None
) -> None:
    """Print the summary to standard output."""
    from gates.render.terminal import render_terminal, terminal_console

    render_terminal(run, tests, terminal_console(sys.stdout), comparison, output)
    sys.stdout.flush()  # an interruption of a slow reader is noticed here, where the verdict stands


def show_comparison(comparison: Comparison) -> None:
    """Print a comparison that has no run of its own to standard output."""
    from gates.render.terminal import render_comparison, terminal_console

    render_comparison(comparison, terminal_console(sys.stdout))
    sys.stdout.flush()


def render_run(path: Path, form: str) -> str | None:
    """The text of a run in `form`; None when it was printed already.

    Raises:
        UsageError: there is no run at `path`.
    """
    file = path / RUN_FILE if path.is_dir() or not path.suffix else path
    run = load_run(file)
    tests = load_tests(file.parent / TESTS_FILE)
    comparison = _comparison(file.parent / COMPARISON_FILE, run)
    if form == "terminal":
        show_terminal(run, tests, comparison)
        return None
    if form == "junit":
        from gates.junit.write import junit_document

        return junit_document(run, tests)
    if form == "github":
        from gates.render.github import render_github

        return render_github(run, tests, comparison)
    from gates.render.markdown import render_markdown

    return render_markdown(run, tests, comparison)


def _comparison(path: Path, run: Run) -> Comparison | None:
    try:
        found = msgspec.json.decode(read_bytes(path), type=Comparison)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if found.head_run == run.id else None
