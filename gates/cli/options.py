"""Options that several commands share, and how they become a request."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gates.portable.values import LEVELS, ORDERS, OUTPUTS, VARIABLES, parse_duration, parse_max_fail

if TYPE_CHECKING:
    from gates.planning.plan import Request


def duration(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
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


root_option = click.option(
    "-C",
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project's folder. [default: the nearest folder upward that has a config, a noxfile or a git repository]",
)
reports_option = click.option(
    "--reports", type=click.Path(file_okay=False, path_type=Path), help="Where to write the reports. [default: reports]"
)
gate_option = click.option(
    "-g", "--gate", "gates", multiple=True, metavar="GATE", help="Run only this gate; repeatable."
)
filter_option = click.option(
    "-E",
    "--filter-expr",
    "expressions",
    multiple=True,
    metavar="EXPR",
    help="Only tests that match; if repeated, those that match any.",
)
profile_option = click.option(
    "-p", "--profile", default="", envvar=VARIABLES["profile"], help="Use a named checklist from the config."
)
jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    envvar=VARIABLES["jobs"],
    help="How many gates run at once. [default: number of cores]",
)
timeout_option = click.option(
    "--test-timeout",
    metavar="DURATION",
    callback=duration,
    envvar=VARIABLES["test_timeout"],
    help="Time limit for one test: 2 (seconds), 90s, 10m.",
)
global_timeout_option = click.option(
    "--global-timeout",
    metavar="DURATION",
    callback=duration,
    envvar=VARIABLES["global_timeout"],
    help="Time limit for the whole run.",
)
stall_timeout_option = click.option(
    "--stall-timeout",
    metavar="DURATION",
    callback=duration,
    envvar=VARIABLES["stall_timeout"],
    help="End a gate that shows no sign of life from its tests for this long. [default: 10m or more]",
)


def _max_fail(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    if text:
        try:
            parse_max_fail(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return text


max_fail_option = click.option(
    "--max-fail",
    default="",
    metavar="N[:wait|immediate]",
    callback=_max_fail,
    envvar=VARIABLES["max_fail"],
    help="Stop starting tests after N failures; `immediate` also ends running ones.",
)
order_option = click.option(
    "--order",
    type=click.Choice(ORDERS),
    envvar=VARIABLES["order"],
    help="Order in which tests run. [default: as collected]",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    envvar=VARIABLES["seed"],
    help="Seed for `--order random`; printed with each run.",
)
stress_count_option = click.option(
    "--stress-count",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Repeat each test N times; all runs must pass.",
)
stress_duration_option = click.option(
    "--stress-duration",
    metavar="DURATION",
    callback=duration,
    help="Repeat each test for this long; all runs must pass.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    envvar=VARIABLES["workers"],
    help="Worker count for `pytest -n auto`. [default: from durations, cores and memory]",
)
excluded_option = click.option("--include-excluded", is_flag=True, help="Also run excluded tests.")
no_install_option = click.option(
    "-R", "--no-install", is_flag=True, help="Reuse existing environments without installing (nox -R)."
)
default_option = click.option("--ignore-default-filter", is_flag=True, help="Ignore the filter of the profile.")
retries_option = click.option(
    "--retries",
    type=click.IntRange(min=0),
    metavar="N",
    envvar=VARIABLES["retries"],
    help="Retry a failed test up to N times.",
)


def _partition(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    from gates.portable.errors import UsageError
    from gates.portable.partition import parse_partition

    if text:
        try:
            parse_partition(text)
        except UsageError as error:
            raise click.BadParameter(f"{error.what} (expected {error.expected})") from error
    return text


partition_option = click.option(
    "--partition",
    default="",
    metavar="PART",
    callback=_partition,
    envvar=VARIABLES["partition"],
    help="Run one part of the tests: slice:1/3 or hash:1/3.",
)
no_tests_option = click.option(
    "--no-tests",
    type=click.Choice(["fail", "warn", "pass"]),
    envvar=VARIABLES["no_tests"],
    help="What to do when no test is selected. [default: fail]",
)


def project_root(given: Path | None) -> Path:
    """The project's folder: the one given, or the nearest one upward that looks like one."""
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


no_capture_option = click.option(
    "--no-capture",
    is_flag=True,
    envvar=VARIABLES["no_capture"],
    help="Show test output live; runs one gate and one test at a time.",
)


events_option = click.option(
    "--events",
    metavar="FILE|FD",
    help="Write live events as JSON Lines to a file, a FIFO or a descriptor (3 or higher).",
)


def _output(name: str, choices: tuple[str, ...], words: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    variable = VARIABLES[name.replace("-", "_")]
    return click.option(f"--{name}", type=click.Choice(choices), metavar="LEVEL", envvar=variable, help=words)


output_options = (
    _output("status-level", LEVELS, f"Which tests to report as they end: {', '.join(LEVELS)}. [default: slow]"),
    _output("final-status-level", LEVELS, "Which tests to list after all have run. [default: leak]"),
    _output("failure-output", OUTPUTS, f"When to show why tests failed: {', '.join(OUTPUTS)}. [default: never]"),
    _output("success-output", OUTPUTS, "When to show the output of passed tests. [default: never]"),
)


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that runs a checklist, in the order of its help."""
    for option in reversed(
        (
            *(root_option, reports_option, gate_option, profile_option, filter_option, jobs_option, workers_option),
            *(timeout_option, global_timeout_option, stall_timeout_option, retries_option, max_fail_option),
            *(order_option, seed_option, stress_count_option, stress_duration_option, partition_option),
            *(excluded_option, default_option, no_tests_option),
            *(no_capture_option, *output_options, events_option, no_install_option),
        )
    ):
        command = option(command)
    return command


def request(*, expressions: tuple[str, ...] = (), seed: int | None = None, **options: Any) -> Request:
    """The request that the options describe."""
    import secrets

    from gates.planning.plan import Request

    return Request(
        filter=union_of(expressions),
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        variables=frozenset(_taken()),
        **{name: value for name, value in options.items() if value is not None},
    )
