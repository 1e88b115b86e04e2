"""Replaces text that a worker of xdist cannot send: a lone surrogate in a report would end the whole session."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest


class ReportCleaner:
    """Registered in workers. execnet sends text as UTF-8, and raises if that is impossible."""

    @pytest.hookimpl(hookwrapper=True)
    def pytest_report_to_serializable(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> Generator[None, Any, None]:
        """Replace lone surrogates by visible escapes, in reports that have any."""
        outcome = yield
        plain = report.longrepr is None and not report.sections and report.nodeid.isascii()
        if plain and not getattr(report, "user_properties", None):
            return  # nearly all reports contain nothing that a test wrote
        data = outcome.get_result()
        if data is not None and not _sendable(data):
            outcome.force_result(cleaned(data))


def _sendable(value: object) -> bool:
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            return False
        return True
    if isinstance(value, dict):
        return all(_sendable(key) and _sendable(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(_sendable, value))
    return True


def cleaned(value: Any) -> Any:
    """The value with every lone surrogate as a visible escape."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(cleaned, value))
    return value
