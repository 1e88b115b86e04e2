"""Regular expressions that are compiled when they are first used.

A start needs few of the many that its modules hold, and compiling all of them takes longer than starting Python.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _Pattern:
    """Compiles its text when somebody first asks for a method, and keeps the method."""

    def __init__(self, text: Any, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked of the class by `copy` and its like, and no pattern's own
            raise AttributeError(name)
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def lazy_pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """A pattern to call the methods of. Functions of `re` do not take it."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))
