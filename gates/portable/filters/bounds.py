"""Limit the time of matching: a pattern such as `(.*a){30}b` may practically never end.

The module `re` tries one way after another and has no time limit. But it checks for signals meanwhile, so a timer for
the processor time of the process can end it. The limit is for all matches together, plus a little for each: no
reasonable pattern takes that long, and a busy machine makes no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import UsageError
from ..originals import signal

SECONDS = 2.0
"""Processor time for all matches together."""
FOR_EACH = 0.001
"""Additional processor time for each text."""
HARMLESS = 3
"""Up to this many repetitions in a pattern take negligible time on a text as long as a path."""


class TooSlow(UsageError):
    """A pattern that takes too long."""

    def __init__(self, pattern: str) -> None:
        super().__init__(
            f"{pattern} takes too long to match",
            expected="a pattern that reads each character only a few times",
            remedy="do not repeat something that itself repeats, as in (.*a)*; several .* in a row are just as slow",
        )
        self.pattern = pattern

    def __reduce__(self) -> tuple[type[TooSlow], tuple[str]]:
        return TooSlow, (self.pattern,)


@contextmanager
def bounded(pattern: str, texts: int = 1) -> Iterator[None]:
    """Limit the time of matching inside this context. A thread has no limit: it gets no signals.

    Args:
        pattern: as the user wrote it, for the error.
        texts: how many are matched.

    Raises:
        TooSlow: it takes longer.
    """
    armed = True

    def late(*_: object) -> None:
        if armed:
            raise TooSlow(pattern)

    try:
        handler = signal.signal(signal.SIGVTALRM, late)
    except (AttributeError, ValueError):  # no such signal on this system; not in the main thread
        yield
        return
    before = signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS + FOR_EACH * texts)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_VIRTUAL, *before)
        signal.signal(signal.SIGVTALRM, handler if handler is not None else signal.SIG_DFL)


class BoundedPattern:
    """A pattern from a config; a match that could take long has a time limit."""

    def __init__(self, pattern: re.Pattern[str], source: str) -> None:
        self._pattern, self._source = pattern, source
        self._harmless = sum(map(pattern.pattern.count, "*+{")) <= HARMLESS

    def match(self, text: str) -> bool:
        """Whether the pattern matches at the beginning of the text. Raises as `bounded`."""
        if self._harmless:
            return self._pattern.match(text) is not None
        with bounded(self._source):
            return self._pattern.match(text) is not None
