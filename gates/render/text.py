"""Prepare text of foreign origin (names, messages, tracebacks) for display."""

from __future__ import annotations

from gates.portable.escapes import clean, one_line
from gates.portable.values import format_duration, plural

__all__ = ["LEAD_IN_HEAD", "clean", "duration", "one_line", "plural", "useful_lines"]

LEAD_IN_HEAD = "most recent call first"
"""A stack dump with these words has its useful part at the top."""


def useful_lines(details: str, limit: int = 40) -> tuple[str, ...]:
    """The part of a traceback that explains it: its end, or the beginning of a stack dump, with a note about cuts."""
    lines = clean(details).rstrip().splitlines()
    if len(lines) <= limit:
        return tuple(lines)
    note = f"… {plural(len(lines) - limit, 'line')} cut …"
    if LEAD_IN_HEAD in details:
        return (*lines[:limit], note)
    return (note, *lines[-limit:])


def duration(seconds: float) -> str:
    """A duration for people; `-` for none, and for impossible values."""
    return format_duration(seconds) if 0 < seconds < float("inf") else "-"
