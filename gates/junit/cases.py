"""Turn what was read of one case into a value: which attempt is the last, what is a subtest, what decided."""

from __future__ import annotations

import math
from datetime import datetime

from gates.junit.outcomes import (
    FLAKY_ELEMENTS,
    RERUN_ELEMENTS,
    SUBTEST,
    attempt_outcome,
    refine,
    result_outcome,
    status_outcome,
    worst_outcome,
)
from gates.junit.report import PYTEST, JUnitCase
from gates.results import AttemptResult, SubtestResult
from gates.signatures import normalise, typed
from gates.values import BAD_TESTS, TestOutcome

MAX_TEXT = 1 << 20
"""Characters kept of one text of a result; the rest is cut, and that is said."""

NESTED = frozenset({"stackTrace", "system-out", "system-err"})
"""Elements inside an attempt that hold its texts."""

_OUTCOMES = frozenset(outcome.value for outcome in TestOutcome)


class RawResult:
    """An element inside a case, or inside a suite, that says how it ended."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.kind = attributes.get("type", "")
        self.message = attributes.get("message", "")
        self.inside = ""
        self._parts: dict[str, list[str]] = {}
        self._sizes: dict[str, int] = {}

    def add(self, data: str) -> None:
        """Text, of the element itself or of the one that is open inside it."""
        size = self._sizes.get(self.inside, 0)
        if size < MAX_TEXT:
            self._parts.setdefault(self.inside, []).append(data[: MAX_TEXT - size])
        self._sizes[self.inside] = size + len(data)

    def text_of(self, nested: str) -> str:
        """The text of an element inside this one, as it was written."""
        text = "".join(self._parts.get(nested, ()))
        return f"{text}\n… cut here …" if self._sizes.get(nested, 0) > MAX_TEXT else text

    @property
    def text(self) -> str:
        """The traceback, or whatever text it has."""
        text = self.text_of("stackTrace") or self.text_of("")
        return text.strip("\n") if not text.isspace() else ""  # spaces between the elements inside it are no text

    @property
    def is_subtest(self) -> bool:
        """Whether it may be the failure of a subtest."""
        return self.tag == "failure" and self.kind == SUBTEST

    @property
    def is_attempt(self) -> bool:
        """Whether it is about an attempt beside the main one."""
        return self.tag in FLAKY_ELEMENTS or self.tag in RERUN_ELEMENTS


class RawCase:
    """A case whose end was not read yet."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.attributes = attributes
        self.properties: dict[str, str] = {}
        self.results: list[RawResult] = []


def read_case(case: RawCase, suite: str, file: str, producer: str) -> JUnitCase:
    """The case as a value.

    Args:
        case: what was read.
        suite: name of the suite around it.
        file: of the suite, for a case that names none.
        producer: see `JUnitReport.producer`.
    """
    attributes, properties = case.attributes, case.properties
    subtests, rest = _split_subtests(case)
    earlier, deciding = _split_attempts(rest)
    outcomes = [result_outcome(result.tag, result.kind) for result in deciding]
    outcome = worst_outcome(outcomes)
    if subtests and outcome not in BAD_TESTS:
        outcome, outcomes, deciding = TestOutcome.FAILED, [*outcomes, TestOutcome.FAILED], [*deciding, subtests[0]]
    if outcome is TestOutcome.PASSED:
        outcome = status_outcome(attributes)
    exact = refine(outcome, properties.get("outcome", ""))
    decided = next((result for result, said in zip(deciding, outcomes, strict=True) if said is outcome), None)
    last = decided if decided is not None and decided.tag in RERUN_ELEMENTS else None
    read = tuple(_subtest(result, number, properties) for number, result in enumerate(subtests, 1))
    message = decided.message if decided else ""
    return JUnitCase(
        name=attributes.get("name", ""),
        classname=attributes.get("classname", ""),
        suite=suite,
        file=attributes.get("file", "") or file,
        line=_line(attributes.get("line", ""), producer),
        outcome=exact,
        time=read_seconds((last.attributes if last else attributes).get("time", "")),
        started=_moment((last.attributes if last else attributes).get("timestamp", "")),
        # Our own writer puts the outcome in front, for readers that know only `skipped`.
        message=read[0].message if subtests and decided is subtests[0] else message.removeprefix(f"{exact}: "),
        details="\n\n".join(text for result in deciding if (text := _details(result, subtests))),
        phase=properties.get("phase", "call"),
        reason=properties.get("reason", ""),
        worker=properties.get("worker", ""),
        exclusion=properties.get("exclusion", ""),
        signature=properties.get("signature", "") or _signature(decided, exact),
        attempts=tuple(_attempt(result, number, case) for number, result in enumerate(earlier, 1)),
        subtests=read,
        subtests_passed=_number(properties.get("subtests-passed", "")),
        subtests_skipped=_number(properties.get("subtests-skipped", "")),
        subtests_xfailed=_number(properties.get("subtests-xfailed", "")),
    )


