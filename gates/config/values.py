"""What a project's config says, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from gates.portable.rules import Override, SetupScript
from gates.results import EnvironmentChange

TestWitness = Literal["auto", "pytest", "junit", "none"]
"""What a gate must show of its tests: `auto` takes what comes, `pytest` and `junit` demand it."""

FindingsSource = Literal["log", "none"] | tuple[str, ...]
"""Where a gate's diagnostics are read: its log, nowhere, or files."""

NoTests = Literal["fail", "warn", "pass"]
"""What it means when a gate's pytest selects no test."""


class GateConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[gate.NAME]`: what nox has no word for, or a gate that is a plain command.

    Attributes:
        name: as in `--gate`.
        command: arguments of a plain command; empty for a nox session.
        session: signature of the nox session, where it is not the name; adopts a session without the tag.
        args: further arguments: of a session what follows `--`, of a command what follows its words.
        title: one line for the summary.
        timeout: seconds; None takes the run's.
        needs: gates that must have passed before this one starts.
        junit: JUnit files that it must write, and globs of them, relative to the root.
        reports: other files that it must write; an `.xml` file among them is read if it is JUnit.
        tests: see `TestWitness`.
        env: variables to set or clear, with reasons.
        cwd: folder to run in, relative to the root.
        findings: where its linters' and type checkers' diagnostics are; None leaves it to the gate's name.
        coverage: files of coverage that it writes, relative to the root.
    """

    name: str
    command: tuple[str, ...] = ()
    session: str = ""
    args: tuple[str, ...] = ()
    title: str = ""
    timeout: float | None = None
    needs: tuple[str, ...] = ()
    junit: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    tests: TestWitness = "auto"
    env: tuple[EnvironmentChange, ...] = ()
    cwd: str = ""
    findings: FindingsSource | None = None
    coverage: tuple[str, ...] = ()


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of tests while they run, and behind them.

    Attributes:
        status_level: of tests that end: one of `values.LEVELS`.
        final_status_level: of the list behind all tests.
        failure_output: when what failed tests left is shown: one of `values.OUTPUTS`.
        success_output: likewise, of tests that passed.
    """

    status_level: str = "slow"
    final_status_level: str = "leak"
    failure_output: str = "never"
    success_output: str = "never"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """`[profile.NAME]`: a named subset of the checklist with settings of its own; None inherits."""

    name: str
    gates: tuple[str, ...] | None = None
    filter: str = ""
    jobs: int | None = None
    test_timeout: float | None = None
    include_excluded: bool = False
    no_tests: NoTests | None = None
    global_timeout: float | None = None
    stall_timeout: float | None = None
    max_fail: str = ""
    order: str = ""
    workers: int | None = None
    output: dict[str, str] = {}
    rules: tuple[Override, ...] = ()


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole config of a project.

    Attributes:
        root: the project's folder.
        path: the file it came from; None when there is none and defaults hold.
        base: branch that changes are shown against; empty asks git.
        jobs: gates at a time; None for the number of cores.
        timeout: seconds a gate may take.
        test_timeout: seconds a test may take; None for no limit.
        accept_could_not_run: gates whose `could-not-run` does not fail the run.
        no_tests: what it means when nothing is selected.
        record_env: variables whose values are recorded.
        mask_env: variables whose values are masked, besides those whose names look secret.
        reports: folder of reports, relative to the root.
        nox_args: further arguments of every nox call.
        gates: by name, in the file's order.
        profiles: by name.
        exclusions: the ledger (`gates.portable.exclusions.Exclusion`).
        quarantine: tests that run and do not count, entries of the same kind.
        accept_exclusions: entries of both ledgers that may exclude more than on the base.
        base_failures: what it means in a comparison that tests fail as they do on the base: `block` or `report`.
        rules: how tests are run, the first that has a setting decides.
        global_timeout: seconds for the whole run; None for no limit.
        stall_timeout: seconds without any sign of life from a gate that runs tests; None for the default.
        supervise: tests of a session without workers run in a process that is watched.
        groups: of tests, with the number of them that run at a time.
        scripts: that tests need to have run before them.
        scope: globs of what a branch may touch; empty for anything.
        worktree_copy: globs of files that git ignores and tests need: copied into worktrees of commits.
        worktree_link: likewise, linked to.
        worktree_disk: bytes that worktrees of commits may take with their environments; None for the default.
        timing_budget: seconds in which a comparison may time tests again; None for no timing.
        timing_threshold: a change of a time up to this part is none that matters.
        merge_command: template of the command that `gates stack` suggests for a layer; empty for the default.
        unrelated: globs of files that no test depends on, for `rdeps(changed(…))`.
        junit: what files of other runners may ask for, and what is accepted of them, where it is not the default: fields of
            `junit.rules.JUnitRules`.
    """

    root: Path
    path: Path | None = None
    base: str = ""
    jobs: int | None = None
    timeout: float = 1800.0
    test_timeout: float | None = None
    accept_could_not_run: tuple[str, ...] = ()
    no_tests: NoTests = "fail"
    record_env: tuple[str, ...] = ()
    mask_env: tuple[str, ...] = ()
    reports: str = "reports"
    nox_args: tuple[str, ...] = ()
    gates: dict[str, GateConfig] = {}
    profiles: dict[str, Profile] = {}
    exclusions: tuple[Any, ...] = ()
    quarantine: tuple[Any, ...] = ()
    accept_exclusions: tuple[str, ...] = ()
    base_failures: Literal["block", "report"] = "report"
    unrelated: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    worktree_copy: tuple[str, ...] = ()
    worktree_link: tuple[str, ...] = ()
    worktree_disk: int | None = None
    timing_budget: float | None = None
    timing_threshold: float = 0.05
    merge_command: str = ""
    rules: tuple[Override, ...] = ()
    groups: dict[str, int] = {}
    supervise: bool = True
    global_timeout: float | None = None
    stall_timeout: float | None = None
    scripts: dict[str, SetupScript] = {}
    junit: dict[str, int | tuple[str, ...]] = {}
