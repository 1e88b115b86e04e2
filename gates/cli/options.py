"""Options that several commands share, and how they become a request."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gates.portable.settings.kinds import DURATION, FLAG
from gates.portable.settings.project import ProjectSettings
from gates.portable.settings.run import VARIABLES, Choice, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gates.config.request import Request
    from gates.portable.settings.declare import Setting
    from gates.portable.settings.kinds import Kind

    Decorator = Callable[[Callable[..., None]], Callable[..., None]]


_KNOWN = {**ProjectSettings.SETTINGS, **Choice.SETTINGS}


class AsPath(click.Path):
    """Returns a `pathlib.Path`, whose import takes a twelfth of the time until `--help` appears."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path of the written file."""
        from pathlib import Path

        return Path(os.fsdecode(super().convert(value, param, ctx)))


def checked(kind: Kind) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A reader for the text of an option, with errors in the form of click."""

    def read(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Any:
        if not text or kind.parse is None:
            return text
        try:
            return kind.parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return read


duration = checked(DURATION)


def option_of(setting: Setting) -> Decorator:
    """The option of a setting. What it is where it is not given, profile and config have to say."""
    kind, default = setting.kind, setting.shown_default
    more: dict[str, Any] = {"is_flag": True} if kind is FLAG else {"metavar": setting.metavar or None}
    if kind.words:
        more["type"] = click.Choice(kind.words)
    elif kind.least is not None:
        more["type"] = click.IntRange(min=kind.least)
    elif kind.parse is not None:
        more["callback"] = checked(kind)
    return click.option(
        *filter(None, (setting.short, setting.option, setting.name)),
        multiple=setting.many,
        envvar=setting.variable or None,
        help=f"{setting.help} [default: {default}]" if default else setting.help,
        **more,
    )


def setting_options(*names: str) -> Decorator:
    """The options of these settings."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        for name in reversed(names):
            command = option_of(_KNOWN[name])(command)
        return command

    return decorate


root_option = click.option(
    "-C",
    "--root",
    type=AsPath(exists=True, file_okay=False),
    help="The project's folder. [default: the nearest folder upward that has a config, a noxfile or a git repository]",
)
reports_option = click.option(
    "--reports", type=AsPath(file_okay=False), help="Where to write the reports. [default: reports]"
)


def project_root(given: Path | None) -> Path:
    """The project's folder: the one given, or the nearest one upward that looks like one."""
    from pathlib import Path

    from gates.config import find_root

    return given.resolve() if given else find_root(Path.cwd().resolve())


def reports_folder(given: Path | None) -> Path:
    """Where the project's reports are."""
    from gates.config import load_config

    root = project_root(given)
    return root / load_config(root).reports


def absolute(path: Path | None) -> Path | None:
    """The absolute path as of now: later steps may have another working directory."""
    return path.absolute() if path else None


def _taken() -> list[str]:
    """Options of this command whose values came from the environment."""
    context = click.get_current_context()
    return [name for name in VARIABLES if context.get_parameter_source(name) is ParameterSource.ENVIRONMENT]


def command_line() -> str:
    """The command in a form to paste, with the variables that gave it options."""
    variables = [f"{name}={shlex.quote(os.environ[name])}" for name in (VARIABLES[option] for option in _taken())]
    return " ".join([*variables, shlex.join(["gates", *sys.argv[1:]])])


def union_of(expressions: tuple[str, ...]) -> str:
    """One expression that selects what any of them selects; all are checked before anything starts.

    Raises:
        ManyErrors: some have errors, all of which are shown.
    """
    from gates.portable.errors import ManyErrors
    from gates.portable.filters import FilterSyntaxError, parse

    errors: list[FilterSyntaxError] = []
    for expression in expressions:
        try:
            parse(expression)
        except FilterSyntaxError as error:
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(tuple(errors))
    return expressions[0] if len(expressions) == 1 else " or ".join(f"({one})" for one in expressions)


events_option = click.option(
    "--events",
    metavar="FILE|FD",
    help="Write live events as JSON Lines to a file, a FIFO or a descriptor (3 or higher).",
)


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that runs a checklist, in the order of its help."""
    for option in (events_option, setting_options("gates", *Settings.SETTINGS), reports_option, root_option):
        command = option(command)
    return command


def request(*, filter: tuple[str, ...] = (), seed: int | None = None, **options: Any) -> Request:  # noqa: A002
    """The request that the options describe."""
    import secrets

    from gates.config.request import Request

    return Request(
        filter=union_of(filter),
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        variables=frozenset(_taken()),
        **{name: value for name, value in options.items() if value != ()},
    )