def _split_subtests(case: RawCase) -> tuple[list[RawResult], list[RawResult]]:
    """The failures of subtests, which only our own files tell apart, and all other results."""
    if "subtest-1" not in case.properties:
        return [], case.results
    return (
        [result for result in case.results if result.is_subtest],
        [result for result in case.results if not result.is_subtest],
    )


def _split_attempts(results: list[RawResult]) -> tuple[list[RawResult], list[RawResult]]:
    """The attempts before the last, in order, and the results that decide.

    With `rerun…` elements the main element is the first attempt, and the last of them is the result. A flaky test is
    decided by its first failure.
    """
    flaky = [result for result in results if result.tag in FLAKY_ELEMENTS]
    reruns = [result for result in results if result.tag in RERUN_ELEMENTS]
    own = [result for result in results if not result.is_attempt]
    if not reruns:
        return flaky, own + flaky
    bad = [result for result in own if result.tag in {"failure", "error"}]
    first = bad[:1]
    return [*flaky, *first, *reruns[:-1]], [*(result for result in own if [result] != first), reruns[-1]]


def _details(result: RawResult, subtests: list[RawResult]) -> str:
    kept_apart = result.tag in FLAKY_ELEMENTS or (subtests and result.is_subtest)
    return "" if kept_apart else result.text


def _attempt(result: RawResult, number: int, case: RawCase) -> AttemptResult:
    outcome, properties = attempt_outcome(result.tag, result.kind), case.properties
    about = result.attributes if result.is_attempt else case.attributes
    return AttemptResult(
        outcome=outcome,
        phase=properties.get(f"attempt-{number}-phase", "call"),
        duration=read_seconds(about.get("time", "")),
        started=_moment(about.get("timestamp", "")),
        message=result.message,
        details=result.text,
        signature=properties.get(f"attempt-{number}-signature", "") or _signature(result, outcome),
        stdout=result.text_of("system-out"),
        stderr=result.text_of("system-err"),
        worker=properties.get(f"attempt-{number}-worker", "") or properties.get("worker", ""),
    )


def _subtest(result: RawResult, number: int, properties: dict[str, str]) -> SubtestResult:
    name = properties.get(f"subtest-{number}", "")
    message = result.message.removeprefix(f"{name}: ")
    return SubtestResult(
        name=name,
        message=message,
        details=result.text,
        signature=properties.get(f"subtest-{number}-signature", "") or normalise(typed(message)),
    )


def _signature(result: RawResult | None, outcome: TestOutcome) -> str:
    """The signature of a failure in a file that says none: the type and the message."""
    if result is None or not (outcome in BAD_TESTS or outcome is TestOutcome.FLAKY):
        return ""
    if outcome in {TestOutcome.TIMEOUT, TestOutcome.CRASHED}:
        return str(outcome)
    return normalise(typed(result.message, "" if result.kind in _OUTCOMES else result.kind))


def _line(text: str, producer: str) -> int:
    number = _number(text, least=-1)
    return max(0, number + 1 if producer == PYTEST else number)  # pytest counts lines from 0


def _number(text: str, least: int = 0) -> int:
    try:
        return max(least, int(text))
    except ValueError:
        return least


def _moment(text: str) -> float:
    """Seconds since the epoch; 0 for a time that names no zone, since nobody knows which one was meant."""
    try:
        moment = datetime.fromisoformat(text)
        return max(0.0, moment.timestamp()) if moment.tzinfo is not None else 0.0
    except (ValueError, OverflowError):
        return 0.0


def read_seconds(text: str) -> float:
    """A duration as runners write it; 0 where it is missing or unreadable."""
    try:
        seconds = float(text.replace(",", ""))
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0
