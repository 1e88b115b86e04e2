"""pytest's reports of one test → what became of the test. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

from ..values import TestOutcome
from .text import cap, first_line

if TYPE_CHECKING:
    import pytest

    AnyReport = Union["pytest.TestReport", "pytest.CollectReport"]

_WORKER_LINE = re.compile(r"\A\[[^\]\n]+\] \S+ -- Python [^\n]*\n+")
"""What xdist puts before a traceback: the worker is a field of its own, and its path would differ between machines."""

PHASES = ("setup", "call", "teardown")


@dataclass
class Attempt:
    """The reports of one test so far, in one process.

    Attributes:
        started: seconds since the epoch.
        phases: report of each phase that has ended.
        subtests: reports of subtests that failed.
        earlier: reports of earlier attempts that failed, where another plugin runs tests again.
        crash: xdist's report that the worker died.
    """

    started: float
    phases: dict[str, pytest.TestReport] = field(default_factory=dict)
    subtests: list[pytest.TestReport] = field(default_factory=list)
    earlier: list[pytest.TestReport] = field(default_factory=list)
    crash: pytest.TestReport | None = None

    def add(self, report: pytest.TestReport) -> None:
        """Take in one report."""
        if is_subtest(report):
            if report.failed:
                self.subtests.append(report)
        elif str(report.outcome) == "rerun":
            self.earlier.append(report)
            self.phases.clear()
            self.subtests.clear()
        elif str(report.when) not in PHASES:
            self.crash = report
        else:
            self.phases[str(report.when)] = report

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come of this attempt."""
        return self.crash is not None or "teardown" in self.phases

    @property
    def failed(self) -> bool:
        """Whether something has failed already."""
        return bool(self.subtests) or any(report.failed for report in self.phases.values())


def is_subtest(report: pytest.TestReport) -> bool:
    """A report of pytest 9's subtests, or of the plugin pytest-subtests before it."""
    return type(report).__name__ in ("SubtestReport", "SubTestReport")


def conclude(attempt: Attempt, now: float) -> dict[str, Any]:
    """The fields of a test record that follow from the reports alone."""
    fields: dict[str, Any] = {
        "outcome": TestOutcome.PASSED,
        "duration": round(sum(report.duration for report in attempt.phases.values()), 6),
        "phase": "call",
        "started": attempt.started,
        "reason": "",
        "message": "",
        "details": "",
        "stdout": "",
        "stderr": "",
    }
    if attempt.crash is not None:
        fields.update(_crashed(attempt, attempt.crash))
        # The clocks of two processes: a test that timed out took at least its limit.
        least = float(getattr(attempt.crash, "gates_timeout", 0.0))
        fields["duration"] = round(max(least, now - attempt.started), 6)
    else:
        fields.update(_judged(attempt))
    last = next((attempt.phases[name] for name in reversed(PHASES) if name in attempt.phases), None)
    if last is not None:
        fields.update(captured(last))
    fields["details"] = cap(fields["details"])
    fields["outcome"] = fields["outcome"].value
    return fields


def _crashed(attempt: Attempt, crash: pytest.TestReport) -> dict[str, Any]:
    details = text_of(crash)
    failed = [(f"{name}, before that", report) for name, report in attempt.phases.items() if report.failed]
    if failed:
        details = f"{details}\n\n{_joined(failed, titles=True)}"
    # The phase that was running is the one after the last that is known to have ended.
    known = sum(name in attempt.phases for name in PHASES)
    return {
        "outcome": TestOutcome.TIMEOUT if hasattr(crash, "gates_timeout") else TestOutcome.CRASHED,
        "phase": PHASES[min(known, 2)],
        "message": first_line(details),
        "details": details,
    }


