"""Counts failures, and tells every process of the run when there are enough."""

from __future__ import annotations

from ...portable.settings.plugin import PluginSettings
from ...portable.stream import Stop, reached
from ...portable.values import parse_max_fail


class FailureCounter:
    """In the recording process: counts the failures of this session."""

    def __init__(self, settings: PluginSettings) -> None:
        self._left = self._most = parse_max_fail(settings.max_fail)[0]
        self.stop = Stop(settings.locks)

    def count(self) -> None:
        """Count a failure."""
        self._left -= 1
        if not self._left:
            self.stop.say(reached(self._most))
