"""Turn the elements of one case into a result: find the last attempt, the subtests, and the deciding element."""

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
"""How many characters of a text are kept; the rest is cut, with a note."""

NESTED = frozenset({"stackTrace", "system-out", "system-err"})
"""Elements with the texts of an attempt."""

_OUTCOMES = frozenset(outcome.value for outcome in TestOutcome)


class Text:
    """A text that comes in pieces.

    Args:
        limit: maximum number of characters.
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
    """An element inside a case, or inside a suite, that shows how it ended.

    Attributes:
        depth: of the element, to find its end.
        own: its text, without that of nested elements.
        texts: of the elements inside an attempt.
        inside: the open one of these elements; empty for none.
        is_bad: whether it reports a failure or an error.
        is_skip: whether it reports a skip.
        is_attempt: whether it describes an attempt other than the main one.
        nested: whether it is inside another one.
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
        """An element inside an attempt begins; return where its text goes."""
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
        """The traceback, or any other text."""
        text = (self.texts and self.text_of("stackTrace")) or str(self.own)
        return text.strip("\n") if not text.isspace() else ""  # white space between nested elements is not text

    @property
    def is_subtest(self) -> bool:
        """Whether it may be the failure of a subtest."""
        return self.tag == "failure" and self.kind == SUBTEST


class RawCase:
    """An open case that has more than a name.

    Attributes:
        depth: of the element, to find its end.
        output: the open output element whose text is kept; empty for none.
        silent_depth: of the open element that has no meaning for the outcome; 0 for none.
        unknown: an unknown element that may show how the case ended; empty for none.
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
        case: the case.
        said: what its attributes and properties say.
        test_id: its id.
        gate: the gate that ran it.
        file: from the case, or from its suite.
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
    # The writer of gates puts the outcome first, for readers that know only `skipped`.
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
    """The outcome of the elements, or that of the words if it is worse: words never turn a failure into a pass."""
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
    """The failures of subtests, which only files of gates distinguish, and all other results."""
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
    """The output of a test: of its last attempt, if the file distinguishes attempts."""
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
    """The line that failed, if the traceback names one by a relative path."""
    bad = outcome in BAD_TESTS or outcome is TestOutcome.FLAKY
    return place_of_text(result.text, "") if result is not None and bad else ""


def _signature(result: RawResult | None, outcome: TestOutcome) -> str:
    """The signature of a failure in a file without signatures: the type and the message."""
    if result is None or not (outcome in BAD_TESTS or outcome is TestOutcome.FLAKY):
        return ""
    if outcome in {TestOutcome.TIMEOUT, TestOutcome.CRASHED}:
        return str(outcome)
    return _normalised(result.message, "" if result.kind in _OUTCOMES else result.kind)


@lru_cache(maxsize=256)
def _normalised(message: str, kind: str) -> str:
    # If many tests fail, most fail for the same cause.
    return normalise(typed(message, kind))


def read_line(text: str, producer: str) -> int:
    """The line of a case, counted from 1; 0 if missing or unreadable."""
    if not text:
        return 0
    number = _number(text, least=-1)
    return max(0, number + 1 if producer == PYTEST else number)  # pytest counts lines from 0


def _number(text: str, least: int = 0) -> int:
    try:
        return max(least, int(text)) if text else least
    except ValueError:
        return least
