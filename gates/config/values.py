"""The checked config of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from gates.portable.settings.declare import EMPTY
from gates.portable.settings.run import Choice, Settings
from gates.results import EnvironmentChange

if TYPE_CHECKING:
    from pathlib import Path

    from gates.portable.rules import Override, SetupScript

TestWitness = Literal["auto", "pytest", "junit", "none"]
"""Which test results a gate must have: `auto` accepts any, `pytest` and `junit` demand them."""

FindingsSource = Literal["log", "none"] | tuple[str, ...]
"""Where the diagnostics of a gate are read from: its log, nowhere, or files."""


class GateConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`[gate.NAME]`: settings that nox cannot express, or a gate that is a plain command.

    Attributes:
        name: as in `--gate`.
        command: arguments of a plain command; empty for a nox session.
        session: signature of the nox session, if it is not the name; also adopts a session without the tag.
        args: extra arguments: after `--` for a session, after its words for a command.
        title: one line for the summary.
        timeout: seconds; None uses that of the run.
        needs: gates that must pass before this one starts.
        junit: JUnit files that it must write, and globs of them, relative to the root.
        reports: other files that it must write; an `.xml` file among them is read if it is JUnit.
        tests: see `TestWitness`.
        env: variables to set or clear, with reasons.
        cwd: folder to run in, relative to the root.
        findings: where to read the diagnostics of linters and type checkers; None lets the gate's name decide.
        coverage: coverage files that it writes, relative to the root.
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


class Profile(Choice):
    """`[profile.NAME]`: a named subset of the checklist with settings of its own.

    Attributes:
        name: as in `--profile`.
        rules: how tests are run, the first that has a setting decides.
    """

    name: str
    rules: tuple[Override, ...] = ()


class Config(Settings):
    """The whole config of a project, with the settings of runs that its top level gives.

    Attributes:
        root: the project's folder.
        path: its file; None if there is none and the defaults apply.
        base: branch that changes are shown against; empty asks git.
        timeout: seconds a gate may take.
        accept_could_not_run: gates whose `could-not-run` does not fail the run.
        record_env: variables whose values are recorded.
        mask_env: variables whose values are masked, besides those whose names look secret.
        reports: reports folder, relative to the root.
        nox_args: extra arguments for every nox call.
        gates: by name, in the file's order.
        profiles: by name.
        exclusions: the ledger (`gates.portable.exclusions.Exclusion`).
        quarantine: tests that run and do not count, entries of the same kind.
        accept_exclusions: entries of both ledgers that may match more tests than on the base.
        base_failures: what a comparison does with tests that fail as on the base: `block` or `report`.
        rules: how tests are run; the first rule that has a setting decides it.
        supervise: run the tests of a session without workers in a watched process.
        groups: groups of tests, with how many of them may run at the same time.
        scripts: setup scripts that tests need.
        scope: globs of files that a branch may change; empty for any file.
        worktree_copy: globs of files that git ignores and tests need: copied into worktrees of commits.
        worktree_link: the same, as links.
        worktree_disk: bytes that worktrees of commits and their environments may take; None for the default.
        timing_budget: seconds that a comparison may spend on re-timing tests; None for no timing.
        timing_threshold: changes of a time up to this fraction do not matter.
        merge_command: template of the command that `gates stack` suggests for a layer; empty for the default.
        unrelated: globs of files that no test depends on, for `rdeps(changed(…))`.
        junit: limits for JUnit files and accepted oddities, if not the default: fields of
            `junit.rules.JUnitRules`.
    """

    root: Path
    path: Path | None = None
    base: str = ""
    timeout: float = 1800.0
    accept_could_not_run: tuple[str, ...] = ()
    record_env: tuple[str, ...] = ()
    mask_env: tuple[str, ...] = ()
    reports: str = "reports"
    nox_args: tuple[str, ...] = ()
    gates: dict[str, GateConfig] = EMPTY
    profiles: dict[str, Profile] = EMPTY
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
    groups: dict[str, int] = EMPTY
    supervise: bool = True
    scripts: dict[str, SetupScript] = EMPTY
    junit: dict[str, int | tuple[str, ...]] = EMPTY
