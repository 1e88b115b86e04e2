"""Stops starting tests once enough have failed, in any process of the run."""

from __future__ import annotations

import pytest

from ...portable.settings.plugin import PluginSettings
from ...portable.stream import Stop, reached
from ...portable.values import parse_max_fail


class MaxFailStop:
    """In each process that runs tests; registered after everything that runs them, so that pytest calls it first."""

    def __init__(self, settings: PluginSettings) -> None:
        self._stop, self._most = Stop(settings.locks), parse_max_fail(settings.max_fail)[0]
        self._wrong: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> bool | None:
        """Skip over a test: it has no report, and is recorded as not run."""
        return True if self._stop else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count here, too: a worker is ahead of the recording process."""
        if report.failed:
            self._wrong.add(report.nodeid)
            if len(self._wrong) == self._most and not self._stop:
                self._stop.say(reached(self._most))
