"""Commands without a verdict: list, explain, exclusions, report, plot, history, serve, schema, init, facts and clean."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from gates.cli.options import (
    AsPath,
    command_line,
    project_root,
    reports_folder,
    request,
    root_option,
    setting_options,
    union_of,
)
from gates.cli.shown import allow_commands, say
from gates.portable.settings.declare import replace
from gates.portable.settings.run import Settings
from gates.portable.values import FORMATS, PLOTS

if TYPE_CHECKING:
    from pathlib import Path

results_option = click.option(
    "--results",
    type=AsPath(),
    multiple=True,
    metavar="FILE",
    help="Use the tests in this results file (JUnit from any runner, or tests.jsonl), not the project's; repeatable.",
)


@click.command("list")
@root_option
@setting_options("profile", "gates", "filter", "ignore_default_filter")
@results_option
@setting_options("no_install")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_things(root: Path | None, results: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """List the project's gates in checklist order; with -E, list the tests that match.

    Gates that run pytest list their tests; no test is run.
    """
    folder, asked = project_root(root), request(**options)
    if asked.filter or results:
        from gates.commands.list import matching_tests

        text, said, code = matching_tests(folder, asked, results, as_json=as_json)
        say(text, as_json=as_json)
        for line in said:
            say(f"{line}\n", err=True)
        raise SystemExit(code)
    from gates.commands.list import gate_listing

    say(gate_listing(folder, asked, as_json=as_json), as_json=as_json)


@click.command()
@click.argument("test")
@root_option
@setting_options("profile", "gates", "filter", "ignore_default_filter")
@results_option
@setting_options("no_install")
def explain(root: Path | None, test: str, results: tuple[Path, ...], **options: Any) -> None:
    """Explain why TEST (an id or part of one) runs or not: each expression, with true, false or unknown at each node."""
    from gates.commands.explain import explain as explained

    say(explained(project_root(root), request(**options), test, results))


@click.command("show-config")
@click.argument("test", required=False)
@root_option
@setting_options("gates", *Settings.SETTINGS)
def show_config(root: Path | None, test: str | None, **options: Any) -> None:
    """Show the settings of a run or, with TEST (an id or part of one), of a test; and where each is set."""
    folder, asked = project_root(root), request(**options)
    from gates.commands.show_config import run_settings, settings_of_test

    if test is None:
        say(run_settings(folder, replace(asked, seed=options["seed"])))
    else:
        say(settings_of_test(folder, asked, test))


@click.command()
@root_option
@setting_options("gates")
@click.option("--verify", is_flag=True, help="Run excluded tests and report those that now pass or fail differently.")
@setting_options("test_timeout", "no_install")
def exclusions(root: Path | None, verify: bool, **options: Any) -> None:
    """Show the exclusions and the quarantine; with --verify, check that the exclusions still hold.

    Exit code 1 if one does not: its test now passes, fails for a different reason, or no longer exists.
    """
    from gates.commands import exclusions as command

    folder, asked = project_root(root), request(**options)
    if not verify:
        say(command.exclusions_listing(folder))
        return
    text, code = command.verify(folder, asked, command_line())
    say(text)
    raise SystemExit(code)


@click.command(hidden=True)
@root_option
@setting_options("filter")
def facts(root: Path | None, filter: tuple[str, ...]) -> None:  # noqa: A002
    """Print, as JSON, facts that a test process does not know; the plugin calls this."""
    from gates.planning.filter_facts import facts_json

    union_of(filter)
    sys.stdout.write(facts_json(project_root(root), filter))


@click.command()
@click.argument("run_path", metavar="[RUN]", required=False, type=AsPath())
@root_option
@click.option(
    "--format",
    "form",
    type=click.Choice(("terminal", *FORMATS)),
    default="terminal",
    show_default=True,
    help="What to print.",
)
@click.option("--trend", is_flag=True, help="Show the run against the runs before it.")
def report(run_path: Path | None, root: Path | None, form: str, trend: bool) -> None:
    """Print the summary of a run. RUN is a run.json or its folder (default: the last run)."""
    from gates.commands.report import render_run, render_trend
    from gates.planning.prepare import folder_in_repository, records_of

    project = project_root(root)
    path = run_path or reports_folder(root)
    if trend:
        say(render_trend(project, path, form))
        return
    text = render_run(path, form, records_of(project), folder_in_repository(project))
    if form == "github":
        allow_commands()
    if text is not None:
        click.echo(text, nl=False)


@click.command()
@click.argument("name", type=click.Choice(PLOTS))
@click.argument("run_path", metavar="[RUN]", required=False, type=AsPath())
@root_option
@click.option(
    "--runs", type=click.IntRange(min=1), metavar="N", help="trend, flakes: show the last N runs (default: 40)."
)
@click.option("--branch", metavar="NAME", help="trend, flakes: show the runs on this branch.")
@click.option(
    "--test", default="", metavar="TEST", help="trend: show this test (an id or a part of one), not the gates."
)
def plot(name: str, run_path: Path | None, root: Path | None, runs: int | None, branch: str | None, test: str) -> None:
    """Print a picture of a run, or of the history, as SVG. RUN is a run.json or its folder (default: the last run)."""
    from gates.commands.plot import Choice
    from gates.commands.plot import plot as drawn

    choice = Choice(runs=runs or 0, branch=branch, test=test)
    click.echo(drawn(project_root(root), name, run_path, reports_folder(root), choice), nl=False)


@click.command()
@click.argument("test", required=False, default="")
@root_option
@click.option("--runs", type=click.IntRange(min=1), metavar="N", help="Look at the last N runs.")
@click.option("--branch", metavar="NAME", help="Look at the runs on this branch.")
@click.option("--json", "as_json", is_flag=True, help="Print the values as JSON.")
def history(test: str, root: Path | None, runs: int | None, branch: str | None, as_json: bool) -> None:
    """Show how gates and tests ended in the runs of this project: TEST, or what needs a look."""
    from gates.commands.history import history as told

    say(told(project_root(root), test, runs or 0, branch, as_json=as_json), as_json=as_json)


@click.command()
@root_option
@click.option("--port", type=click.IntRange(1, 65535), help="Listen on this port. [default: a free one]")
def serve(root: Path | None, port: int | None) -> None:
    """Show the last runs in a browser, also one that is running; read-only, and on this machine only.

    It prints the address to open. Ctrl-C ends it.
    """
    from gates.commands.serve import serve as answer

    answer(project_root(root), port or 0, _at_once)


def _at_once(text: str) -> None:
    say(text)
    sys.stdout.flush()


@click.command()
@root_option
@click.option("--all", "everything", is_flag=True, help="Clean up after all projects, not only this one.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed; remove nothing.")
def clean(root: Path | None, everything: bool, dry_run: bool) -> None:
    """Remove worktrees and kept runs from your cache, except those in use."""
    from gates.commands.clean import clean as remove
    from gates.commands.clean import told

    items = remove(project_root(root), everything=everything, dry_run=dry_run)
    say(told(items, dry_run=dry_run))


@click.command()
@root_option
@click.option("--force", is_flag=True, help="Replace an existing gates.toml.")
@click.option("--print", "only_print", is_flag=True, help="Print the starter config; write nothing.")
def init(root: Path | None, force: bool, only_print: bool) -> None:
    """Look at the project and write a starter config."""
    from pathlib import Path

    from gates.commands.init import write_starter

    say(write_starter(root or Path.cwd(), force=force, only_print=only_print))


@click.command()
@click.argument(
    "name",
    type=click.Choice(["run", "test", "comparison", "stack", "mutants", "events", "config", "pyproject"]),
    default="run",
)
def schema(name: str) -> None:
    """Print the JSON Schema of a file: run.json, comparison.json, stack.json, mutants.json, a line of tests.jsonl or of --events.

    For editors: `config` is gates.toml, `pyproject` is [tool.gates] in pyproject.toml.
    """
    from gates.commands.schema import schema_text

    click.echo(schema_text(name), nl=False)
