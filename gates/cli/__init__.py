"""Arguments → a workflow → an exit code. A command imports what it needs when it runs, so `--help` stays quick."""

from __future__ import annotations

import sys
from typing import NoReturn

import click
from click.core import ParameterSource

from gates import __version__
from gates.cli import faults, queries, stacks, verdicts
from gates.cli.shown import say
from gates.cli.signals import heard
from gates.cli.streams import guard, loss
from gates.portable.errors import GatesError
from gates.portable.values import ExitCode

VERDICTS = {"run", "rerun", "compare", "stack", "exclusions", "mutants"}
"""Commands whose exit code is the result, whether or not their output is read."""

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="gates")
def cli() -> None:
    """Is this branch safe to merge? Runs a checklist and writes evidence that others can check.

    \b
    Exit codes (the first that applies): 130 interrupted, 2 wrong usage, config or expression, 1 a gate failed,
    5 regression against the base, 6 verification failed, 3 could not run, 4 nothing selected, 0 passed.
    """  # noqa: D301 (a real backspace: click's mark for lines that stay as they are)


for module in (verdicts, stacks, faults, queries):
    for command in vars(module).values():
        if isinstance(command, click.Command):
            cli.add_command(command)


def _with_variable(error: click.ClickException) -> click.ClickException:
    """Name the environment variable of an invalid value: it is not on the command line."""
    if not isinstance(error, click.BadParameter) or error.ctx is None or error.param is None:
        return error
    if error.ctx.get_parameter_source(str(error.param.name)) is not ParameterSource.ENVIRONMENT:
        return error
    words = f"{error.message.rstrip('.')}, in the variable {error.param.envvar}"
    return click.BadParameter(words, error.ctx, error.param)


def main() -> NoReturn:
    """The console script. Every error that a user can cause ends without a traceback."""
    output = guard()
    code = _exit_code()
    lost = loss(output)
    if lost is not None and code == ExitCode.PASSED and not VERDICTS & set(sys.argv[1:2]):
        _say(f"gates: cannot write to standard output: {lost.strerror}")
        code = ExitCode.COULD_NOT_RUN
    sys.exit(code)


def _exit_code() -> int:
    try:
        with heard():
            cli.main(prog_name="gates", standalone_mode=False)
    except SystemExit as done:
        return int(done.code or 0)
    except click.ClickException as error:
        _with_variable(error).show()
        return ExitCode.USAGE
    except GatesError as error:
        _say(f"gates: {error}")
        return error.exit_code
    except OSError as error:  # such as a folder that disappeared or cannot be read
        _say(f"gates: {error}")
        return ExitCode.COULD_NOT_RUN
    except (click.Abort, KeyboardInterrupt):
        _say("gates: interrupted")
        return ExitCode.INTERRUPTED
    return ExitCode.PASSED


def _say(text: str) -> None:
    say(f"{text}\n", err=True)
