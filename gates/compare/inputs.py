"""What a comparison is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from gates.analysis.assertions import Shape
from gates.analysis.dependencies import Dependencies
from gates.compare.confirm import RepeatedOutcomes
from gates.compare.values import BaseFailures, Timing
from gates.portable.values import REGRESSIONS
from gates.results import FileChange, TestResult
from gates.vcs.hunks import FileDifference


class RecordedSide(msgspec.Struct, frozen=True, kw_only=True):
    """Results that came without a run.

    Attributes:
        name: for people.
        identity: of what they were read from.
        tests: the results.
    """

    name: str
    identity: str
    tests: tuple[TestResult, ...]


class RegressionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What the project and the user hold to be a regression.

    Attributes:
        accepted: names of entries of the ledgers that may leave out more.
        fail_on: the findings that make a regression.
        scope: globs of what the branch may touch; empty for anything.
        base_failures: what tests mean that fail as they do on the base.
    """

    accepted: Sequence[str] = ()
    fail_on: Sequence[str] = REGRESSIONS
    scope: Sequence[str] = ()
    base_failures: BaseFailures = "report"


class SourceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What the sources of both sides say.

    Attributes:
        files: that the branch changed.
        shapes: what base and head say of tests; None where they are not at hand.
        dependencies: what base and head depend on; None where they were not looked at.
        api: what `facts.api.api_changes` gives; None where it was not asked.
        differences: between the two subjects, line by line.
        own: likewise, what the head changed since it left the base; None where that is the same.
    """

    files: Sequence[FileChange] = ()
    shapes: tuple[Mapping[str, Shape], Mapping[str, Shape]] | None = None
    dependencies: tuple[Dependencies, Dependencies] | None = None
    api: tuple[Sequence[Mapping[str, str]], str] | None = None
    differences: Sequence[FileDifference] = ()
    own: Sequence[FileDifference] | None = None

    @property
    def of_the_branch(self) -> Sequence[FileDifference]:
        """Its changes, line by line."""
        return self.differences if self.own is None else self.own


class Remeasured(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured after both runs.

    Attributes:
        again: how tests fared that were run again; None where none was.
        suspects: tests and gates that are worth timing again.
        timing: what timing them again showed; None where none was.
    """

    again: RepeatedOutcomes | None = None
    suspects: int = 0
    timing: Timing | None = None


DEFAULT_POLICY, NO_SOURCES, NOT_REMEASURED = RegressionPolicy(), SourceChanges(), Remeasured()
