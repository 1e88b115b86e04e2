"""A position in the text of an expression, and the problems found up to it."""

from __future__ import annotations

import re

from ..patterns import lazy_pattern
from .errors import Problem
from .nodes import Span

_SPACE = lazy_pattern(r"\s*")


class Cursor:
    """Moves through a text; collects problems instead of stopping at the first."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.problems: list[Problem] = []

    @property
    def done(self) -> bool:
        """Whether the end of the text is reached."""
        return self.at >= len(self.text)

    def problem(self, start: int, end: int, label: str, hint: str = "") -> None:
        """Note a problem with a part of the text."""
        self.problems.append(Problem(Span(start, end), label, hint))

    def skip_space(self) -> None:
        """Skip spaces."""
        self.at = self.end_of(_SPACE, self.at)

    def end_of(self, pattern: re.Pattern[str], start: int) -> int:
        """The end of a match that begins at `start`; `start` itself without one."""
        match = pattern.match(self.text, start)
        return match.end() if match is not None else start

    def space_after(self, start: int) -> int:
        """The end of the spaces that begin at `start`."""
        return self.end_of(_SPACE, start)

    def sees(self, text: str) -> bool:
        """Whether `text` comes next."""
        return self.text.startswith(text, self.at)
