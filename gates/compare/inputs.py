"""The inputs of a comparison."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from gates.analysis.dependencies import Dependencies
from gates.analysis.shapes import Shape
from gates.compare.confirm import RepeatedOutcomes
from gates.compare.proofs import Proof
from gates.compare.values import BaseFailures, Timing
from gates.portable.values import REGRESSIONS
from gates.results import FileChange, Mutation, RedGreen, SettingChange, TestResult, Weakening
from gates.vcs.hunks import FileDifference


class RecordedSide(msgspec.Struct, frozen=True, kw_only=True):
    """Results without a run.

    Attributes:
        name: for people.
        identity: of their source.
        tests: the results.
    """

    name: str
    identity: str
    tests: tuple[TestResult, ...]


class RegressionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What the project and the user count as a regression.

    Attributes:
        accepted: names of entries of the ledgers that may leave out more.
        fail_on: the findings that make a regression.
        scope: globs of files that the branch may change; empty for any file.
        base_failures: what to do with tests that fail as on the base.
        accepted_weakenings: id of a weakening → why it is accepted.
    """

    accepted: Sequence[str] = ()
    fail_on: Sequence[str] = REGRESSIONS
    scope: Sequence[str] = ()
    base_failures: BaseFailures = "report"
    accepted_weakenings: Mapping[str, str] = msgspec.field(default_factory=dict)


class SourceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What the sources of both sides show.

    Attributes:
        files: that the branch changed.
        shapes: what the sources of base and head show about tests; None if they are not available.
        dependencies: what base and head depend on; None if not read.
        api: what `facts.api.api_changes` gives; None if it was not called.
        differences: between the two subjects, line by line.
        own: the same, for what the head changed since it left the base; None if that is equal.
        weakenings: what tests check less.
        excused: tests that are gone, or have fewer parameters, although nothing is checked less: test → why.
        settings: changed settings that decide what a green gate means.
    """

    files: Sequence[FileChange] = ()
    shapes: tuple[Mapping[str, Shape], Mapping[str, Shape]] | None = None
    dependencies: tuple[Dependencies, Dependencies] | None = None
    api: tuple[Sequence[Mapping[str, str]], str] | None = None
    differences: Sequence[FileDifference] = ()
    own: Sequence[FileDifference] | None = None
    weakenings: Sequence[Weakening] = ()
    excused: Mapping[str, str] = msgspec.field(default_factory=dict)
    settings: Sequence[SettingChange] = ()

    @property
    def of_the_branch(self) -> Sequence[FileDifference]:
        """Its changes, line by line."""
        return self.differences if self.own is None else self.own


class Remeasured(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured after both runs.

    Attributes:
        again: outcomes of tests that were run again; None if there are none.
        suspects: tests and gates worth re-timing.
        timing: the result of re-timing; None if there is none.
        red_green: the head's tests on the base's code; None if they were not run there.
        mutation: mutants of changed lines; None if none was tried.
        weakenings: what the recorded assertions show.
        proofs: faults that only the base's versions of tests notice.
        ran: file and line of assertions that ran and passed on the head.
    """

    again: RepeatedOutcomes | None = None
    suspects: int = 0
    timing: Timing | None = None
    red_green: RedGreen | None = None
    mutation: Mutation | None = None
    weakenings: Sequence[Weakening] = ()
    proofs: Sequence[Proof] = ()
    ran: Collection[tuple[str, int]] = ()


DEFAULT_POLICY, NO_SOURCES, NOT_REMEASURED = RegressionPolicy(), SourceChanges(), Remeasured()
