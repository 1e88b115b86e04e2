"""Starts no further test once enough failed, in whichever process of the run."""

from __future__ import annotations

import pytest

from ...portable.settings.plugin import PluginSettings
from ...portable.stream import Stop, reached
from ...portable.values import parse_max_fail


class FailureCounter:
    """In the process that records: counts the failures of this session."""

    def __init__(self, settings: PluginSettings) -> None:
        self._left = self._most = parse_max_fail(settings.max_fail)[0]
        self.stop = Stop(settings.locks)

    def count(self) -> None:
        """One more failed."""
        self._left -= 1
        if not self._left:
            self.stop.say(reached(self._most))


class MaxFailStop:
    """In each process that runs tests; registered behind whatever runs them, so that it is asked first."""

    def __init__(self, settings: PluginSettings) -> None:
        self._stop, self._most = Stop(settings.locks), parse_max_fail(settings.max_fail)[0]
        self._wrong: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> bool | None:
        """Pass over a test: it leaves no report, and is recorded as not run."""
        return True if self._stop else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count here, too: a worker is ahead of the process that records."""
        if report.failed:
            self._wrong.add(report.nodeid)
            if len(self._wrong) == self._most and not self._stop:
                self._stop.say(reached(self._most))
