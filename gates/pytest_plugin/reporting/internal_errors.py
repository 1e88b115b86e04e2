"""Reports why pytest itself, or a process that a test forked, cannot go on, with the place, while the exception exists."""

from __future__ import annotations

from pathlib import Path

from ...portable.frames import in_project, place_of_exception
from ..text import first_line

TROUBLE = "trouble"
"""The kind of this record."""

FORKED = "forked"
"""The same, for a process that a test forked and that returned into pytest through an exception."""


def trouble_of(error: BaseException, root: Path) -> str:
    """`tests/conftest.py:1: ModuleNotFoundError: No module named 'pretend'`."""
    told = getattr(error, "cause", None)  # pytest wraps what a conftest raises
    raised = told if isinstance(told, BaseException) else error
    place = place_of_exception(raised, str(root)) or place_of_exception(error, str(root))
    place = place or in_project(str(getattr(error, "path", "")), str(root))
    try:
        # For a file that Python cannot parse, only the message: the place is in that file.
        words = str(raised.msg) if isinstance(raised, SyntaxError) else first_line(str(raised))
    except Exception:  # noqa: BLE001 (an exception of the project may do anything)
        words = ""
    said = ": ".join(part for part in (type(raised).__name__, words) if part)
    return f"{place}: {said}" if place else said
