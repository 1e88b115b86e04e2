"""Turn what was read of one case into a result: which attempt is the last, what is a subtest, what decided."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from gates.portable.failure_signature import normalise, typed
from gates.portable.frames import place_of_text
from gates.portable.values import BAD_TESTS, TestOutcome
from gates.readers.junit.errors import JUnitError
from gates.readers.junit.outcomes import (
    ATTEMPT_ELEMENTS,
    BAD_ELEMENTS,
    FLAKY_ELEMENTS,
    RERUN_ELEMENTS,
    SKIP_ELEMENTS,
    SKIP_OUTCOMES,
    SUBTEST,
    attempt_outcome,
    refine,
    result_outcome,
    worst_outcome,
)
from gates.readers.junit.report import PYTEST
from gates.readers.junit.times import read_moment, read_seconds
from gates.results import AttemptResult, SubtestResult, TestResult

if TYPE_CHECKING:
    from gates.readers.junit.words import ReportedOutcome

MAX_KEPT = 1 << 20
"""Characters kept of one text; the rest is cut, and that is said."""

NESTED = frozenset({"stackTrace", "system-out", "system-err"})
"""Elements inside an attempt that hold its texts."""

_OUTCOMES = frozenset(outcome.value for outcome in TestOutcome)


class Text:
    """A text that comes in pieces.

    Args:
        limit: characters that it may have.
    """

    __slots__ = ("limit", "parts", "size")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.parts: list[str] = []
        self.size = 0

    def add(self, data: str) -> None:
        """The next piece.

        Raises:
            JUnitError: the text is longer than what the config allows.
        """
        size = self.size
        self.size = size + len(data)
        if self.size > self.limit:
            raise JUnitError.over_limit("has a text that is too long", "max-text", self.limit)
        if size < MAX_KEPT:
            self.parts.append(data[: MAX_KEPT - size])

    def __str__(self) -> str:
        text = "".join(self.parts)
        return f"{text}\n… cut here …" if self.size > MAX_KEPT else text


class RawResult:
    """An element inside a case, or inside a suite, that says how it ended.

    Attributes:
        depth: of the element, to find its end.
        own: its text, without that of the elements inside it.
        texts: of the elements inside an attempt.
        inside: the element of these that is open; empty for none.
        is_bad: whether it says that something is wrong.
        is_skip: whether it says that the test was not run.
        is_attempt: whether it is about an attempt beside the main one.
        nested: whether it stands inside another one.
    """

    __slots__ = (
        *("attributes", "depth", "inside", "inside_depth", "is_attempt", "is_bad", "is_skip", "kind", "message"),
        *("nested", "own", "tag", "texts"),
    )

    def __init__(self, tag: str, attributes: dict[str, str], depth: int, limit: int, *, nested: bool = False) -> None:
        self.tag = tag
        self.attributes = attributes
        self.kind = attributes.get("type", "")
        self.message = attributes.get("message", "")
        self.depth = depth
        self.own = Text(limit)
        self.nested = nested
        self.texts: dict[str, Text] = {}
        self.inside = ""
        self.inside_depth = 0
        self.is_bad = tag in BAD_ELEMENTS
        self.is_skip = tag in SKIP_ELEMENTS
        self.is_attempt = tag in ATTEMPT_ELEMENTS

    def enter(self, nested: str, depth: int) -> Text:
        """An element inside an attempt begins; where its text goes."""
        self.inside, self.inside_depth = nested, depth
        return self.texts.setdefault(nested, Text(self.own.limit))

    def leave(self) -> Text:
        """It ends."""
        self.inside, self.inside_depth = "", 0
        return self.own

    def text_of(self, nested: str) -> str:
        """The text of an element inside this one, as it was written."""
        return str(self.texts[nested]) if nested in self.texts else ""

    @property
    def text(self) -> str:
        """The traceback, or whatever text it has."""
        text = (self.texts and self.text_of("stackTrace")) or str(self.own)
        return text.strip("\n") if not text.isspace() else ""  # spaces between the elements inside it are no text

    @property
    def is_subtest(self) -> bool:
        """Whether it may be the failure of a subtest."""
        return self.tag == "failure" and self.kind == SUBTEST


class RawCase:
    """A case that has more than a name, and whose end was not read yet.

    Attributes:
        depth: of the element, to find its end.
        output: the element of output that is open and kept; empty for none.
        silent_depth: of the open element that does not say how the case ended; 0 for none.
        unknown: an element that may say how it ended, and that nobody knows; empty for none.
    """

    __slots__ = (
        *("attributes", "depth", "output", "output_depth", "outputs", "properties", "results", "silent_depth"),
        "unknown",
    )

    def __init__(self, attributes: dict[str, str], depth: int) -> None:
        self.attributes = attributes
        self.depth = depth
        self.output = ""
        self.output_depth = 0
        self.outputs: dict[str, Text] = {}
        self.properties: dict[str, str] = {}
        self.results: list[RawResult] = []
        self.silent_depth = 0
        self.unknown = ""


def read_case(case: RawCase, said: ReportedOutcome, test_id: str, gate: str, file: str, producer: str) -> TestResult:
    """The result of a case.

    Args:
        case: what was read.
        said: what it says beside its elements.
        test_id: its id.
        gate: the gate that ran it.
        file: its own word, or that of its suite.
        producer: see `JUnitReport.producer`.
    """
    attributes, properties = case.attributes, case.properties
    if not properties and len(case.results) <= 1 and not any(result.is_attempt for result in case.results):
        return _read_simple(case, said, test_id, gate, file, producer)
    subtests, rest = _split_subtests(case)
    earlier, deciding = _split_attempts(rest)
    outcomes = [result_outcome(result.tag, result.kind) for result in deciding]
    outcome = worst_outcome(outcomes)
    if subtests and outcome not in BAD_TESTS:
        outcome, outcomes, deciding = TestOutcome.FAILED, [*outcomes, TestOutcome.FAILED], [*deciding, subtests[0]]
    outcome = _with_words(outcome, said)
    exact = refine(outcome, properties.get("outcome", ""))
    decided = next((result for result, said in zip(deciding, outcomes, strict=True) if said is outcome), None)
    last = decided if decided is not None and decided.tag in RERUN_ELEMENTS else None
    about = last.attributes if last else attributes
    read = tuple(_subtest(result, number, properties) for number, result in enumerate(subtests, 1))
    # Our own writer puts the outcome in front, for readers that know only `skipped`.
    message = decided.message.removeprefix(f"{exact}: ") if decided else said.word if exact in BAD_TESTS else ""
    if subtests and decided is subtests[0]:
        message = read[0].message
    skipped = exact in SKIP_OUTCOMES
    stdout, stderr = (_output(case, last, name) for name in ("system-out", "system-err"))
    return TestResult(
        gate=gate,
        id=test_id,
        outcome=exact,
        duration=read_seconds(about.get("time") or about.get("duration", "")),
        phase=properties.get("phase", "call"),
        worker=properties.get("worker", ""),
        file=file,
        line=_number(properties.get("defined", "")) or read_line(attributes.get("line", ""), producer),
        started=read_moment(about.get("timestamp", "")),
        reason=message if skipped else properties.get("reason", ""),
        exclusion=properties.get("exclusion", ""),
        message="" if skipped else message,
        details="\n\n".join(text for result in deciding if (text := _details(result, subtests))),
        stdout=stdout,
        stderr=stderr,
        signature=properties.get("signature", "") or _signature(decided, exact),
        place=properties.get("place", "") or _place(decided, exact),
        attempts=tuple(_attempt(result, number, case) for number, result in enumerate(earlier, 1)),
        subtests=read,
        subtests_passed=_number(properties.get("subtests-passed", "")),
        subtests_skipped=_number(properties.get("subtests-skipped", "")),
        subtests_xfailed=_number(properties.get("subtests-xfailed", "")),
    )


def _with_words(outcome: TestOutcome, said: ReportedOutcome) -> TestOutcome:
    """The outcome of the elements, or that of the words where it is worse: words turn nothing green."""
    if (
        said.outcome is TestOutcome.PASSED
        or outcome in BAD_TESTS
        or (outcome in SKIP_OUTCOMES and said.outcome not in BAD_TESTS)
    ):
        return outcome
    return worst_outcome((outcome, said.outcome))


def _read_simple(case: RawCase, said: ReportedOutcome, test_id: str, gate: str, file: str, producer: str) -> TestResult:
    """The same for one of the many cases that have one result at most, and no properties."""
    attributes = case.attributes
    result = case.results[0] if case.results else None
    own = result_outcome(result.tag, result.kind) if result is not None else TestOutcome.PASSED
    outcome = _with_words(own, said)
    if outcome is not own:
        message = said.word if outcome in BAD_TESTS else ""
    else:
        message = result.message.removeprefix(f"{outcome}: ") if result is not None else ""
    skipped = outcome in SKIP_OUTCOMES
    return TestResult(
        gate=gate,
        id=test_id,
        outcome=outcome,
        duration=read_seconds(attributes.get("time") or attributes.get("duration", "")),
        file=file,
        line=read_line(attributes.get("line", ""), producer),
        started=read_moment(attributes.get("timestamp", "")),
        reason=message if skipped else "",
        message="" if skipped else message,
        details=result.text if result is not None else "",
        stdout=_output(case, None, "system-out"),
        stderr=_output(case, None, "system-err"),
        signature=_signature(result, outcome),
        place=_place(result, outcome),
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


def _output(case: RawCase, last: RawResult | None, name: str) -> str:
    """What a test printed: its last attempt where the file tells attempts apart."""
    if last is not None:
        return last.text_of(name)
    return str(case.outputs[name]) if name in case.outputs else ""


def _attempt(result: RawResult, number: int, case: RawCase) -> AttemptResult:
    outcome, properties = attempt_outcome(result.tag, result.kind), case.properties
    about = result.attributes if result.is_attempt else case.attributes
    return AttemptResult(
        outcome=outcome,
        phase=properties.get(f"attempt-{number}-phase", "call"),
        duration=read_seconds(about.get("time", "")),
        started=read_moment(about.get("timestamp", "")),
        message=result.message,
        details=result.text,
        signature=properties.get(f"attempt-{number}-signature", "") or _signature(result, outcome),
        place=properties.get(f"attempt-{number}-place", "") or _place(result, outcome),
        stdout=result.text_of("system-out") if result.is_attempt else _output(case, None, "system-out"),
        stderr=result.text_of("system-err") if result.is_attempt else _output(case, None, "system-err"),
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
        place=properties.get(f"subtest-{number}-place", ""),
    )


def _place(result: RawResult | None, outcome: TestOutcome) -> str:
    """The line that failed, where the traceback names one by a relative path."""
    bad = outcome in BAD_TESTS or outcome is TestOutcome.FLAKY
    return place_of_text(result.text, "") if result is not None and bad else ""


def _signature(result: RawResult | None, outcome: TestOutcome) -> str:
    """The signature of a failure in a file that says none: the type and the message."""
    if result is None or not (outcome in BAD_TESTS or outcome is TestOutcome.FLAKY):
        return ""
    if outcome in {TestOutcome.TIMEOUT, TestOutcome.CRASHED}:
        return str(outcome)
    return _normalised(result.message, "" if result.kind in _OUTCOMES else result.kind)


@lru_cache(maxsize=256)
def _normalised(message: str, kind: str) -> str:
    # Where many tests fail, most fail for one cause.
    return normalise(typed(message, kind))


def read_line(text: str, producer: str) -> int:
    """The line of a case, counted from 1; 0 where it is missing or unreadable."""
    if not text:
        return 0
    number = _number(text, least=-1)
    return max(0, number + 1 if producer == PYTEST else number)  # pytest counts lines from 0


def _number(text: str, least: int = 0) -> int:
    try:
        return max(least, int(text)) if text else least
    except ValueError:
        return least
