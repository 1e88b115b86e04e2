"""`gates run`: validate a subject."""

from __future__ import annotations

from pathlib import Path

from gates.planning.plan import Request
from gates.planning.prepare import discover_subject, plan_run
from gates.planning.subjects import check_out


def run(root: Path, request: Request, subject: str, command_line: str, reports: Path | None, events: str | None) -> int:
    """The stages of a run, in order; returns its exit code.

    Raises:
        GatesError: config, noxfile, subject or request is invalid, or the reports cannot be written.
    """
    with check_out(root, subject) as place:  # a folder, and its config
        found = discover_subject(place)  # its gates, and what changed in it
        prepared = plan_run(found, request, reports=reports)  # which gates run, in which order
        # Already loaded while nox was working.
        from gates.pipeline.execute import record, remember
        from gates.pipeline.open_run import open_run
        from gates.pipeline.show import show_verdict

        with open_run(prepared, command_line, events=events) as opened:  # reports, live events, processes
            finished = record(opened)  # run the gates, record what happens, render and publish the reports
        remember(opened, finished)  # durations and outcomes, for the next run
    show_verdict(finished)  # the summary, on the terminal
    return finished.run.exit_code
