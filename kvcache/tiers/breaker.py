"""Stop calling what fails again and again, and try again after a while."""

from __future__ import annotations

from kvcache.values import Clock


class Breaker:
    """Counts failures in a row. Not thread-safe: its owner has the lock.

    Args:
        failures: after so many in a row no call is let through.
        cooldown: seconds until one is let through, to see; if that one fails, as many again.
        clock: tells the seconds.
    """

    def __init__(self, *, failures: int, cooldown: float, clock: Clock) -> None:
        self._most = failures
        self._cooldown = cooldown
        self._clock = clock
        self._failures = 0
        self._until: float | None = None  # when a call is let through again
        self.opened = 0
        """How often it opened."""

    @property
    def is_open(self) -> bool:
        """Whether no call is let through now."""
        return self.remaining() > 0

    def remaining(self) -> float:
        """Seconds until a call is let through; 0: now."""
        return 0.0 if self._until is None else max(0.0, self._until - self._clock())

    def allow(self) -> bool:
        """Whether to try now. While it is not known whether all is well again, one is let through per cool-down."""
        if self.remaining() > 0:
            return False
        if self._until is not None:
            self._until = self._clock() + self._cooldown
        return True

    def succeeded(self) -> None:
        """All is well."""
        self._failures, self._until = 0, None

    def failed(self) -> None:
        """It failed once more."""
        self._failures += 1
        if self._failures >= self._most:
            self.opened += self._until is None
            self._until = self._clock() + self._cooldown
