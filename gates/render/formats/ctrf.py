"""A run in the Common Test Report Format, https://ctrf.io/docs/full-schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gates import __version__
from gates.compare.values import Comparison
from gates.portable.values import BAD_TESTS, LOST_TESTS, TestOutcome
from gates.render.formats.document import json_text
from gates.render.summary import summarise
from gates.results import AttemptResult, Run, TestResult

_SKIPPED = frozenset({TestOutcome.SKIPPED, TestOutcome.EXCLUDED})


def render_ctrf(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None) -> str:
    """The whole file. A test that was lost is `failed`: the format has no word for it, and `other` looks harmless."""
    entries = [_test(test) for test in tests]
    statuses = [entry["status"] for entry in entries]
    summary = {
        "tests": len(entries),
        **{name: statuses.count(name) for name in ("passed", "failed", "skipped", "pending", "other")},
        "flaky": sum(1 for entry in entries if entry.get("flaky")),
        "start": _ms(run.started),
        "stop": _ms(run.started + run.duration),
    }
    environment = {
        "appName": run.project,
        "branchName": run.subject.branch,
        "commit": run.subject.commit,
        "osPlatform": run.environment.system,
    }
    whole = {
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "generatedBy": f"gates {__version__}",
        "results": {
            "tool": {"name": "gates", "version": __version__},
            "summary": summary,
            "tests": entries,
            "environment": {name: value for name, value in environment.items() if value},
            "extra": {"run": run.id, "verdict": summarise(run, tests, comparison).verdict.word},
        },
    }
    return json_text(whole)


def _test(test: TestResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": test.id,
        "status": status_of(test.outcome),
        "rawStatus": str(test.outcome),
        "duration": round(test.duration * 1000),
        "suite": test.gate,
    }
    more = {
        "message": test.message or test.reason,
        "trace": test.details,
        "filePath": test.file,
        "line": test.line,
        "start": _ms(test.started),
        "threadId": test.worker,
        "retries": len(test.attempts),
        "retryAttempts": [_attempt(number, one) for number, one in enumerate(test.attempts, 1)],
        "flaky": test.outcome is TestOutcome.FLAKY,
        "stdout": test.stdout.splitlines(),
        "stderr": test.stderr.splitlines(),
    }
    return found | {name: value for name, value in more.items() if value}


def status_of(outcome: TestOutcome) -> str:
    """The word of the format for an outcome."""
    if outcome in BAD_TESTS or outcome in LOST_TESTS:
        return "failed"
    if outcome in _SKIPPED:
        return "skipped"
    return "other" if outcome is TestOutcome.QUARANTINED else "passed"


def _attempt(number: int, one: AttemptResult) -> dict[str, Any]:
    return {
        "attempt": number, "status": "failed", "duration": round(one.duration * 1000), "message": one.message, "trace": one.details,
    }  # fmt: skip


def _ms(seconds: float) -> int:
    return round(seconds * 1000) if 0 < seconds < 1e11 else 0
