"""The checked config of a project."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Literal, get_args

from gates.config.kinds import (
    COMMANDS,
    DATE,
    FILES,
    FINDINGS,
    FOLDER,
    FRACTION,
    OWN_FOLDER,
    VARIABLE_NAMES,
    VARIABLES,
    WORDS,
)
from gates.portable.settings.declare import EMPTY, Declared, declare
from gates.portable.settings.kinds import COMMAND, DURATION, FLAG, SIZE, TEXT, TEXTS, one_of
from gates.portable.settings.project import GLOBS, ProjectSettings
from gates.portable.settings.run import Choice
from gates.results import FAULT_OPERATORS, EnvironmentChange

if TYPE_CHECKING:
    from pathlib import Path

    from gates.portable.rules import Override, SetupScript

TestWitness = Literal["auto", "pytest", "junit", "none"]
"""Which test results a gate must have: `auto` accepts any, `pytest` and `junit` demand them."""

FindingsSource = Literal["log", "none"] | tuple[str, ...]
"""Where the diagnostics of a gate are read from: its log, nowhere, or files."""


class GateConfig(Declared):
    """`[gate.NAME]`: settings that nox cannot express, or a gate that is a plain command.

    Attributes:
        name: as in `--gate`.
        command: a list of words, or a string that is split as a shell would; started without a shell.
        session: signature of the nox session, if it is not `NAME`; also adopts a session without the tag.
        args: extra arguments: after `--` for a session, after its words for a command.
        title: one line for the summary; default: the session's description.
        timeout: overrides the one above.
        needs: gates that must pass before this one starts. They are part of every run of this gate, even if you ask
            only for this one: what they leave (a build) is not part of the tree, so it may be out of
            date. A gate that runs only because others need it runs all of its tests, even with `-E` and
            `--partition`.
        junit: [JUnit files](junit.md) that it must write, as paths or path globs relative to the root. They are read,
            and must agree with the exit code. Files of earlier runs that a glob matches are ignored.
        reports: other files that it must write; an `.xml` file among them is read if it is JUnit.
        tests: `auto` (default) accepts any test results; `pytest` and `junit` demand test results; `none` expects
            none.
        env: variables: `NAME = { set = "…", reason = "…" }` or `NAME = { unset = true, reason = "…" }`.
        cwd: folder of a command, relative to the root.
        findings: where to read the findings of its linters and type checkers: `"log"`, `"none"`, or a list of files
            that it writes; see [below](#findings-and-coverage).
        coverage: coverage files that it writes, relative to the root.
        versions: commands that print the versions of the programs it uses, such as `["rustc --version"]`; `[]` for
            none. See [below](#versions-of-programs).
    """

    name: str
    command: tuple[str, ...] = declare(COMMAND, default=())
    session: str = declare(TEXT, default="")
    args: tuple[str, ...] = declare(TEXTS, default=())
    title: str = declare(TEXT, default="")
    timeout: float | None = declare(DURATION, default=None)
    needs: tuple[str, ...] = declare(TEXTS, default=())
    junit: tuple[str, ...] = declare(FILES, default=())
    reports: tuple[str, ...] = declare(FILES, default=())
    tests: TestWitness = declare(one_of(*get_args(TestWitness)), default="auto")
    env: tuple[EnvironmentChange, ...] = declare(VARIABLES, default=())
    cwd: str = declare(FOLDER, default="")
    findings: FindingsSource | None = declare(FINDINGS, default=None)
    coverage: tuple[str, ...] = declare(FILES, default=())
    versions: tuple[tuple[str, ...], ...] | None = declare(COMMANDS, default=None)


class Suppression(Declared):
    """`[mutants.NAME]`: mutants that count as suppressed, not as survivors. All that is given must fit.

    Attributes:
        name: for messages.
        path: path glob of the files.
        function: qualified name of the function, or its last parts: `Cache.get`, `get`; default: any.
        operator: kind of the mutants; default: any.
        text: a part of the line; default: any.
        reason: why no test has to notice it: the program does the same, or the difference does not matter.
        owner: who decided that.
        expires: the last day on which it applies. An expired entry fails the gates with tests, as an expired exclusion does.
        issue: where it is tracked.
    """

    name: str
    path: str = declare(WORDS, default="")
    function: str = declare(TEXT, default="")
    operator: str = declare(one_of(*FAULT_OPERATORS), default="")
    text: str = declare(TEXT, default="")
    reason: str = declare(WORDS, default="")
    owner: str = declare(WORDS, default="")
    expires: dt.date | None = declare(DATE, default=None)
    issue: str = declare(TEXT, default="")

    def is_expired(self, today: dt.date) -> bool:
        """Whether it no longer applies."""
        return self.expires is None or self.expires < today


class Profile(Choice):
    """`[profile.NAME]`: a named subset of the checklist with its own settings.

    Attributes:
        name: as in `--profile`.
        rules: how tests are run, the first that has a setting decides.
    """

    name: str
    rules: tuple[Override, ...] = ()


class Config(ProjectSettings):
    """The whole config of a project, with the settings of runs that its top level has.

    Attributes:
        root: the project's folder.
        path: its file; None if there is none and the defaults apply.
        gates: by name, in the file's order.
        profiles: by name.
        exclusions: the ledger (`gates.portable.exclusions.Exclusion`).
        quarantine: tests that run and do not count, entries of the same kind.
        rules: how tests are run; the first rule that has a setting decides it.
        groups: groups of tests, with how many of them may run at the same time.
        scripts: setup scripts that tests need.
        mutants: mutants that need not be noticed.
        junit: limits for JUnit files and accepted oddities, if not the default: fields of `junit.rules.JUnitRules`.
        base: branch that changes are shown against.
        timeout: time limit for a gate.
        accept_could_not_run: gates whose *could not run* does not fail the run.
        record_env: the only variables whose values are recorded.
        mask_env: variables whose values are masked in all output, besides those whose names look secret, see
            [secrets](#secrets).
        reports: reports folder, relative to the root.
        nox_args: extra arguments for every nox call.
        supervise: a pytest session without workers forks after its collection and runs its tests in a process that it
            watches: see [below](#when-a-test-kills-its-process).
        unrelated: path globs of files that no test depends on, for `rdeps(changed(…))`.
        worktree_copy: path globs of git-ignored files that tests need (`.env`, `data/**`): copied from the working
            tree into the worktrees of commits, again for each run. A file that is part of the commit is not replaced.
        worktree_link: the same for large files, as links. A test that writes to one writes to your file.
        worktree_disk: how much space worktrees of commits and their environments may take in your cache; those used
            last stay.
        timing_threshold: changes of a time up to this fraction do not matter: `0.05` is 5%.
        accept_exclusions: names of exclusions that may match more tests than on the base.
    """

    root: Path
    path: Path | None = None
    gates: dict[str, GateConfig] = EMPTY
    profiles: dict[str, Profile] = EMPTY
    exclusions: tuple[Any, ...] = ()
    quarantine: tuple[Any, ...] = ()
    rules: tuple[Override, ...] = ()
    groups: dict[str, int] = EMPTY
    scripts: dict[str, SetupScript] = EMPTY
    mutants: tuple[Suppression, ...] = ()
    junit: dict[str, int | tuple[str, ...]] = EMPTY
    base: str = declare(TEXT, default="", unset="asks git")
    timeout: float = declare(DURATION, default=1800.0, unset="`30m`")
    accept_could_not_run: tuple[str, ...] = declare(TEXTS, default=())
    record_env: tuple[str, ...] = declare(VARIABLE_NAMES, default=())
    mask_env: tuple[str, ...] = declare(VARIABLE_NAMES, default=())
    reports: str = declare(OWN_FOLDER, default="reports")
    nox_args: tuple[str, ...] = declare(TEXTS, default=())
    supervise: bool = declare(FLAG, default=True)
    unrelated: tuple[str, ...] = declare(GLOBS, default=())
    worktree_copy: tuple[str, ...] = declare(GLOBS, default=())
    worktree_link: tuple[str, ...] = declare(GLOBS, default=())
    worktree_disk: int | None = declare(SIZE, default=None, unset="`10 GB`")
    timing_threshold: float = declare(FRACTION, default=0.05)
    accept_exclusions: tuple[str, ...] = declare(TEXTS, default=())
