"""Convert pytest's reports of one test into its result. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

import pytest

from ...portable.failure_signature import of_crash, of_text, of_timeout
from ...portable.frames import place_of_dump, place_of_text
from ...portable.values import TestOutcome
from ..secrets import hide
from ..text import cap, first_line
from .phases import BEFORE, CALLED, HIDDEN
from .subtests import is_subtest, subtest_name

if TYPE_CHECKING:
    AnyReport = Union["pytest.TestReport", "pytest.CollectReport"]

_WORKER_LINE = re.compile(r"\A\[[^\]\n]+\] \S+ -- Python [^\n]*\n+")
"""xdist's prefix of a traceback: the worker has its own field, and the path would differ between machines."""

_EXAMPLE = re.compile(
    r"^UNEXPECTED EXCEPTION: (?P<raised>.*)$|^Expected:\n(?P<expected> +.*)(?:\n .*)*\nGot:\n(?P<got> +.*)",
    re.MULTILINE,
)
"""doctest's text for a failed example."""

PHASES = ("setup", "call", "teardown")

_SILENT = "a plugin ran the test again, and did not report how this attempt ended"

_OUTCOMES = ("passed", "failed", "skipped")
"""Pytest's own outcomes of a report."""

TIMEOUT = "gates_timeout"
"""Attribute on the report of a test that exceeded its limit: the limit in seconds."""

LEAKS = "gates_leaks"
"""Attribute on the report of a teardown: what the test left behind in its process."""

CRASH = "gates_crash"
"""Attribute on the report of a test whose process died."""

RECORD = "gates_checks"
"""Attribute on the report of a teardown: which assertions ran in this attempt (see `assertions`)."""

NEGLIGIBLE = 0.001
"""Setups and teardowns shorter than this many seconds are not worth reporting."""


@dataclass
class AttemptReports:
    """The reports of one test so far, in one process.

    Attributes:
        started: seconds since the epoch, of the current attempt.
        root: of the project, for signatures.
        phases: report of each phase that has ended.
        subtests: reports of subtests that failed.
        tally: the number of other subtests by outcome.
        earlier: the results of earlier attempts.
        seen: captured sections of earlier attempts, which pytest repeats in each later report.
        skip: how many sections in a report of this attempt are repetitions.
        crash: xdist's report that the worker died.
        torn_down: the last attempt that failed was torn down, and no other one has begun.
        name: id of a duplicated test, with its number; empty for others.
    """

    started: float
    root: str = ""
    phases: dict[str, pytest.TestReport] = field(default_factory=dict)
    subtests: list[pytest.TestReport] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    earlier: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    skip: int = 0
    crash: pytest.TestReport | None = None
    torn_down: bool = False
    name: str = ""

    def add(self, report: pytest.TestReport) -> None:
        """Process one report."""
        if self.earlier and not self.phases:
            self.skip = _repeated(report.sections, self.seen)
        if is_subtest(report):
            if report.failed or str(report.outcome) not in _OUTCOMES or getattr(report, HIDDEN, ("",))[0] == "failed":
                self.subtests.append(report)
            else:
                expected = hasattr(report, "wasxfail") and report.skipped
                self.tally["xfailed" if expected else str(report.outcome)] += 1
        elif str(report.outcome) not in _OUTCOMES:  # `rerun`, or as the plugin that runs it again calls it
            self._start_again(report)
        elif str(report.when) not in PHASES:
            self.crash = report
        elif self.earlier and not self.phases and report.when == "teardown":
            # pytest-rerunfailures (16.7, not 16.0) also sends the teardown of an attempt that it has reported as a rerun.
            self.torn_down = True
        else:
            self.phases[str(report.when)] = report

    def _start_again(self, report: pytest.TestReport) -> None:
        """Keep the relevant parts of the attempt that `report` ends."""
        self.torn_down = False
        self.phases[str(report.when)] = report
        self.name = getattr(report, "gates_id", "")
        self.earlier.append(_earlier(self, report))
        self.started = getattr(report, "stop", 0.0) or self.started + self.duration
        self.seen = report.sections
        self.phases.clear()
        self.subtests.clear()
        self.tally.clear()

    @property
    def duration(self) -> float:
        """Seconds of the phases that have ended."""
        return round(sum(report.duration for report in self.phases.values()), 6)

    @property
    def ended(self) -> bool:
        """Whether this attempt is complete."""
        return self.crash is not None or "teardown" in self.phases

    @property
    def last(self) -> pytest.TestReport:
        """The report that ended it."""
        return self.crash or next(reversed(self.phases.values()))

    @property
    def failed(self) -> bool:
        """Whether something has failed already."""
        return bool(self.subtests) or any(report.failed for report in self.phases.values())


