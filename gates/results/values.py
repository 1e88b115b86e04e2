"""The results of a run: frozen values, and the files they are written to. Results of tests are in `tests`.

`run.json` contains a `Run` and is replaced whenever a gate ends; `tests.jsonl` contains one `TestResult`
per line, appended as it arrives, in the schema version that the `run.json` next to it names. `gates schema` prints
their JSON Schema.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from gates.files.digest import FileDigest
from gates.portable.values import SCHEMA_VERSION, GateOutcome
from gates.results.artifacts import Coverage, Diagnostics, TestWarnings
from gates.results.tests import TestCounts


class EnvironmentChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A variable that was set (`value`) or cleared (`value` is None) for a gate, and why."""

    name: str
    value: str | None = None
    reason: str


class Witness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source that reports how a gate ended. The worst of all witnesses decides.

    Attributes:
        name: `exit code`, `nox report`, `test results`, `junit`, `gate's own word`.
        outcome: the outcome that this witness reports; None if it reports none.
        detail: an explanation for people.
    """

    name: str
    outcome: GateOutcome | None = None
    detail: str = ""


class FilterLeaf(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one predicate of an expression matched.

    Attributes:
        source: `filter`, or from the config: `profile`, `exclusion NAME` or `quarantine NAME`.
        text: the predicate, in its canonical form.
        count: tests that match, or may match; the largest number in one pytest process.
        unknown: how many of them only may match, because a fact is missing.
        error: why it is invalid, such as a name that does not exist.
        warning: why it is probably a mistake.
        note: a note on its answers.
    """

    source: str
    text: str
    count: int
    unknown: int = 0
    error: str = ""
    warning: str = ""
    note: str = ""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tests that the project itself left out, before gates selected any: they silently never run.

    Attributes:
        who: an option (`-m 'not slow' (addopts in pytest.ini)`), a conftest or a plugin.
        tests: how many.
        files: test files that were ignored; how many tests they contain is not known.
    """

    who: str
    tests: int = 0
    files: int = 0


class GateResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one gate ended, and who reported it.

    Attributes:
        name: as in `--gate`.
        title: one line of description; may be empty.
        kind: `nox` session or plain `command`.
        outcome: worst of `witnesses`.
        reason: why it did not pass, or a note of a passed gate.
        accepted: a `could-not-run` that the config accepts by name: it does not fail the run, but never counts as shown.
        inconsistent: witnesses disagreed.
        command: the arguments exactly as started.
        command_line: the command a person can paste, with environment changes in front.
        environment: variables that were set or cleared for it.
        started: seconds since the epoch.
        duration: seconds, by a monotonic clock.
        exit_code: negative for a signal; None if it never ended by itself.
        cpu: seconds of processor time of its whole process tree; 0 if unknown.
        warnings: number of warning lines in its log.
        log: path relative to the reports folder.
        log_digest: `sha256:…` of the log.
        excerpt: the lines of the log that show why it did not pass, if its tests do not show it.
        witnesses: all of them.
        tests: counts; None for a gate without test results.
        injected: whether test results came from the plugin of gates inside its test process.
        tools: versions of the packages in its environment, and of its test runner.
        programs: versions that other programs printed when they were asked: `rustc`, `cmake`, `node`.
        reports: files it was expected to write, relative to the root.
        leaves: what the predicates of its expressions matched.
        left_out: what options, conftests and plugins of the project left out; with several workers, as one reports.
        stray: number of processes that outlived it and were ended.
        workers: number of pytest-xdist workers, and the reason for it; empty without.
        peak: peak memory of its largest test process; 0 if unknown.
        imported: packages and modules of the project that its tests imported, and from where: relative to the root of what
            was validated, absolute outside it.
        diagnostics: what its linters and type checkers found; None for a gate without them.
        test_warnings: what pytest recorded; None for a gate without pytest.
        coverage: its combined coverage files; None for a gate that names none.
    """

    name: str
    outcome: GateOutcome
    title: str = ""
    kind: Literal["nox", "command"] = "nox"
    reason: str = ""
    accepted: bool = False
    inconsistent: bool = False
    command: tuple[str, ...] = ()
    command_line: str = ""
    environment: tuple[EnvironmentChange, ...] = ()
    started: float = 0.0
    duration: float = 0.0
    exit_code: int | None = None
    cpu: float = 0.0
    warnings: int = 0
    log: str = ""
    log_digest: str = ""
    excerpt: tuple[str, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    tests: TestCounts | None = None
    injected: bool = False
    tools: dict[str, str] = {}
    programs: dict[str, str] = {}
    reports: tuple[str, ...] = ()
    leaves: tuple[FilterLeaf, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    stray: int = 0
    workers: str = ""
    peak: int = 0
    imported: dict[str, str] = {}
    diagnostics: Diagnostics | None = None
    test_warnings: TestWarnings | None = None
    coverage: Coverage | None = None

    @property
    def versions(self) -> dict[str, str]:
        """Of all programs and packages; what the plugin or the disk says about one is surer than its own word."""
        return {**self.programs, **self.tools}

    @property
    def unasked(self) -> bool:
        """Whether its tests were read from files: then filters, partitions, limits and retries were not applied."""
        return self.tests is not None and not self.injected


class Subject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The subject of a run.

    Attributes:
        kind: `worktree`, `commit`, `merge`, or `folder` (no git).
        name: as the user named it, for people.
        identity: `git-tree:HEX` of the exact content, or `files:sha256:HEX` without git.
        commit: HEAD's or the subject's commit; empty without git.
        dirty: uncommitted changes are part of what was validated.
        change_digest: `sha256:…` of the uncommitted change; empty when clean.
        branch: empty with a detached HEAD.
        base: the base that changes are shown against, as named; empty if there is none.
        base_commit: its commit.
        merge_base: commit where the branch left the base.
        shallow: the history is incomplete; merge bases may be wrong and are not shown.
    """

    kind: Literal["worktree", "commit", "merge", "folder"]
    name: str
    identity: str
    commit: str = ""
    dirty: bool = False
    change_digest: str = ""
    branch: str = ""
    base: str = ""
    base_commit: str = ""
    merge_base: str = ""
    shallow: bool = False


class FileChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that differs from the merge base; `added`/`removed` are lines, None for a binary file."""

    path: str
    kind: Literal["production", "test", "docs", "config"]
    status: str = "M"
    added: int | None = None
    removed: int | None = None


class Changes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the subject changes against its merge base; `commits` are `(hash, subject line)`."""

    commits: tuple[tuple[str, str], ...] = ()
    files: tuple[FileChange, ...] = ()


class Environment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the run took place.

    Attributes:
        python: version of the interpreter that runs gates.
        implementation: `CPython`, `PyPy`, …
        system: name and release of the operating system.
        machine: architecture.
        cpu: model name; may be empty.
        cores: processors that this process may use.
        tools: name → version of the tools that gates itself uses (git, nox, …).
        variables: values of the variables that the config names in `record-env`.
    """

    python: str
    implementation: str
    system: str
    machine: str
    cpu: str = ""
    cores: int = 1
    tools: dict[str, str] = {}
    variables: dict[str, str] = {}


class ExclusionRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ledger entry as of the run, with how many tests it excluded, or how many failures it forgave."""

    name: str
    filter: str
    reason: str
    category: str
    owner: str
    expires: str
    issue: str = ""
    tests: int = 0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One checklist on one subject in one environment.

    Attributes:
        id: sortable and unique: UTC time and random letters.
        complete: False while gates are still running, and in the file of a killed run.
        outcome: `running`, `passed`, `failed`, `could-not-run`, `interrupted`, `nothing-selected`, `wrong-filter`.
        exit_code: of the whole run.
        started: seconds since the epoch.
        duration: seconds, monotonic.
        profile: name of the checklist.
        planned: names of all gates of the plan, in order; those without a result did not end.
        checklist: names of all gates that the project has, whichever of them are planned; empty in files of earlier versions.
        filter: the expression that the user gave; empty for none.
        effective_filter: the expression that tests had to match, including exclusions.
        rerun_of: id of the run whose outstanding tests and gates this one ran; empty for a new run.
        whole: every gate of the project was part of the run.
        include_excluded: exclusions were switched off.
        command_line: the command of this run, to paste.
        reports: folder of logs and JUnit, relative to the root if inside it.
        quarantine: tests that ran and did not count, and why.
        leaves: what the predicates of all expressions matched, across all gates.
        pythons: versions of Python that the project claims to support, such as `3.12`.
        changed: changes of the subject while gates ran: files, and descriptions of others. Such a run does not pass.
        left: files that appeared while gates ran, are neither tracked nor ignored by git, and are part of the tree from now on.
        notes: other notes for the reader, for example that injection was impossible.
        altered: recorded files that had changed when the run ended: it cannot pass then.
        files: name → digest of every other file of the run; if the run is not complete, of the beginning of each file.
    """

    schema_version: int = SCHEMA_VERSION
    id: str
    complete: bool = False
    outcome: str = "running"
    exit_code: int = 0
    started: float
    duration: float = 0.0
    profile: str = "default"
    project: str = ""
    subject: Subject
    environment: Environment
    changes: Changes | None = None
    planned: tuple[str, ...] = ()
    checklist: tuple[str, ...] = ()
    gates: tuple[GateResult, ...] = ()
    tests: TestCounts | None = None
    exclusions: tuple[ExclusionRecord, ...] = ()
    quarantine: tuple[ExclusionRecord, ...] = ()
    changed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    leaves: tuple[FilterLeaf, ...] = ()
    filter: str = ""
    effective_filter: str = ""
    whole: bool = False
    rerun_of: str = ""
    include_excluded: bool = False
    test_timeout: float | None = None
    jobs: int = 1
    command_line: str = ""
    reports: str = "reports"
    pythons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    files: dict[str, FileDigest] = {}