def _judged(attempt: Attempt) -> dict[str, Any]:
    bad = [(name, attempt.phases[name]) for name in PHASES if name in attempt.phases and attempt.phases[name].failed]
    if attempt.subtests or any(name == "call" for name, _ in bad):
        return _failed(attempt, TestOutcome.FAILED, "call", bad)
    if bad:
        return _failed(attempt, TestOutcome.ERROR, bad[0][0], bad)
    for name in PHASES:
        report = attempt.phases.get(name)
        expected = None if report is None else getattr(report, "wasxfail", None)
        if report is None or (expected is None and not report.skipped):
            continue
        if expected is None:
            return {"outcome": TestOutcome.SKIPPED, "phase": name, "reason": skip_reason(report)}
        # Strict tests that pass against the expectation arrive as failed, without `wasxfail`.
        outcome = TestOutcome.XFAILED if report.skipped else TestOutcome.XPASSED
        details = text_of(report) if outcome is TestOutcome.XFAILED else ""
        reason = str(expected).removeprefix("reason: ")
        return {"outcome": outcome, "phase": name, "reason": reason, "details": details}
    if attempt.earlier:
        first = attempt.earlier[0]
        return {
            "outcome": TestOutcome.FLAKY,
            "phase": str(first.when),
            "reason": f"passed at attempt {len(attempt.earlier) + 1}",
            "message": message_of(first),
            "details": _joined([(f"attempt {n}", report) for n, report in enumerate(attempt.earlier, 1)]),
        }
    return {}


def _failed(
    attempt: Attempt, outcome: TestOutcome, phase: str, bad: list[tuple[str, pytest.TestReport]]
) -> dict[str, Any]:
    titled = [(_subtest_title(report), report) for report in attempt.subtests]
    # pytest 9 fails the test itself with "contains 1 failed subtest": the subtests' own texts say more.
    own = [(name, report) for name, report in bad if not (attempt.subtests and isinstance(report.longrepr, str))]
    titled += own or ([] if attempt.subtests else bad)
    titled += [(f"earlier attempt {n}", report) for n, report in enumerate(attempt.earlier, 1)]
    lead = next((report for name, report in bad if name == phase), None)
    if attempt.subtests and (lead is None or isinstance(lead.longrepr, str)):
        lead = attempt.subtests[0]
    return {
        "outcome": outcome,
        "phase": phase,
        "message": message_of(lead) if lead is not None else "",
        "details": _joined(titled),
    }


def _subtest_title(report: pytest.TestReport) -> str:
    context = getattr(report, "context", None)
    message = getattr(context, "msg", None)
    keywords = ", ".join(f"{key}={value}" for key, value in (getattr(context, "kwargs", None) or {}).items())
    shown = " ".join(part for part in (f"[{message}]" if message else "", f"({keywords})" if keywords else "") if part)
    return f"subtest {shown or '(unnamed)'}"


def _joined(titled: list[tuple[str, pytest.TestReport]], *, titles: bool = False) -> str:
    if len(titled) == 1 and not titles:
        return text_of(titled[0][1])
    return "\n\n".join(f"--- {title} ---\n{text_of(report)}" for title, report in titled)


def text_of(report: AnyReport) -> str:
    """The traceback or the words of a report."""
    try:
        return _WORKER_LINE.sub("", str(report.longreprtext))
    except Exception as error:  # noqa: BLE001 (a test's own repr may raise anything; its result must not be lost)
        return f"(the failure cannot be shown: {type(error).__name__}: {error})"


def message_of(report: AnyReport) -> str:
    """The failure in one line: the exception's, or the last line that pytest marks with `E`."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return first_line(str(crash.message))
    text = text_of(report)
    marked = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    return first_line(marked[-1] if marked else text)


def skip_reason(report: AnyReport) -> str:
    """Why a test or a module was skipped."""
    longrepr = report.longrepr
    text = str(longrepr[2]) if isinstance(longrepr, tuple) else text_of(report)
    return text.removeprefix("Skipped: ")


def captured(report: pytest.TestReport) -> dict[str, str]:
    """Captured output of all phases up to this one; log records follow stderr, where they would have gone."""
    texts: dict[str, list[str]] = {"stdout": [], "stderr": []}
    for title, content in report.sections:
        if title.startswith("Captured stdout"):
            texts["stdout"].append(content)
        elif title.startswith(("Captured stderr", "Captured log")):
            texts["stderr"].append(content)
    return {stream: cap("".join(parts)) for stream, parts in texts.items()}
