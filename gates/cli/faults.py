"""`gates mutants`: the command that plants faults in changed lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gates.cli.options import (
    absolute,
    command_line,
    duration,
    project_root,
    reports_option,
    request,
    root_option,
    setting_options,
)

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("base", default="")
@root_option
@reports_option
@setting_options("profile", "gates", "filter")
@click.option(
    "--budget",
    default="2m",
    show_default=True,
    metavar="DURATION",
    callback=duration,
    help="Time for running the tests once and then against mutants, after they were collected.",
)
@setting_options("include_excluded", "ignore_default_filter", "no_install")
def mutants(base: str, root: Path | None, reports: Path | None, budget: float, **options: Any) -> None:
    """Plant small faults in the lines that changed since BASE (default: the base of the config); report those that no test notices.

    The faults exist only in the memory of forked test processes: no file is changed. Exit code 5 if a mutant survives.
    """
    from gates.commands.mutants import try_mutants

    raise SystemExit(
        try_mutants(project_root(root), base, request(**options), budget, command_line(), absolute(reports))
    )
