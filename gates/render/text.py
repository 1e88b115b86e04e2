"""Prepare text of foreign origin (names, messages, tracebacks) for display."""

from __future__ import annotations

from gates.portable.escapes import clean, one_line
from gates.portable.values import format_duration, plural
from gates.render.stacks import LEAD_IN_HEAD, folded

__all__ = ["clean", "duration", "one_line", "plural", "useful_lines"]


def useful_lines(details: str, limit: int = 40, file: str = "") -> tuple[str, ...]:
    """The part of a traceback that explains it, with a note about cuts: its end, or the project's frames of a stack dump.

    Args:
        details: the traceback.
        limit: maximum lines.
        file: of the test, relative to the project.
    """
    lines = clean(details).rstrip().splitlines()
    if LEAD_IN_HEAD in details:
        lines = list(folded(lines, file))
    if len(lines) <= limit:
        return tuple(lines)
    note = f"… {plural(len(lines) - limit, 'line')} cut …"
    if LEAD_IN_HEAD in details:
        return (*lines[:limit], note)
    return (note, *lines[-limit:])


def duration(seconds: float) -> str:
    """A duration for people; `-` for none, and for impossible values."""
    return format_duration(seconds) if 0 < seconds < float("inf") else "-"