def worker_of(report: pytest.TestReport) -> str:
    """The worker that sent a report, or that died, by xdist's name; empty without xdist."""
    gateway = getattr(getattr(report, "node", None), "gateway", None)
    return str(getattr(report, "worker_id", "") or getattr(gateway, "id", ""))


def conclude(attempt: AttemptReports, now: float) -> dict[str, Any]:
    """The fields of a test record that come from the reports alone."""
    fields: dict[str, Any] = {
        "outcome": TestOutcome.PASSED,
        "duration": attempt.duration,
        "phase": "call",
        "started": attempt.started,
    }
    before = getattr(attempt.phases.get("call"), BEFORE, "")
    if before and not attempt.earlier:
        attempt.earlier.append(silent(attempt, before))
    if attempt.crash is not None:
        fields.update(_crashed(attempt, attempt.crash))
        # Two processes have different clocks: a test that timed out took at least its limit.
        least = float(getattr(attempt.crash, TIMEOUT, 0.0))
        fields["duration"] = round(max(least, now - attempt.started), 6)
    else:
        fields.update(_judged(attempt))
    last = next((attempt.phases[name] for name in reversed(PHASES) if name in attempt.phases), None)
    if last is not None and last.sections:
        fields.update(captured(last.sections[attempt.skip :]))
    elif attempt.crash is not None and attempt.crash.sections:
        fields.update(captured(attempt.crash.sections))
    if fields.get("details"):
        fields["details"] = cap(fields["details"])
    fields["outcome"] = fields["outcome"].value
    if not fields.get("place", True):
        del fields["place"]
    fields.update(_phases(attempt))
    leaks = getattr(attempt.phases.get("teardown"), LEAKS, None)
    if leaks:
        fields["leaks"] = [cap(str(one)) for one in leaks]
    record = getattr(attempt.phases.get("teardown"), RECORD, None)
    if record is not None:
        fields["checks"] = record
    if attempt.subtests:
        fields["subtests"] = [_subtest(report, attempt) for report in attempt.subtests]
    if attempt.tally:
        fields.update({f"subtests_{outcome}": number for outcome, number in attempt.tally.items()})
    if attempt.earlier:
        fields["attempts"] = attempt.earlier
    return fields


def _phases(attempt: AttemptReports) -> dict[str, Any]:
    """The phases, if they add something to the duration and the outcome of the test."""
    phases = attempt.phases
    if not any(
        name != "call" and (report.duration > NEGLIGIBLE or not report.passed) for name, report in phases.items()
    ):
        return {}
    return {
        "phases": [
            {"name": name, "outcome": str(report.outcome), "duration": round(report.duration, 6)}
            for name, report in phases.items()
        ]
    }


def _earlier(attempt: AttemptReports, report: pytest.TestReport) -> dict[str, Any]:
    """The attempt that `report` ends, for a record, without empty fields."""
    lead = attempt.subtests[0] if attempt.subtests and isinstance(report.longrepr, (str, type(None))) else report
    titled = [(f"subtest {subtest_name(each, travelled=bool(worker_of(each)))}", each) for each in attempt.subtests]
    outcome = TestOutcome.FAILED if report.when == "call" or attempt.subtests else TestOutcome.ERROR
    if hasattr(report, TIMEOUT):
        outcome = TestOutcome.TIMEOUT
    elif hasattr(report, CRASH):
        outcome = TestOutcome.CRASHED
    fields = {
        "outcome": outcome.value,
        "phase": str(report.when) if report.when in PHASES else "call",
        "duration": attempt.duration,
        "started": attempt.started,
        **failure_of(lead, attempt.root, cap(_joined([*titled, (str(report.when), report)]))),
        "worker": worker_of(report),
        **captured(report.sections[attempt.skip :]),
    }
    return {key: value for key, value in fields.items() if value}


def silent(attempt: AttemptReports, message: str = _SILENT) -> dict[str, Any]:
    """An attempt that a plugin kept to itself when it ran the test again, for a record."""
    return {
        "outcome": TestOutcome.FAILED.value,
        "phase": "call",
        "duration": attempt.duration,
        "started": attempt.started,
        "message": message,
    }


