"""Arguments → a workflow → an exit code. What a command needs is imported when it runs: `--help` stays quick."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from gates import __version__
from gates.cli import looking, running, stacking
from gates.cli.options import discard_output
from gates.errors import EnvironmentProblem, GatesError
from gates.values import ExitCode

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class ReaderGone(Exception):
    """The reader of our output went away (`| head`). Click would end the program with 1: "a gate failed"."""


class Commands(click.Group):
    """The commands. Those that only tell something end well when nobody listens; a verdict is never made up."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            if ctx.invoked_subcommand in ("run", "rerun", "compare", "stack"):
                raise EnvironmentProblem("the reader of the output went away") from error
            raise ReaderGone from error


@click.group(cls=Commands, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="gates")
def cli() -> None:
    """Is this branch safe to merge? Runs a checklist, and leaves evidence that others can check.

    \b
    Exit codes (the first that applies): 130 interrupted, 2 wrong usage, config or expression, 1 a gate failed,
    5 regression against the base, 6 verification failed, 3 could not run, 4 nothing selected, 0 passed.
    """  # noqa: D301 (a real backspace: click's mark for lines that stay as they are)


for command in (
    *(running.run, running.rerun, running.compare, stacking.stack),
    *(
        looking.list_things,
        looking.explain,
        looking.show_config,
        looking.exclusions,
        looking.report,
        looking.init,
        looking.clean,
        looking.schema,
        looking.facts,
    ),
):
    cli.add_command(command)


def _with_variable(error: click.ClickException) -> click.ClickException:
    """Say of a wrong value where it stands, when that is the environment: nobody sees it on the command line."""
    if not isinstance(error, click.BadParameter) or error.ctx is None or error.param is None:
        return error
    if error.ctx.get_parameter_source(str(error.param.name)) is not ParameterSource.ENVIRONMENT:
        return error
    words = f"{error.message.rstrip('.')}, in the variable {error.param.envvar}"
    return click.BadParameter(words, error.ctx, error.param)


def main() -> NoReturn:
    """The console script. Every error that a user can cause ends without a traceback."""
    try:
        cli.main(prog_name="gates", standalone_mode=False)
    except click.ClickException as error:
        _with_variable(error).show()
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
        discard_output()
        sys.exit(ExitCode.PASSED)
    sys.exit(ExitCode.PASSED)


def _say(text: str) -> None:
    encoding = sys.stderr.encoding or "utf-8"
    with suppress(BrokenPipeError):
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
