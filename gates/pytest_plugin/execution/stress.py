"""Repeats each test; it passes if every attempt did."""

from __future__ import annotations

from typing import Callable

import pytest

from ...portable.originals import time
from ...portable.settings.plugin import PluginSettings
from ...portable.values import plural
from ..reporting.reports import text_of
from .retries import attempt_of
from .running import sign_of_life

KEPT = 10
"""Maximum number of failed attempts whose reports are kept."""


class StressRunner:
    """Replaces retries, because here a failure is what one is looking for."""

    def __init__(self, settings: PluginSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._count, self._seconds, self._clock = settings.stress_count, settings.stress_duration or 0.0, clock

    @pytest.hookimpl
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test as often, or for as long, as requested, but at least once."""
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        began, number, failures, first = self._clock(), 0, 0, ""
        while True:
            number += 1
            last = self._is_last(number, began)
            sign_of_life(item.config)
            reports = attempt_of(item, nextitem if last else item.parent)
            failed = next((report for report in reports if report.failed), None)
            if failed is not None:
                failures += 1
                first = first or text_of(failed)
            if last or reports[0].skipped:
                break
            if failed is not None and failures <= KEPT:
                failed.outcome = "rerun"  # type: ignore[assignment]  # as in `trying`
                hook.pytest_runtest_logreport(report=failed)
        if failures and number > 1:
            lead = failed or next((report for report in reports if report.when == "call"), reports[0])
            lead.outcome = "failed"
            lead.longrepr = f"{first}\n\nfailed {failures} of {plural(number, 'attempt')}"
        for report in reports:
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _is_last(self, number: int, began: float) -> bool:
        # If both are given, the first limit that is reached counts.
        if self._count and number >= self._count:
            return True
        return bool(self._seconds) and self._clock() - began >= self._seconds
