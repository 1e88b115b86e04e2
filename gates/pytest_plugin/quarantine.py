"""Keeps failures of quarantined tests from failing the session; they stay visible as what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .catalogue import Catalogue

ATTRIBUTE = "gates_quarantine"
"""On a failed report of a quarantined test: the name of the entry."""


class Quarantine:
    """Works where pytest counts failures: in the controller, or in the only process."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self._reasons = reasons
        self._entries: dict[str, str] = {}  # node id → entry

    def take(self, catalogue: Catalogue) -> None:
        """Learn which tests are meant."""
        # Reports name a duplicated test by its bare node id; the entry is the same for all of them, nearly always.
        for test in catalogue.tests:
            if test.quarantined_by:
                self._entries.setdefault(
                    test.id.partition("]#")[0] if "]#" in test.id else test.id, test.quarantined_by
                )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Mark a failure before pytest counts it."""
        entry = self._entries.get(report.nodeid, "")
        if entry and report.failed:
            setattr(report, ATTRIBUTE, entry)
            # What pytest's session, its -x and its JUnit leave out of their counts of failures.
            report.wasxfail = f"quarantined: {self._reasons.get(entry, entry)}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Show it as what it is."""
        if not hasattr(report, ATTRIBUTE):
            return None
        return "quarantined", "q", ("QUARANTINED", {"yellow": True})
