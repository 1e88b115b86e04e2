"""Show results again: a verdict on the terminal, and the comparison that belongs to a run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from gates.compare.values import Comparison
from gates.pipeline.execute import Finished
from gates.portable.settings.run import Settings
from gates.results import Run, TestResult
from gates.storage.evidence import Evidence


def show_verdict(finished: Finished, comparison: Comparison | None = None) -> None:
    """Print the summary of a run that has just ended. The verdict stands, even if the output is interrupted."""
    with suppress(KeyboardInterrupt):
        show_run(finished.run, finished.tests, comparison, finished.output)


def show_run(
    run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None, output: Settings | None = None
) -> None:
    """Print the summary of a run to standard output."""
    from gates.render.terminal import render_terminal, terminal_console

    color = output.color if output is not None else "auto"
    render_terminal(run, tests, terminal_console(sys.stdout, color), comparison, output)
    sys.stdout.flush()  # an interruption of a slow reader arrives here


def show_comparison(comparison: Comparison) -> None:
    """Print a comparison without a run. The verdict stands, even if the output is interrupted."""
    from gates.render.terminal import render_comparison, terminal_console

    with suppress(KeyboardInterrupt):
        render_comparison(comparison, terminal_console(sys.stdout))
        sys.stdout.flush()


def comparison_of(evidence: Evidence) -> Comparison | None:
    """The comparison of a run with its base; None if there is none, or if it is of another run."""
    if evidence.comparison is None:
        return None
    try:
        found = msgspec.json.decode(evidence.comparison, type=Comparison)
    except msgspec.MsgspecError:
        return None
    return found if found.head_run == evidence.run.id else None
