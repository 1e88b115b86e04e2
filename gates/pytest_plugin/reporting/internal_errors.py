"""Says why pytest itself, or a process that a test forked, cannot go on: with the place, while the exception is at hand."""

from __future__ import annotations

from pathlib import Path

from ...portable.frames import in_project, place_of_exception
from .text import first_line

TROUBLE = "trouble"
"""The kind of the record that says it."""

FORKED = "forked"
"""Likewise, of a process that a test forked, and that came back into pytest by an exception."""


def trouble_of(error: BaseException, root: Path) -> str:
    """`tests/conftest.py:1: ModuleNotFoundError: No module named 'pretend'`."""
    told = getattr(error, "cause", None)  # pytest wraps what a conftest raises
    raised = told if isinstance(told, BaseException) else error
    place = place_of_exception(raised, str(root)) or place_of_exception(error, str(root))
    place = place or in_project(str(getattr(error, "path", "")), str(root))
    try:
        # Of a text that Python cannot read, the message alone: the place is that of the text.
        words = str(raised.msg) if isinstance(raised, SyntaxError) else first_line(str(raised))
    except Exception:  # noqa: BLE001 (an exception of the project may do anything)
        words = ""
    said = ": ".join(part for part in (type(raised).__name__, words) if part)
    return f"{place}: {said}" if place else said
