"""A run in the Common Test Report Format, https://ctrf.io/docs/full-schema."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gates import __version__
from gates.compare.values import Comparison
from gates.portable.values import BAD_TESTS, LOST_TESTS, TestOutcome
from gates.render.formats.document import json_text
from gates.render.summary import Summary, summarise
from gates.results import AttemptResult, Run, TestResult

_SKIPPED = frozenset({TestOutcome.SKIPPED, TestOutcome.EXCLUDED})


def render_ctrf(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None) -> str:
    """The whole file, with every test and, because a run can fail without a failing test, every gate.

    A test that was lost is `failed`: the format has no word for it, and `other` looks harmless.
    """
    known = summarise(run, tests, comparison)
    entries = [*map(_test, tests), *_gates(run, known)]
    if not known.verdict.passed and not any(entry["status"] == "failed" for entry in entries):
        entries.append(_entry("run", "failed", known.verdict.word, 0.0, "run") | {"message": known.verdict.sentence})
    statuses = [entry["status"] for entry in entries]
    summary = {
        "tests": len(entries),
        **{name: statuses.count(name) for name in ("passed", "failed", "skipped", "pending", "other")},
        "flaky": sum(1 for entry in entries if entry.get("flaky")),
        "start": _ms(run.started),
        "stop": _ms(run.started + run.duration),
        "duration": round(run.duration * 1000),
    }
    environment = {
        "appName": run.project,
        "branchName": run.subject.branch,
        "commit": run.subject.commit,
        "osVersion": run.environment.system,
    }
    whole = {
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "runId": run.id,
        "generatedBy": f"gates {__version__}",
        "results": {
            "tool": {"name": "gates", "version": __version__},
            "summary": summary,
            "tests": entries,
            "environment": {
                **{name: value for name, value in environment.items() if value},
                "healthy": known.verdict.passed,
            },
            "extra": {"run": run.id, "verdict": known.verdict.word},
        },
    }
    return json_text(whole)


def _test(test: TestResult) -> dict[str, Any]:
    found = _entry(test.id, status_of(test.outcome), str(test.outcome), test.duration, test.gate)
    more = {
        "message": test.message or test.reason,
        "trace": test.details,
        "filePath": test.file,
        "line": test.line,
        "start": _ms(test.started),
        "stop": _ms(test.started + test.duration) if _ms(test.started) else 0,
        "threadId": test.worker,
        "retries": len(test.attempts),
        "retryAttempts": [_attempt(number, one) for number, one in enumerate(test.attempts, 1)],
        "flaky": test.outcome is TestOutcome.FLAKY,
        "stdout": test.stdout.splitlines(),
        "stderr": test.stderr.splitlines(),
    }
    return found | {name: value for name, value in more.items() if value}


def _gates(run: Run, known: Summary) -> Iterator[dict[str, Any]]:
    lasted = {gate.name: gate for gate in run.gates}
    reasons = {reason.name: reason for reason in known.reasons}
    for row in known.gates:
        gate, reason = lasted.get(row.name), reasons.get(row.name)
        status = "passed" if row.passed else "skipped" if row.status.startswith("SKIPPED") else "failed"
        if gate is not None and gate.accepted:
            status = "other"
        found = _entry(f"gate {row.name}", status, row.status, gate.duration if gate is not None else 0.0, "gates")
        if not row.passed:
            found["message"] = row.notes or row.status
            if reason is not None and reason.lines:
                found["trace"] = "\n".join(reason.lines)
        yield found | {"type": "gate"}


def _entry(name: str, status: str, raw: str, seconds: float, suite: str) -> dict[str, Any]:
    return {
        "name": name or "(no name)",
        "status": status,
        "rawStatus": raw,
        "duration": round(seconds * 1000),
        "suite": [suite or "tests"],
    }


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
