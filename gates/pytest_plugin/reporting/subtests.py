"""Recognises reports of subtests, and names them as pytest does."""

from __future__ import annotations

from typing import Any

import pytest

from ..text import first_line


def is_subtest(report: pytest.TestReport) -> bool:
    """A report of a subtest in pytest 9, or of the older plugin pytest-subtests."""
    return type(report).__name__ in ("SubtestReport", "SubTestReport")


def subtest_name(report: pytest.TestReport, *, travelled: bool) -> str:
    """`[message] (key=value)`; the same for a report that `travelled` from an xdist worker."""
    context = getattr(report, "context", None)
    message = getattr(context, "msg", None)
    values = getattr(context, "kwargs", None) or {}
    if travelled and _shows_twice(context):
        values = {key: _shown_once(value) for key, value in values.items()}
    keywords = ", ".join(f"{key}={value}" for key, value in values.items())
    shown = " ".join(part for part in (f"[{message}]" if message else "", f"({keywords})" if keywords else "") if part)
    return first_line(shown) or "(unnamed)"


def _shows_twice(context: Any) -> bool:
    """Whether this pytest applies `repr` twice when it unpacks a report (9.0 does)."""
    try:
        travelled = type(context)._from_json({"msg": None, "kwargs": {"x": "1"}})  # noqa: SLF001
        return bool(travelled.kwargs["x"] != "1")
    except (AttributeError, KeyError, TypeError):
        return False


def _shown_once(value: object) -> object:
    import ast

    try:
        inner = ast.literal_eval(str(value))
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # shortened by pytest
        return value
    return inner if isinstance(inner, str) else value
