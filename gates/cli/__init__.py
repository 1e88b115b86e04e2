"""Arguments → a workflow → an exit code. What a command needs is imported when it runs: `--help` stays quick."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gates import __version__
from gates.errors import EnvironmentProblem, GatesError
from gates.values import ExitCode, parse_duration

if TYPE_CHECKING:
    from gates.plan import Request

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


def _duration(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """Seconds of `90s`, `10m`, or plain seconds."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            return parse_duration(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    if not 0 < seconds < float("inf"):
        raise click.BadParameter(f"not a duration above zero: {text!r}")
    return seconds


class ReaderGone(Exception):
    """The reader of our output went away (`| head`). Click would end the program with 1: "a gate failed"."""


class Commands(click.Group):
    """The commands. Those that only tell something end well when nobody listens; a verdict is never made up."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            if ctx.invoked_subcommand in ("run", "compare"):
                raise EnvironmentProblem("the reader of the output went away") from error
            raise ReaderGone from error


@click.group(cls=Commands, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="gates")
def cli() -> None:
    r"""Is this branch safe to merge? Runs a checklist, and leaves evidence that others can check.

    \b
    Exit codes (the first that applies): 130 interrupted, 2 wrong usage, config or expression, 1 a gate failed,
    5 regression against the base, 6 verification failed, 3 could not run, 4 nothing selected, 0 passed.
    """


root_option = click.option(
    "-C",
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project's folder. [default: the nearest one upward with a config, a noxfile or a git repository]",
)
reports_option = click.option(
    "--reports", type=click.Path(file_okay=False, path_type=Path), help="Folder for the reports. [default: reports]"
)
gate_option = click.option("-g", "--gate", "gates", multiple=True, metavar="GATE", help="Only this gate; repeatable.")
filter_option = click.option(
    "-E",
    "--filter-expr",
    "expressions",
    multiple=True,
    metavar="EXPR",
    help="Only tests that match; several are a union.",
)
jobs_option = click.option("-j", "--jobs", type=click.IntRange(min=1), help="Gates at a time. [default: cores]")
timeout_option = click.option(
    "--test-timeout", metavar="DURATION", callback=_duration, help="What one test may take: 2, 90s, 10m."
)
excluded_option = click.option("--include-excluded", is_flag=True, help="Run what the exclusions leave out.")
no_install_option = click.option("-R", "--no-install", is_flag=True, help="Reuse environments as they are (nox -R).")


@cli.command()
@root_option
@reports_option
@gate_option
@click.option("-p", "--profile", default="", help="A named checklist of the config.")
@filter_option
@jobs_option
@timeout_option
@excluded_option
@no_install_option
@click.option("--subject", default="worktree", show_default=True, help="worktree, COMMIT or merge:BASE.")
def run(root: Path | None, reports: Path | None, subject: str, **options: Any) -> None:
    """Run the checklist and write the reports."""
    from gates.workflows.subjects import prepare_subject

    folder = _root(root)
    with prepare_subject(folder, _request(**options), subject, reports=_absolute(reports)) as prepared:
        from gates.workflows.validate import validate  # imported by now, while nox was waited for

        finished = validate(prepared, _command_line())
    _show(finished.run, finished.tests)
    raise SystemExit(finished.run.exit_code)


@cli.command()
@click.argument("base")
@click.argument("head", default="worktree")
@root_option
@reports_option
@gate_option
@filter_option
@jobs_option
@timeout_option
@excluded_option
def compare(base: str, head: str, root: Path | None, reports: Path | None, **options: Any) -> None:
    """Run gates on BASE and on HEAD (the working tree), and say what changed.

    Without --gate, every gate that brings test results is compared.
    """
    from gates.workflows.compare import compare_subjects

    outcome = compare_subjects(
        _root(root), base, head, _request(**options), _command_line(), reports=_absolute(reports)
    )
    _show(outcome.finished.run, outcome.finished.tests, outcome.comparison)
    raise SystemExit(outcome.exit_code)


@cli.command()
@click.argument("run_path", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@root_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "github", "junit"]),
    default="terminal",
    show_default=True,
    help="What to print.",
)
def report(run_path: Path | None, root: Path | None, form: str) -> None:
    """Print the summary of a run again. RUN is a run.json or its folder; by default the last one."""
    from gates.workflows.report import render_run

    text = render_run(run_path or _reports(root), form)
    if text is not None:
        click.echo(text, nl=False)


@cli.command("list")
@root_option
@click.option("-p", "--profile", default="", help="A named checklist of the config.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_gates(root: Path | None, profile: str, as_json: bool) -> None:
    """List the gates of the project, in the order of the checklist."""
    from gates.plan import Request
    from gates.workflows.listing import gate_listing

    click.echo(gate_listing(_root(root), Request(profile=profile), as_json=as_json), nl=False)


@cli.command()
@root_option
@click.option("--force", is_flag=True, help="Replace a gates.toml that exists.")
@click.option("--print", "only_print", is_flag=True, help="Print the starter, write nothing.")
def init(root: Path | None, force: bool, only_print: bool) -> None:
    """Write a starter config after looking at what is there."""
    from gates.workflows.init import write_starter

    click.echo(write_starter(root or Path.cwd(), force=force, only_print=only_print), nl=False)


@cli.command()
@click.argument("name", type=click.Choice(["run", "test", "comparison"]), default="run")
def schema(name: str) -> None:
    """Print the JSON Schema of run.json, of a line of tests.jsonl, or of comparison.json."""
    from gates.workflows.schema import schema_text

    click.echo(schema_text(name), nl=False)


def main() -> NoReturn:
    """The console script. Every error that a user can cause ends without a traceback."""
    try:
        cli.main(prog_name="gates", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except GatesError as error:
        _say(f"gates: {error}")
        sys.exit(error.exit_code)
    except OSError as error:  # a folder that went away, one that may not be read
        _say(f"gates: {error}")
        sys.exit(ExitCode.COULD_NOT_RUN)
    except (click.Abort, KeyboardInterrupt):
        _say("gates: interrupted")
        sys.exit(ExitCode.INTERRUPTED)
    except ReaderGone:
        _discard_output()
        sys.exit(ExitCode.PASSED)
    sys.exit(ExitCode.PASSED)


def _say(text: str) -> None:
    encoding = sys.stderr.encoding or "utf-8"
    with suppress(BrokenPipeError):
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end


def _root(given: Path | None) -> Path:
    from gates.config import find_root

    return given.resolve() if given else find_root(Path.cwd().resolve())


def _reports(given: Path | None) -> Path:
    from gates.config import load_config

    root = _root(given)
    return root / load_config(root).reports


def _absolute(path: Path | None) -> Path | None:
    return path.absolute() if path else None


def _command_line() -> str:
    return shlex.join(["gates", *sys.argv[1:]])


def _request(
    *,
    gates: tuple[str, ...] = (),
    profile: str = "",
    expressions: tuple[str, ...] = (),
    jobs: int | None = None,
    test_timeout: float | None = None,
    include_excluded: bool = False,
    no_install: bool = False,
) -> Request:
    from gates.filters import parse
    from gates.plan import Request

    for expression in expressions:
        parse(expression)  # a syntax error is told before anything starts
    text = expressions[0] if len(expressions) == 1 else " or ".join(f"({one})" for one in expressions)
    return Request(
        gates=gates,
        profile=profile,
        filter=text,
        jobs=jobs,
        test_timeout=test_timeout,
        include_excluded=include_excluded,
        no_install=no_install,
    )


def _show(run: object, tests: object, comparison: object = None) -> None:
    from gates.workflows.report import show_terminal

    try:
        show_terminal(run, tests, comparison)  # type: ignore[arg-type]
    except BrokenPipeError:  # the verdict stands, whoever listens
        _discard_output()
