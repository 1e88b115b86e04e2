"""`gates run` and `gates compare`: the commands that give a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from gates.cli.options import (
    absolute,
    command_line,
    duration,
    project_root,
    reports_option,
    request,
    root_option,
    run_options,
    setting_options,
)
from gates.portable.errors import UsageError
from gates.portable.values import ARTIFACT_FINDINGS, FINDINGS, REGRESSIONS, SHOWN_BY_FAULTS, SOURCE_FINDINGS, plural

if TYPE_CHECKING:
    from pathlib import Path

    from gates.compare.inputs import RegressionPolicy
    from gates.compare.values import BaseFailures


@click.command()
@run_options
@click.option(
    "--subject", default="worktree", show_default=True, help="What to validate: worktree, COMMIT or merge:BASE."
)
@click.option("--debug", metavar="TEST", help="Run only this test, in the foreground, with pdb.")
def run(
    root: Path | None, reports: Path | None, subject: str, debug: str | None, events: str | None, **options: Any
) -> None:
    """Run the checklist and write the reports."""
    folder = project_root(root)
    if debug is not None:
        if subject != "worktree":
            from gates.portable.errors import UsageError

            raise UsageError("--debug runs a test of the working tree", got=f"--subject {subject}")
        from gates.commands.debug import debug_test

        raise SystemExit(debug_test(folder, request(**options), debug))
    from gates.commands.run import run as run_checklist

    raise SystemExit(run_checklist(folder, request(**options), subject, command_line(), absolute(reports), events))


@click.command()
@run_options
def rerun(root: Path | None, reports: Path | None, events: str | None, **options: Any) -> None:
    """Run only what failed or did not finish in the last run of this working tree."""
    from gates.commands.rerun import rerun as run_rest

    asked = request(**options)
    raise SystemExit(run_rest(project_root(root), asked, command_line(), reports=absolute(reports), events=events))


def _findings(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(",") if word.strip())
    for word in words:
        if word not in FINDINGS:
            raise click.BadParameter(f"{word!r} is not one of {', '.join(FINDINGS)}")
    return words


@click.command()
@click.argument("base")
@click.argument("head", default="worktree")
@click.argument("more", nargs=-1, metavar="")
@root_option
@reports_option
@setting_options("gates", "filter")
@click.option(
    "--all",
    "all_gates",
    is_flag=True,
    help="Run the whole checklist on both sides, not only gates with something to compare.",
)
@click.option("--fresh", is_flag=True, help="Never reuse an earlier run of the same tree.")
@setting_options("jobs", "test_timeout", "include_excluded", "ignore_default_filter")
@click.option(
    "--accept-exclusion",
    "accepted",
    multiple=True,
    metavar="NAME",
    help="Allow this exclusion or quarantine entry to match more tests than on BASE; repeatable.",
)
@click.option(
    "--fail-on",
    metavar="FINDINGS",
    callback=_findings,
    default=",".join(REGRESSIONS),
    show_default=True,
    help="Findings that count as a regression (exit code 5), separated by commas.",
)
@setting_options("accept_weakened", "scope")
@click.option(
    "--confirm",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Before blaming HEAD, run newly failing tests N more times on both sides.",
)
@click.option(
    "--red-green",
    is_flag=True,
    help="Run the new and changed tests of HEAD without its change: on the code of BASE (--fail-on not-red does it, too).",
)
@click.option(
    "--mutants",
    metavar="DURATION",
    callback=duration,
    help="Time for trying small faults in the changed lines, and faults that only BASE's versions of changed tests may notice.",
)
@setting_options("timing_budget")
@click.option("--timed", default="", metavar="EXPR", help="Always re-time these tests.")
@setting_options("base_failures")
def compare(
    base: str,
    head: str,
    more: tuple[str, ...],
    root: Path | None,
    reports: Path | None,
    accepted: tuple[str, ...],
    fail_on: tuple[str, ...],
    accept_weakened: tuple[str, ...],
    scope: tuple[str, ...],
    base_failures: BaseFailures | None,
    confirm: int,
    red_green: bool,
    mutants: float | None,
    all_gates: bool,
    fresh: bool,
    timing_budget: float | None,
    timed: str,
    **options: Any,
) -> None:
    """Run gates on BASE and on HEAD (default: the working tree) and report what changed.

    Without --gate or --all, every gate that has test results, findings or coverage is compared. To compare results
    files (JUnit from any runner, or tests.jsonl) without running anything: gates compare 'base/*.xml' 'head/*.xml'.
    """
    from gates.commands.compare_files import names_files
    from gates.compare.inputs import RegressionPolicy
    from gates.compare.weakenings import accepted_weakenings

    files = [names_files(side) for side in (base, head, *more)]
    if more:
        remedy = "quote the pattern of each side, so that the shell leaves it alone" if all(files) else ""
        raise UsageError("more than two sides", got=plural(len(files), "argument"), remedy=remedy)
    if any(files):
        if not all(files):
            got = ", and ".join(
                f"{side!r}, which is {'taken for a file' if found else 'no file'}"
                for side, found in zip((base, head), files, strict=True)
            )
            raise UsageError("a results file is compared with results files only", expected="two of them", got=got)
        policy = RegressionPolicy(
            accepted=accepted,
            accepted_weakenings=accepted_weakenings(accept_weakened),
            fail_on=fail_on,
            base_failures=base_failures or "report",
        )
        _compare_files(base, head, absolute(reports), policy)
    from gates.commands.compare import compare_subjects
    from gates.pipeline.compare_options import CompareOptions
    from gates.pipeline.show import show_verdict

    outcome = compare_subjects(
        project_root(root),
        base,
        head,
        request(**options),
        command_line(),
        reports=absolute(reports),
        options=CompareOptions(
            accepted=accepted,
            accept_weakened=accept_weakened,
            fail_on=fail_on,
            scope=scope,
            base_failures=base_failures,
            confirm=confirm,
            timing_budget=timing_budget,
            timed=timed,
            all_gates=all_gates,
            fresh=fresh,
            red_green=red_green,
            mutants=mutants,
        ),
    )
    show_verdict(outcome.finished, outcome.comparison)
    raise SystemExit(outcome.exit_code)


RUNNING = (
    *("gates", "filter", "jobs", "test_timeout", "include_excluded", "ignore_default_filter", "scope", "confirm"),
    *("timing_budget", "timed", "all_gates", "fresh", "red_green", "mutants"),
)
"""Options of `gates compare` that are about runs."""


def _compare_files(base: str, head: str, reports: Path | None, policy: RegressionPolicy) -> NoReturn:
    from gates.commands.compare_files import compare_files, exit_of_files
    from gates.pipeline.show import show_comparison

    context = click.get_current_context()
    for option in RUNNING:
        if context.get_parameter_source(option) is ParameterSource.COMMANDLINE:
            name = next(max(each.opts, key=len) for each in context.command.params if each.name == option)
            raise UsageError(f"{name} is about runs, and results files are compared without any")
    if "slower" in policy.fail_on:
        raise UsageError(
            "results files do not show what is slower: one time of each side is chance", got="--fail-on slower"
        )
    for word in policy.fail_on:
        if word in (*ARTIFACT_FINDINGS, *SOURCE_FINDINGS, *SHOWN_BY_FAULTS):
            raise UsageError("results files hold nothing but tests", got=f"--fail-on {word}")
    comparison = compare_files(base, head, reports, policy)
    show_comparison(comparison)
    raise SystemExit(exit_of_files(comparison))