def _subtest(report: pytest.TestReport, attempt: AttemptReports) -> dict[str, Any]:
    """A failed subtest, for a record."""
    fields = {
        "name": subtest_name(report, travelled=bool(worker_of(report))),
        **failure_of(report, attempt.root, cap(text_of(report))),
        "duration": round(report.duration, 6),
        **captured([section for section in report.sections[attempt.skip :] if section[0].endswith("call")]),
    }
    return {key: value for key, value in fields.items() if value}


def _crashed(attempt: AttemptReports, crash: pytest.TestReport) -> dict[str, Any]:
    details = text_of(crash)
    failed = [(f"{name}, before that", report) for name, report in attempt.phases.items() if report.failed]
    if failed:
        details = f"{details}\n\n{_joined(failed, titles=True)}"
    # The running phase is the one after the last that is known to have ended.
    known = sum(name in attempt.phases for name in PHASES)
    timed_out = hasattr(crash, TIMEOUT)
    return {
        "outcome": TestOutcome.TIMEOUT if timed_out else TestOutcome.CRASHED,
        "phase": PHASES[min(known, 2)],
        "message": first_line(details),
        "details": details,
        "signature": (of_timeout if timed_out else of_crash)(details, attempt.root),
        "place": place_of_dump(details, attempt.root),
    }


def _judged(attempt: AttemptReports) -> dict[str, Any]:
    bad = [(name, attempt.phases[name]) for name in PHASES if name in attempt.phases and attempt.phases[name].failed]
    if bad or attempt.subtests:
        ended = next((name for name, report in bad if hasattr(report, TIMEOUT)), "")
        if ended or any(hasattr(report, TIMEOUT) for report in attempt.subtests):
            return _failed(attempt, TestOutcome.TIMEOUT, ended or "call", bad)
        called = bool(attempt.subtests) or any(name == "call" for name, _ in bad)
        outcome, phase = (TestOutcome.FAILED, "call") if called else (TestOutcome.ERROR, bad[0][0])
        return _failed(attempt, outcome, phase, bad)
    return _contradicted(attempt) or _not_failed(attempt)


def _not_failed(attempt: AttemptReports) -> dict[str, Any]:
    for name in PHASES:
        report = attempt.phases.get(name)
        expected = None if report is None else getattr(report, "wasxfail", None)
        if report is None or (expected is None and not report.skipped):
            continue
        if expected is None:
            skipped = {"outcome": TestOutcome.SKIPPED, "phase": name, "reason": skip_reason(report)}
            if attempt.earlier:  # no attempt passed
                return standing(attempt, f"attempt {len(attempt.earlier) + 1} was skipped: {skip_reason(report)}")
            return skipped
        # Strict tests that pass against the expectation arrive as failed, without `wasxfail`.
        outcome = TestOutcome.XFAILED if report.skipped else TestOutcome.XPASSED
        details = text_of(report) if outcome is TestOutcome.XFAILED else ""
        reason = str(expected).removeprefix("reason: ")
        fields = {"outcome": outcome, "phase": name, "reason": reason, "details": details}
        signature = getattr(report, "gates_signature", "")
        return {**fields, "signature": signature} if signature else fields
    if attempt.earlier:
        first = attempt.earlier[0]
        return {
            "outcome": TestOutcome.FLAKY,
            "phase": first["phase"],
            "reason": f"passed on attempt {len(attempt.earlier) + 1}",
            **_lead_of(first),
        }
    return {}


def _contradicted(attempt: AttemptReports) -> dict[str, Any]:
    """The fields for a test whose reports all claim *passed*, but that did not pass; empty otherwise."""
    for name in PHASES:
        how, words = getattr(attempt.phases.get(name), HIDDEN, ("", ""))
        if how == "skipped":
            return {"outcome": TestOutcome.SKIPPED, "phase": name, "reason": words}
        if how:
            return {
                "outcome": TestOutcome.FAILED if name == "call" else TestOutcome.ERROR,
                "phase": name,
                "message": words,
                "details": f"{words}\n\nThe {name} of the test raised this, but a plugin or a conftest reports it as passed.",
            }
    if any(not report.passed for report in attempt.phases.values()):
        return {}
    if "call" not in attempt.phases:
        return {"outcome": TestOutcome.NOT_RUN, "reason": "its call never ran"}
    if not hasattr(attempt.phases["call"], CALLED):
        return {
            "outcome": TestOutcome.NOT_RUN,
            "reason": "a plugin or a conftest reports it as passed; its call never ran",
        }
    return {}


