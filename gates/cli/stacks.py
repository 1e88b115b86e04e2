"""`gates stack`: the command that gives a verdict on every layer of a stack."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from gates.cli.options import (
    absolute,
    command_line,
    project_root,
    reports_option,
    request,
    root_option,
    setting_options,
)
from gates.cli.shown import say

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("branches", nargs=-1, metavar="[BRANCH[:PARENT]]...")
@root_option
@reports_option
@setting_options(
    "profile", "gates", "filter", "jobs", "test_timeout", "include_excluded", "ignore_default_filter", "no_install"
)
@click.option("--trunk", default="", metavar="BRANCH", help="Branch the stack is merged into. [default: the base]")
@click.option("--no-run", is_flag=True, help="Run nothing: show the stack with the results of stored runs.")
@click.option("--fresh", is_flag=True, help="Never reuse a stored run.")
@setting_options("merge_command")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "json"]),
    default="terminal",
    show_default=True,
    help="What to print.",
)
def stack(
    branches: tuple[str, ...],
    root: Path | None,
    reports: Path | None,
    trunk: str,
    no_run: bool,
    fresh: bool,
    merge_command: str | None,
    form: str,
    **options: Any,
) -> None:
    """Run every layer of a stack of branches, alone and merged into the trunk; name the layer that introduced each failure.

    BRANCH... are the layers, from the trunk upward. With one BRANCH or none, the stack is found from the parents that
    git's config records (default: the current branch).
    """
    from gates.commands.stack import validate_stack
    from gates.render.stack import render_stack
    from gates.results.files import to_json

    found = validate_stack(
        project_root(root),
        branches,
        request(**options),
        command_line(),
        trunk=trunk,
        run=not no_run,
        fresh=fresh,
        merge_command=merge_command or "",
        reports=absolute(reports),
    )
    text = to_json(found).decode() if form == "json" else render_stack(found, markdown=form == "markdown")
    with suppress(KeyboardInterrupt):  # the verdict stands, even if the output is interrupted
        say(text, as_json=form == "json")
    raise SystemExit(found.exit_code)
