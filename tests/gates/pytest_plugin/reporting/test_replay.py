"""Records of tests that ended in a process that is gone → the reports that plugins count."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gates.pytest_plugin.reporting.replay import reports_of

ITEM = cast("pytest.Item", SimpleNamespace(nodeid="a.py::t", location=("a.py", 3, "t"), keywords={"t": 1}))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"outcome": "passed"}, [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]),
        ({"outcome": "flaky", "phase": "setup"}, [("setup", "passed"), ("call", "passed"), ("teardown", "passed")]),
        ({"outcome": "failed", "phase": "call"}, [("setup", "passed"), ("call", "failed"), ("teardown", "passed")]),
        ({"outcome": "error", "phase": "setup"}, [("setup", "failed"), ("teardown", "passed")]),
        ({"outcome": "error", "phase": "teardown"}, [("setup", "passed"), ("call", "passed"), ("teardown", "failed")]),
        (
            {"outcome": "crashed", "phase": "teardown"},
            [("setup", "passed"), ("call", "passed"), ("teardown", "failed")],
        ),
        ({"outcome": "skipped", "phase": "setup"}, [("setup", "skipped"), ("teardown", "passed")]),
        ({"outcome": "xfailed", "phase": "call"}, [("setup", "passed"), ("call", "skipped"), ("teardown", "passed")]),
    ],
    ids=lambda value: f"{value['outcome']}-{value.get('phase', '')}" if isinstance(value, dict) else "",
)
def test_a_record_becomes_the_reports_of_its_phases(record: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert [(report.when, report.outcome) for report in reports_of(record, ITEM)] == expected


def test_the_report_that_matters_carries_the_words_and_what_was_printed() -> None:
    record = {"outcome": "failed", "phase": "call", "details": "E no", "stdout": "out", "duration": 0.5}
    call = reports_of(record, ITEM)[1]
    assert (call.longreprtext, call.capstdout, call.duration) == ("E no", "out", 0.5)


def test_an_expected_failure_keeps_its_reason_and_a_skip_its_place() -> None:
    xfailed = reports_of({"outcome": "xfailed", "phase": "call", "reason": "later"}, ITEM)[1]
    assert xfailed.wasxfail == "later"
    skipped = reports_of({"outcome": "skipped", "phase": "setup", "reason": "no disk"}, ITEM)[0]
    assert skipped.longrepr == ("a.py", 4, "Skipped: no disk")
