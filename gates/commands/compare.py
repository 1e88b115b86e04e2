"""`gates compare`: run the base, run the head, compare."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gates.analysis.api import api_changes
from gates.analysis.assertions import Shape, shapes_of
from gates.compare.inputs import RegressionPolicy, Remeasured, SourceChanges
from gates.compare.runs import compare_runs
from gates.compare.timing.changes import DEFAULTS, Suspect
from gates.compare.values import BaseFailures, Comparison
from gates.config.request import Request
from gates.files.temporary import scratch
from gates.pipeline.base_and_head import SideRun, Sides
from gates.pipeline.confirm import Confirmed, run_again
from gates.pipeline.execute import Finished
from gates.pipeline.publish import emit
from gates.pipeline.timing import Timed, asked_filter, asked_for, suspects, time_sides
from gates.planning.gate_needs import with_needs
from gates.planning.prepare import Prepared
from gates.planning.subjects import MERGE, WORKTREE
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.filters.nearest import nearest
from gates.portable.settings.declare import replace
from gates.portable.values import REGRESSIONS, ExitCode, GateOutcome
from gates.readers.junit.hints import junit_hint
from gates.results import FileChange, Run, TestResult
from gates.results.files import CONFIRM_FOLDER, LOGS_FOLDER, TIMING_FOLDER
from gates.run.masking import StructMask
from gates.run.start import log_names
from gates.run.witnesses.names import IMPORTS
from gates.storage.claims import NAMES
from gates.storage.reports import Reports, refuse_taken
from gates.vcs.git import Git, changed_files
from gates.vcs.histories import where_left
from gates.vcs.hunks import differences


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The head's run, and what changed against the base."""

    finished: Finished
    comparison: Comparison | None
    exit_code: ExitCode


class CompareOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How two sides are compared.

    Attributes:
        accepted: names of entries of the ledgers that may grow, besides those that the config accepts.
        fail_on: the findings that make a regression.
        scope: globs of files that the branch may change; empty uses those of the config.
        base_failures: what to do with tests that fail as on the base; None uses the config.
        confirm: how often newly failing tests are run again on both sides.
        timing_budget: seconds for re-timing tests; None uses the config.
        timed: a filter expression: these tests are always re-timed.
        all_gates: run the whole checklist, not only gates with tests.
        fresh: run everything again, even what was run before on the same tree.
    """

    accepted: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = REGRESSIONS
    scope: tuple[str, ...] = ()
    base_failures: BaseFailures | None = None
    confirm: int = 0
    timing_budget: float | None = None
    timed: str = ""
    all_gates: bool = False
    fresh: bool = False


def compare_subjects(
    root: Path,
    base: str,
    head: str,
    request: Request,
    command_line: str,
    reports: Path | None = None,
    options: CompareOptions | None = None,
) -> Compared:
    """Run the gates with something to compare on both sides and, on request, newly failing tests again.

    Args:
        root: the project's folder.
        base: a commit.
        head: a subject.
        request: what the user asked for.
        command_line: the command, to paste.
        reports: where reports go; None for the project's reports folder.
        options: how to compare; None for the usual way.

    Raises:
        GatesError: no git, no such commit, or a side that cannot be run.
    """
    options = options or CompareOptions()
    git = Git.of(root)
    if git is None:
        raise UsageError("there is no git repository, so there is nothing to compare with", place=str(root))
    for name in (base, head):
        if name != WORKTREE and not name.startswith(MERGE):
            git.need_commit(name, also=", and no file either")
    with Sides(root, git, base, head, command_line, fresh=options.fresh) as sides:
        prepared = sides.prepare_head(request, reports)
        _refuse_unknown(prepared, options.accepted)
        budget = options.timing_budget or prepared.config.timing_budget
        _need_budget(options, budget)
        wanted = request if options.all_gates else _wanted(prepared, request)
        _refuse_taken(prepared, options, budget)
        sys.stderr.write(f"gates: {', '.join(_named(prepared, wanted)) or 'all'}\n")
        sys.stderr.write(f"base: {base} ({git.commit(base)[:12]})\n")
        base_side = sides.run_base(wanted, prepared.store.folder / "baseline")
        if base_side.finished.run.exit_code == ExitCode.INTERRUPTED:
            return Compared(finished=base_side.finished, comparison=None, exit_code=ExitCode.INTERRUPTED)
        _refuse_foreign(base_side.finished, base)
        _need_tests(prepared, base_side.finished, base)
        sys.stderr.write(f"head: {head}\n")
        measured = _Measured(git, prepared, options, base_side, sides.run_head(wanted, reports))
    if measured.code != ExitCode.INTERRUPTED:
        measured.confirm(sides, wanted)
    if measured.code != ExitCode.INTERRUPTED:
        measured.time(sides, wanted, command_line, budget)
    return Compared(finished=measured.after, comparison=measured.comparison, exit_code=measured.code)


class _Measured:
    """The results of both sides; each further measurement extends the comparison and writes it again."""

    def __init__(self, git: Git, prepared: Prepared, options: CompareOptions, base: SideRun, head: SideRun) -> None:
        self.before, self.after = base.finished, head.finished
        self._config, self._options = prepared.config, options
        self._records, self._root = prepared.store.records, prepared.home
        behind, fork = where_left(git, self.before.run.subject, self.after.run.subject)
        self._sources = _read(git, (base, head), fork)
        unreadable = [f"cannot be read: {text}" for side in (base.needs, head.needs) for text in side.unreadable]
        self._notes = (*behind, *base.notes, *head.notes, *unreadable, *_only_outcomes(self.before.run, self.after.run))
        self._again: Confirmed | None = None
        self._timed: Timed | None = None
        self._settings = msgspec.structs.replace(DEFAULTS, threshold=prepared.config.timing_threshold)
        self._mask = StructMask.of(prepared.config)
        self._suspects: tuple[Suspect, ...] = ()
        self.comparison = self._compared()
        self._suspect(options.timed)
        self._write()

    def _suspect(self, expression: str) -> None:
        """Find what is worth re-timing, or was requested."""
        runs = (self.before, self.after)
        asked = asked_for(runs, expression)
        self._suspects = suspects(runs, self.comparison.tests, self._settings, asked)
        if expression and asked.isdisjoint(one.test for one in self._suspects):
            what = "no test that passed on both sides" if asked else "no test"
            self._notes = (*self._notes, f"--timed '{expression}' selects {what}")

    def confirm(self, sides: Sides, request: Request) -> None:
        """Run newly failing tests again, on request."""
        tests = self.comparison.tests
        if self._options.confirm and tests.newly_failing:
            self._again = run_again(tests, self.before, self.after, self._options.confirm, request, sides.run)
            self._write(interrupted=self._again.interrupted)

    def time(self, sides: Sides, request: Request, command_line: str, budget: float | None) -> None:
        """Re-time what seems slower or faster, if there is a budget for it."""
        if budget:
            self._timed = time_sides(
                self._suspects, (self.before, self.after), self.comparison.tests, request, sides.prepared,
                command_line, budget, self._settings,
            )  # fmt: skip
            self._write(interrupted=self._timed.interrupted)

    def _compared(self) -> Comparison:
        options, config = self._options, self._config
        notes = [note for each in (self._again, self._timed) if each is not None for note in each.notes]
        return compare_runs(
            self.before.run,
            self.before.tests,
            self.after.run,
            self.after.tests,
            (*self._notes, *notes),
            policy=RegressionPolicy(
                accepted=(*config.accept_exclusions, *options.accepted),
                fail_on=options.fail_on,
                scope=options.scope or config.scope,
                base_failures=options.base_failures or config.base_failures,
            ),
            sources=self._sources,
            remeasured=Remeasured(
                again=self._again.again if self._again is not None else None,
                suspects=len(self._suspects),
                timing=self._timed.timing if self._timed is not None else None,
            ),
        )

    def _write(self, *, interrupted: bool = False) -> None:
        self.comparison = self._mask.struct(self._compared())
        self.code = ExitCode.INTERRUPTED if interrupted else exit_of(self.after, self.comparison)
        after = self.after
        with Reports.resume(after.reports, self._records, after.run.id, after.run.files, self._root) as reports:
            reports.restore()
            run = emit(after.run, after.tests, reports, self.comparison)
        self.after = msgspec.structs.replace(after, run=run)


def _only_outcomes(base: Run, head: Run) -> tuple[str, ...]:
    """What to do if no gate has tests that could be compared by name."""
    if base.tests is not None or head.tests is not None:
        return ()
    hint = junit_hint(gate.command_line for gate in head.gates)
    how = f" ({hint})" if hint else ""
    return (
        f"no gate has test results, so only how the gates ended is compared; to compare tests, let their runner write JUnit{how}, and name the file as `junit` in the gate's table",
    )


def _refuse_taken(prepared: Prepared, options: CompareOptions, budget: float | None) -> None:
    """Refuse, before anything runs, to replace reports that gates did not write."""
    folders = [
        f"{CONFIRM_FOLDER}/{side}-{number + 1}" for side in ("base", "head") for number in range(options.confirm)
    ]
    folders += [f"{TIMING_FOLDER}/{side}" for side in ("base", "head") if budget]
    needs = [f"{LOGS_FOLDER}/{name}" for name in log_names(prepared.plan).values()]
    needs += [f"{folder}/{name}" for folder in folders for name in NAMES["run"]]
    refuse_taken(prepared.reports, prepared.store.records, root=prepared.home, needs=needs)


def _need_budget(options: CompareOptions, budget: float | None) -> None:
    """Refuse what cannot be timed before anything runs."""
    if options.timed:
        asked_filter(options.timed)
    if budget:
        return
    asked = "--timed" if options.timed else "--fail-on slower" if "slower" in options.fail_on else ""
    if asked:
        raise UsageError(
            f"{asked} needs a time budget to re-time tests",
            expected="a budget",
            remedy="--timing-budget 2m, or timing-budget in the config",
        )


def _wanted(prepared: Prepared, request: Request) -> Request:
    """The gates that run on both sides; one that only has diagnostics may be missing on the base."""
    if request.gates:
        return request
    names = gates_to_compare(prepared)
    return replace(request, gates=names, if_there=frozenset(names) - set(_with_tests(prepared)))


def _named(prepared: Prepared, request: Request) -> list[str]:
    """The gates that will run, including those that they need; empty for all."""
    chosen = [gate for gate in prepared.gates if {gate.name, gate.group} & set(request.gates or ())]
    return [gate.name for gate in with_needs(prepared.gates, chosen)]


def _refuse_foreign(base: Finished, name: str) -> None:
    foreign = [
        witness.detail
        for gate in base.run.gates
        for witness in gate.witnesses
        if witness.name == IMPORTS and witness.outcome is GateOutcome.FAILED
    ]
    if foreign:
        raise EnvironmentProblem("the base cannot be compared with", place=name, got=foreign[0])


def _need_tests(prepared: Prepared, base: Finished, name: str) -> None:
    """Refuse a base without results although it is known to have tests; a gate without tests is compared by its outcome."""
    known = set(_known_to_bring_tests(prepared))
    if base.run.tests is not None or not known.intersection(gate.name for gate in base.run.gates):
        return
    passed = all(gate.outcome is GateOutcome.PASSED for gate in base.run.gates)
    raise (UsageError if passed else EnvironmentProblem)(
        "the base has no test results to compare with",
        place=f"{name} ({base.run.subject.commit[:12]})",
        got=", ".join(f"{gate.name}: {gate.outcome} {gate.reason}".strip() for gate in base.run.gates),
        remedy=f"look at {base.reports / 'logs'}",
    )


def _read(git: Git, sides: tuple[SideRun, SideRun], fork: str) -> SourceChanges:
    """What the sources of both sides show; changes of the branch count from where it left the base, if that is known."""
    base, head = sides
    trees = (_tree(base.finished), _tree(head.finished))
    differing = changed_files(git, *trees)
    shapes, api = _read_python(git, trees, differing, (*base.finished.tests, *head.finished.tests))
    return SourceChanges(
        files=changed_files(git, git.tree(fork), trees[1]) if fork else differing,
        shapes=shapes,
        dependencies=(base.needs, head.needs),
        api=api,
        differences=differences(git, *trees),
        own=differences(git, git.tree(fork), trees[1]) if fork else None,
    )


def _read_python(
    git: Git, trees: tuple[str, str], differing: Sequence[FileChange], tests: Sequence[TestResult]
) -> tuple[tuple[dict[str, Shape], dict[str, Shape]], tuple[list[dict[str, str]], str]]:
    """What the sources of both trees show about tests and the public API; unchanged files are skipped."""
    changed = {change.path for change in differing}
    files = [file for file in {test.file for test in tests} if f"{git.prefix}{file}" in changed]
    api = any(path.endswith((".py", ".pyi")) for path in changed)
    if not files and not api:
        return ({}, {}), ([], "")
    with scratch("sources-") as work:
        folders = [work / side for side in ("base", "head")]
        for tree, folder in zip(trees, folders, strict=True):
            git.export(tree, folder, ":(glob)**/*.py", ":(glob)**/*.pyi")
        base, head = (folder / git.prefix for folder in folders)
        shapes = (shapes_of(base, files), shapes_of(head, files))
        return shapes, api_changes(base, head) if api else ([], "")


def _refuse_unknown(prepared: Prepared, accepted: tuple[str, ...]) -> None:
    known = [entry.name for entry in (*prepared.config.exclusions, *prepared.config.quarantine)]
    for name in accepted:
        if name not in known:
            near = nearest(name, known)
            raise UsageError(
                f"no exclusion is named {name!r}",
                remedy=f"did you mean {near!r}?" if near else f"known: {', '.join(known) or 'none'}",
            )


def gates_to_compare(prepared: Prepared) -> tuple[str, ...]:
    """Gates with test results, diagnostics or coverage, in checklist order; all gates if none has tests."""
    planned = [item.gate for item in prepared.plan.gates]
    found = _with_tests(prepared)
    return tuple(gate.name for gate in planned if not found or gate.name in found or gate.brings)


def _with_tests(prepared: Prepared) -> tuple[str, ...]:
    """Gates that are known to have tests, or have the name of one that does."""
    known = _known_to_bring_tests(prepared)
    return tuple(
        item.gate.name
        for item in prepared.plan.gates
        if item.gate.name in known or item.gate.group in ("test", "tests")
    )


def _known_to_bring_tests(prepared: Prepared) -> tuple[str, ...]:
    """Gates that declare test results, or had some last time."""
    history = prepared.store.history()
    return tuple(
        item.gate.name
        for item in prepared.plan.gates
        if item.gate.config.tests in ("pytest", "junit")
        or item.gate.config.junit
        or (item.gate.name in history and history[item.gate.name].tests)
    )


def exit_of(head: Finished, comparison: Comparison) -> ExitCode:
    """Exit code of a comparison: a regression is reported as such, although it also made the head's gate fail.

    If everything that fails on the head also fails on the base, the head did not fail, unless that blocks.
    """
    code = ExitCode(head.run.exit_code)
    if comparison.regression and code in (ExitCode.GATE_FAILED, ExitCode.PASSED, ExitCode.COULD_NOT_RUN):
        return ExitCode.REGRESSION
    if code is ExitCode.GATE_FAILED and comparison.only_base_failures and not comparison.blocked:
        code = ExitCode.PASSED
    # It was requested, and nobody knows the answer: that must not look like a pass.
    return ExitCode.COULD_NOT_RUN if code is ExitCode.PASSED and comparison.unjudged else code


def _tree(side: Finished) -> str:
    return side.run.subject.identity.removeprefix("git-tree:")
