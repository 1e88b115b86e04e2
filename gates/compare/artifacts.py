"""Compare what gates report besides outcomes: diagnostics, warnings, coverage. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gates.compare.coverage import compare_coverage
from gates.compare.diagnostics import compare_diagnostics
from gates.compare.test_warnings import compare_warnings
from gates.results import GateResult
from gates.vcs.hunks import FileDifference

if TYPE_CHECKING:
    from gates.compare.values import CoverageComparison, DiagnosticsComparison, WarningsComparison


class ArtifactChanges(NamedTuple):
    """What changed."""

    diagnostics: tuple[DiagnosticsComparison, ...]
    warnings: WarningsComparison | None
    coverage: CoverageComparison | None

    @property
    def findings(self) -> dict[str, bool]:
        """Which findings exist."""
        return {
            "findings": any(gate.new for gate in self.diagnostics),
            "warnings": self.warnings is not None and bool(self.warnings.new),
            "uncovered": self.coverage is not None and bool(self.coverage.uncovered),
        }

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Findings that may or may not exist, because something is unknown and none was found."""
        unknown = {
            "findings": not self.diagnostics or any(gate.unknown for gate in self.diagnostics),
            "warnings": self.warnings is None or bool(self.warnings.unknown),
            "uncovered": self.coverage is None or bool(self.coverage.unknown),
        }
        there = self.findings
        return tuple(finding for finding, missing in unknown.items() if missing and not there[finding])


def compare_artifacts(
    base: Sequence[GateResult],
    head: Sequence[GateResult],
    differences: Sequence[FileDifference],
    changed: Sequence[FileDifference],
) -> ArtifactChanges:
    """Compare all of it.

    Args:
        base: gates of the base.
        head: gates of the head.
        differences: between the two subjects.
        changed: what the head changed since it left the base.
    """
    renamed = {file.after: file.before for file in differences if file.before and file.after != file.before}
    return ArtifactChanges(
        diagnostics=compare_diagnostics(base, head, differences),
        warnings=compare_warnings(base, head, renamed),
        coverage=compare_coverage(base, head, changed),
    )
