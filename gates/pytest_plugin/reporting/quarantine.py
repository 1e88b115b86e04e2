"""Keeps failures of quarantined tests from failing the session, but shows them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING

import pytest

from .subtests import is_subtest

if TYPE_CHECKING:
    from ..selection.catalogue import Catalogue

ATTRIBUTE = "gates_quarantine"
"""Attribute on a failed report of a quarantined test: the name of the entry and the original outcome."""


def as_it_was(report: pytest.TestReport) -> pytest.TestReport:
    """The report before the quarantine changed it; extra attributes pass through xdist."""
    told = getattr(report, ATTRIBUTE, None)
    if told is None:
        return report
    original = copy(report)
    original.outcome = told[1]
    del original.wasxfail
    return original


class Quarantine:
    """Active wherever pytest counts failures: in every process, because xdist's workers also apply -x."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self._reasons = reasons
        self._entries: dict[str, str] = {}  # node id → entry
        self._with_failed_subtests: set[str] = set()

    def take(self, catalogue: Catalogue) -> None:
        """Store which tests are quarantined."""
        # Reports name a duplicated test by its bare node id; nearly always, the entry is the same for all of them.
        for test in catalogue.tests:
            if test.quarantined_by:
                self._entries.setdefault(
                    test.id.partition("]#")[0] if "]#" in test.id else test.id, test.quarantined_by
                )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Turn a failure into something that pytest and its plugins do not count as one, before they count."""
        entry = self._entries.get(report.nodeid, "")
        if not entry or hasattr(report, ATTRIBUTE):
            return
        if report.failed and is_subtest(report):
            self._with_failed_subtests.add(report.nodeid)
        # pytest 9 lets a test with failed subtests pass up to here, and makes it fail while it is being shown.
        fails_later = report.when == "call" and report.passed and report.nodeid in self._with_failed_subtests
        if report.failed or (fails_later and not is_subtest(report)):
            setattr(report, ATTRIBUTE, (entry, report.outcome))
            # For others, an expected failure: neither the session, nor -x (also xdist's), nor JUnit counts it.
            report.outcome = "skipped"
            report.wasxfail = f"quarantined: {self._reasons.get(entry, entry)}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Show it as quarantined."""
        if not hasattr(report, ATTRIBUTE):
            return None
        return "quarantined", "q", ("QUARANTINED", {"yellow": True})
