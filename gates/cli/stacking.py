"""`gates stack`: the command that gives a verdict on every layer of a stack."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from gates.cli.options import (
    absolute,
    command_line,
    default_option,
    excluded_option,
    filter_option,
    gate_option,
    jobs_option,
    no_install_option,
    profile_option,
    project_root,
    reports_option,
    request,
    root_option,
    timeout_option,
)
from gates.cli.shown import say

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("branches", nargs=-1, metavar="[BRANCH[:PARENT]]...")
@root_option
@reports_option
@profile_option
@gate_option
@filter_option
@jobs_option
@timeout_option
@excluded_option
@default_option
@no_install_option
@click.option("--trunk", default="", metavar="BRANCH", help="What the stack is merged into. [default: the base]")
@click.option("--no-run", is_flag=True, help="Make no run: show the stack, and what stored runs say.")
@click.option("--fresh", is_flag=True, help="Use no stored run.")
@click.option(
    "--merge-command",
    default="",
    metavar="TEMPLATE",
    help="With {branch}, {parent}, {trunk}, {number}, {total}, {title}, {subject}. [default: gh pr merge …]",
)
@click.option(
    "--format", "form", type=click.Choice(["terminal", "markdown", "json"]), default="terminal", show_default=True
)
def stack(
    branches: tuple[str, ...],
    root: Path | None,
    reports: Path | None,
    trunk: str,
    no_run: bool,
    fresh: bool,
    merge_command: str,
    form: str,
    **options: Any,
) -> None:
    """Run every layer of a stack of branches, alone and merged into the trunk, and say who introduced what fails.

    BRANCH... are its layers from the trunk upward. Without any, or with one, it is the stack of that branch, by what
    git's config says of parents.
    """
    from gates.render.stack import render_stack
    from gates.results.files import to_json
    from gates.workflows.stack import validate_stack

    found = validate_stack(
        project_root(root),
        branches,
        request(**options),
        command_line(),
        trunk=trunk,
        run=not no_run,
        fresh=fresh,
        merge_command=merge_command,
        reports=absolute(reports),
    )
    text = to_json(found).decode() if form == "json" else render_stack(found, markdown=form == "markdown")
    with suppress(KeyboardInterrupt):  # the verdict stands, whoever listens
        say(text, as_json=form == "json")
    raise SystemExit(found.exit_code)
