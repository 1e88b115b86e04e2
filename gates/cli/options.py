"""What several commands share: options, and what they come to."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gates.values import parse_duration

if TYPE_CHECKING:
    from gates.config.values import NoTests
    from gates.plan import Request


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
    "--test-timeout", metavar="DURATION", callback=duration, help="What one test may take: 2, 90s, 10m."
)
excluded_option = click.option("--include-excluded", is_flag=True, help="Run what the exclusions leave out.")
no_install_option = click.option("-R", "--no-install", is_flag=True, help="Reuse environments as they are (nox -R).")
default_option = click.option("--ignore-default-filter", is_flag=True, help="Without the filter of the profile.")
retries_option = click.option(
    "--retries", type=click.IntRange(min=0), metavar="N", help="Try a test that failed up to N times again."
)


def _partition(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    from gates.partition import parse_partition

    if text:
        parse_partition(text)
    return text


partition_option = click.option(
    "--partition", default="", metavar="PART", callback=_partition, help="A part of the tests: slice:1/3 or hash:1/3."
)
no_tests_option = click.option(
    "--no-tests", type=click.Choice(["fail", "warn", "pass"]), help="What it means when no test is selected."
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
    """The path from the root of the file system, as of now: later steps may stand elsewhere."""
    return path.absolute() if path else None


def command_line() -> str:
    """The command as a person can paste it."""
    return shlex.join(["gates", *sys.argv[1:]])


def discard_output() -> None:
    """Nobody reads standard output any more: let what follows go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end


def union_of(expressions: tuple[str, ...]) -> str:
    """One expression that selects what any of them selects; every one is checked before anything starts.

    Raises:
        ManyErrors: some have errors, all of which are shown.
    """
    from gates.errors import ManyErrors
    from gates.filters import FilterSyntaxError, parse

    errors: list[FilterSyntaxError] = []
    for expression in expressions:
        try:
            parse(expression)
        except FilterSyntaxError as error:
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(tuple(errors))
    return expressions[0] if len(expressions) == 1 else " or ".join(f"({one})" for one in expressions)


def request(
    *,
    gates: tuple[str, ...] = (),
    profile: str = "",
    expressions: tuple[str, ...] = (),
    jobs: int | None = None,
    test_timeout: float | None = None,
    include_excluded: bool = False,
    ignore_default_filter: bool = False,
    no_tests: NoTests | None = None,
    retries: int | None = None,
    partition: str = "",
    no_install: bool = False,
) -> Request:
    """The request that the options come to."""
    from gates.plan import Request

    return Request(
        gates=gates,
        profile=profile,
        filter=union_of(expressions),
        jobs=jobs,
        test_timeout=test_timeout,
        include_excluded=include_excluded,
        ignore_default_filter=ignore_default_filter,
        no_tests=no_tests,
        retries=retries,
        partition=partition,
        no_install=no_install,
    )
