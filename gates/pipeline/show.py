"""Print a verdict to the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

from gates.compare.values import Comparison
from gates.pipeline.execute import Finished
from gates.portable.settings.run import Settings
from gates.results import Run, TestResult


def show_verdict(finished: Finished, comparison: Comparison | None = None) -> None:
    """Print the summary of a run that has just ended. The verdict stands, even if the output is interrupted."""
    with suppress(KeyboardInterrupt):
        show_run(finished.run, finished.tests, comparison, finished.output)


def show_run(
    run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None, output: Settings | None = None
) -> None:
    """Print the summary of a run to standard output."""
    from gates.render.terminal import render_terminal, terminal_console

    render_terminal(run, tests, terminal_console(sys.stdout), comparison, output)
    sys.stdout.flush()  # an interruption of a slow reader arrives here


def show_comparison(comparison: Comparison) -> None:
    """Print a comparison without a run. The verdict stands, even if the output is interrupted."""
    from gates.render.terminal import render_comparison, terminal_console

    with suppress(KeyboardInterrupt):
        render_comparison(comparison, terminal_console(sys.stdout))
        sys.stdout.flush()