def standing(attempt: AttemptReports, reason: str) -> dict[str, Any]:
    """The fields of a test whose last failed attempt was followed by no better one."""
    last = attempt.earlier[-1]
    return {"outcome": TestOutcome(last["outcome"]), "phase": last["phase"], "reason": reason, **_lead_of(last)}


def _lead_of(attempt: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a test's result takes from one of its attempts."""
    return {name: attempt.get(name, "") for name in ("message", "signature", "place")}


def _failed(
    attempt: AttemptReports, outcome: TestOutcome, phase: str, bad: list[tuple[str, pytest.TestReport]]
) -> dict[str, Any]:
    # pytest 9 fails the test itself with "contains 1 failed subtest": the subtests' own texts are more useful.
    own = [(name, report) for name, report in bad if not (attempt.subtests and isinstance(report.longrepr, str))]
    lead = next((report for name, report in own if name == phase), None)
    if lead is None:
        timed_out = (report for report in attempt.subtests if hasattr(report, TIMEOUT))
        lead = next(timed_out, attempt.subtests[0])
    return {"outcome": outcome, "phase": phase, **failure_of(lead, attempt.root, _joined(own))}


def failure_of(report: AnyReport, root: str, details: str) -> dict[str, str]:
    """The fields of a record that describe a failure."""
    return {
        "message": message_of(report),
        "details": details,
        "signature": signature_of(report, root),
        "place": place_of(report, root),
    }


def signature_of(report: AnyReport, root: str) -> str:
    """The signature from the process that ran the test, else one from the text."""
    if hasattr(report, TIMEOUT):
        return of_timeout(text_of(report), root)
    said = getattr(report, "gates_signature", "")
    return str(said) if said else of_text(hide(message_of(report)), text_of(report), root)


def place_of(report: AnyReport, root: str) -> str:
    """Where it failed, as a file and a line of the project; found in the same way."""
    if hasattr(report, TIMEOUT):
        return place_of_dump(text_of(report), root)
    said = getattr(report, "gates_place", None)
    return place_of_text(text_of(report), root) if said is None else str(said)


def _joined(titled: list[tuple[str, pytest.TestReport]], *, titles: bool = False) -> str:
    if len(titled) == 1 and not titles:
        return text_of(titled[0][1])
    return "\n\n".join(f"--- {title} ---\n{text_of(report)}" for title, report in titled)


def text_of(report: AnyReport) -> str:
    """The traceback or the text of a report."""
    try:
        return _WORKER_LINE.sub("", str(report.longreprtext))
    except Exception as error:  # noqa: BLE001 (a test's own repr may raise anything; its result must not be lost)
        return f"(the failure cannot be shown: {type(error).__name__}: {error})"


def message_of(report: AnyReport) -> str:
    """The failure in one line: the exception's message, or the last line that pytest marks with `E`."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        words = str(crash.message)
        # For a file that Python cannot parse, the place and the text come first, and the reason last.
        return first_line(words.rpartition("\n")[2] if words.lstrip().startswith('File "') else words)
    text = text_of(report)
    example = _EXAMPLE.search(text)
    if example is not None:
        return first_line(example["raised"] or f"expected {example['expected'].strip()}, got {example['got'].strip()}")
    marked = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    return first_line(marked[-1] if marked else text)


def skip_reason(report: AnyReport) -> str:
    """Why a test or a module was skipped."""
    longrepr = report.longrepr
    text = str(longrepr[2]) if isinstance(longrepr, tuple) else text_of(report)
    return text.removeprefix("Skipped: ")


def captured(sections: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Captured output of all phases up to this one; log records come after stderr, where they would have gone."""
    texts: dict[str, list[str]] = {"stdout": [], "stderr": []}
    for title, content in sections:
        if title.startswith("Captured stdout"):
            texts["stdout"].append(content)
        elif title.startswith(("Captured stderr", "Captured log")):
            texts["stderr"].append(content)
    return {stream: cap("".join(parts)) for stream, parts in texts.items()}


def _repeated(sections: list[tuple[str, str]], seen: list[tuple[str, str]]) -> int:
    """How many sections of an attempt's first report come from earlier attempts.

    `seen` are the sections of the report that ended the previous attempt; its teardown, which came later and had no
    report, may have printed more.
    """
    count = len(seen)
    if sections[:count] != seen:
        return 0  # another plugin has reset the sections
    while count < len(sections) and sections[count][0].endswith("teardown"):
        count += 1
    return count
