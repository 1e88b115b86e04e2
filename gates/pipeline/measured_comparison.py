"""Compare two runs, and write the comparison again after each further measurement."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from gates.compare.inputs import RegressionPolicy, Remeasured, SourceChanges
from gates.compare.runs import compare_runs
from gates.compare.timing.changes import DEFAULTS, Suspect
from gates.compare.values import Comparison
from gates.compare.weakenings import accepted_weakenings, noting_unknown
from gates.config.request import Request
from gates.pipeline.base_and_head import SideRun, Sides
from gates.pipeline.compare_options import CompareOptions
from gates.pipeline.confirm import Confirmed, run_again
from gates.pipeline.execute import Finished
from gates.pipeline.mutation import Wanted, try_or_say
from gates.pipeline.publish import emit
from gates.pipeline.python_sources import read_python
from gates.pipeline.recorded_assertions import NOT_RECORDED, RecordedAssertions
from gates.pipeline.red_green import BothRuns, WithoutChange, red_green
from gates.pipeline.settings import changed_settings
from gates.pipeline.timing import Timed, asked_for, suspects, time_sides
from gates.pipeline.weakening_proofs import Proofs, Question, prove
from gates.planning.prepare import Prepared
from gates.portable.values import ExitCode
from gates.readers.junit.hints import junit_hint
from gates.results import Mutation, Run
from gates.run.masking import StructMask
from gates.storage.reports import Reports
from gates.vcs.git import Git, changed_files
from gates.vcs.histories import where_left
from gates.vcs.hunks import differences


class MeasuredComparison:
    """The results of both sides; each further measurement extends the comparison and writes it again."""

    def __init__(
        self,
        git: Git,
        prepared: Prepared,
        options: CompareOptions,
        base: SideRun,
        head: SideRun,
        recorded: RecordedAssertions = NOT_RECORDED,
    ) -> None:
        self.before, self.after = base.finished, head.finished
        self._config, self._options = prepared.config, options
        self._records, self._root = prepared.store.records, prepared.home
        behind, fork = where_left(git, self.before.run.subject, self.after.run.subject)
        self._git, self._fork = git, fork
        self._sources = _read(git, (base, head), fork)
        unreadable = [f"cannot be read: {text}" for side in (base.needs, head.needs) for text in side.unreadable]
        self._notes = (
            *behind,
            *base.notes,
            *head.notes,
            *unreadable,
            *_only_outcomes(self.before.run, self.after.run),
            *recorded.notes,
        )
        self._recorded = recorded
        self._again: Confirmed | None = None
        self._red_green: WithoutChange | None = None
        self._mutation: Mutation | None = None
        self._proofs = Proofs()
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

    def run_without_change(self, sides: Sides, request: Request) -> None:
        """Run the head's new and changed tests on the code that it changed, on request."""
        if self._options.without_change:
            watch = sides.watches.get("head")
            both = BothRuns(
                before=self.before,
                after=self.after,
                tests=self.comparison.tests,
                watched=watch.tests if watch is not None else frozenset(),
            )
            code = self._fork or self.before.run.subject.commit
            self._red_green = red_green(
                self._git, code, both, self._sources, request, sides.run_grafted, self._options.confirm
            )
            self._write(interrupted=self._red_green.interrupted)

    def try_mutants(self, sides: Sides, request: Request) -> None:
        """Try mutants of the changed lines, and of the code that changed tests reach, on request."""
        budget = self._options.mutants
        if not budget:
            return
        with sides.prepared("head", request, None) as prepared:
            today = datetime.now(UTC).date()
            wanted = Wanted(differences=self._sources.of_the_branch, budget=budget / 2, today=today)
            self._mutation = try_or_say(prepared, wanted)
        if not self._mutation.stopped and not self._mutation.unknown:
            self._proofs = prove(self._git, sides, self._question(sides, budget / 2), request)
        self._write(interrupted=bool(self._mutation.stopped or self._proofs.stopped))

    def _question(self, sides: Sides, budget: float) -> Question:
        """Which tests may check less: those with a finding first, then all whose code changed."""
        told = [one.test for one in self.comparison.weakenings if one.test and not one.accepted]
        changed = sorted(sides.watches["base"].tests) if sides.watches else []
        return Question(
            base=self.before.run.subject,
            head=self.after.run.subject,
            fork=self._fork or self.before.run.subject.commit,
            files=self._sources.files,
            tests=tuple(dict.fromkeys((*told, *changed))),
            with_tests=frozenset(test.file for test in self.after.tests),
            budget=budget,
        )

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
        compared = compare_runs(
            self.before.run,
            self.before.tests,
            self.after.run,
            self.after.tests,
            (*self._notes, *notes, *self._proofs.notes),
            policy=RegressionPolicy(
                accepted=(*config.accept_exclusions, *options.accepted),
                accepted_weakenings=accepted_weakenings((*config.accept_weakened, *options.accept_weakened)),
                fail_on=options.fail_on,
                scope=options.scope or config.scope,
                base_failures=options.base_failures or config.base_failures,
            ),
            sources=self._sources,
            remeasured=Remeasured(
                again=self._again.again if self._again is not None else None,
                suspects=len(self._suspects),
                weakenings=self._recorded.weakenings,
                mutation=self._mutation,
                proofs=self._proofs.found,
                ran=self._recorded.ran,
                timing=self._timed.timing if self._timed is not None else None,
                red_green=self._red_green.found if self._red_green is not None else None,
            ),
        )
        return noting_unknown(compared, accepted_weakenings(options.accept_weakened))

    def _write(self, *, interrupted: bool = False) -> None:
        self.comparison = self._mask.struct(self._compared())
        self.code = ExitCode.INTERRUPTED if interrupted else exit_of(self.after, self.comparison)
        after = self.after
        with Reports.resume(after.reports, self._records, after.run.id, after.run.files, self._root) as reports:
            reports.restore()
            run = emit(after.run, after.tests, reports, self.comparison, self._records.parent)
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


def _read(git: Git, sides: tuple[SideRun, SideRun], fork: str) -> SourceChanges:
    """What the sources of both sides show; changes of the branch count from where it left the base, if that is known."""
    base, head = sides
    trees = (_tree(base.finished), _tree(head.finished))
    differing = changed_files(git, *trees)
    began = git.tree(fork) if fork else trees[0]
    files = {test.file for test in (*base.finished.tests, *head.finished.tests)}
    python = read_python(git, trees, began, differing, sorted(files))
    lines = differences(git, *trees)
    own = differences(git, began, trees[1]) if fork else None
    return SourceChanges(
        files=changed_files(git, began, trees[1]) if fork else differing,
        shapes=python.shapes,
        dependencies=(base.needs, head.needs),
        api=python.api,
        differences=lines,
        own=own,
        weakenings=python.checks.weakenings,
        excused=python.checks.excused,
        settings=changed_settings(
            git,
            (began, trees[1]),
            lines if own is None else own,
            (base.finished.run, head.finished.run),
            moved_on=began != trees[0],
        ),
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
    # It was requested, and the answer is unknown: that must not look like a pass.
    return ExitCode.COULD_NOT_RUN if code is ExitCode.PASSED and comparison.unjudged else code


def _tree(side: Finished) -> str:
    return side.run.subject.identity.removeprefix("git-tree:")
