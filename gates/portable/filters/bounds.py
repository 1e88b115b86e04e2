"""Bound the time that matching takes: a pattern such as `(.*a){30}b` may take longer than the sun shines.

The module `re` tries one way after the other, and offers no limit. But it looks for signals while it does, so a timer of
the processor time that the process spends can end it. The time is that of all matches together, with a little for each: no
pattern takes long that is not tried over and over, and a busy machine changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import UsageError
from ..originals import signal

SECONDS = 2.0
"""Processor time for any number of matches."""
FOR_EACH = 0.001
"""More of it, for each text that is matched."""
HARMLESS = 3
"""So many repetitions in a pattern take no time worth mentioning, with a text as long as a path."""


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
    """Match no longer than that, inside of this. In a thread nothing is bounded: there signals are not heard.

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
    """A pattern that somebody wrote into a config; matching it once is bounded where it could take long."""

    def __init__(self, pattern: re.Pattern[str], source: str) -> None:
        self._pattern, self._source = pattern, source
        self._harmless = sum(map(pattern.pattern.count, "*+{")) <= HARMLESS

    def match(self, text: str) -> bool:
        """Whether the text begins so. Raises as `bounded`."""
        if self._harmless:
            return self._pattern.match(text) is not None
        with bounded(self._source):
            return self._pattern.match(text) is not None
