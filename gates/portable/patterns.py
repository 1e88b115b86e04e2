"""Regular expressions that are compiled on first use.

A start needs few of the many in its modules, and compiling all of them takes longer than starting Python.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _Pattern:
    """Compiles its text on the first use of a method, and keeps the method."""

    def __init__(self, text: Any, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # looked up by `copy` and similar functions, and not a method of a pattern
            raise AttributeError(name)
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def lazy_pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """A pattern with the usual methods. Functions of `re` do not accept it."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))
