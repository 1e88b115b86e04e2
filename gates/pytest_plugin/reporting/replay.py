"""Reports of tests that ended in a dead process, rebuilt from their records, for plugins that count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

_GOOD = ("passed", "flaky", "quarantined", "xpassed")


def reports_of(record: Mapping[str, Any], item: pytest.Item) -> list[pytest.TestReport]:
    """The three reports of a finished test, or two if it never reached its call."""
    outcome, phase = str(record["outcome"]), str(record.get("phase") or "call")
    if outcome in _GOOD:
        told = [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]
    else:
        how = "skipped" if outcome in ("skipped", "xfailed") else "failed"
        before = {"setup": [], "call": ["setup"], "teardown": ["setup", "call"]}[phase]
        told = [*((name, "passed") for name in before), (phase, how)]
        if phase != "teardown":
            told.append(("teardown", "passed"))
    return [_report(record, item, name, how, lead=name == phase) for name, how in told]


def _report(record: Mapping[str, Any], item: pytest.Item, phase: str, how: str, *, lead: bool) -> pytest.TestReport:
    outcome, reason = str(record["outcome"]), str(record.get("reason") or "")
    longrepr: Any = None
    if how == "failed":
        longrepr = record.get("details") or record.get("message") or outcome
    elif how == "skipped":
        path, line, _ = item.location
        longrepr = (
            (path, (line or 0) + 1, f"Skipped: {reason}") if outcome == "skipped" else record.get("details") or ""
        )
    report = pytest.TestReport(
        item.nodeid,
        item.location,
        dict.fromkeys(item.keywords, 1),
        outcome=cast("Any", how),
        longrepr=longrepr,
        when=cast("Any", phase),
        sections=_sections(record, phase) if lead else [],
        duration=float(record.get("duration") or 0.0) if lead else 0.0,
        start=float(record.get("started") or 0.0),
    )
    if lead and outcome in ("xfailed", "xpassed"):
        report.wasxfail = reason
    return report


def _sections(record: Mapping[str, Any], phase: str) -> list[tuple[str, str]]:
    return [
        (f"Captured {stream} {phase}", str(record[stream])) for stream in ("stdout", "stderr") if record.get(stream)
    ]
