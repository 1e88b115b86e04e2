"""One test as a case of a suite.

A reader of JUnit knows four results; gates has thirteen. They are mapped by this rule: what failed or is unknown is a
`failure` or an `error`, what did not count is `skipped` with a message that names its kind, and nothing else
looks passed. The exact outcome is always there as a property.

Attempts as in Surefire and nextest: a pass after failures has a `flakyFailure` or `flakyError` per failure. If no
attempt passed, the main element is the *first* attempt and the others are `rerunFailure` or `rerunError`, the last of
them being the result. A subtest that failed is one more `failure` of the same case, with its name before the message;
the case still counts once.

A test that unexpectedly passed has no element, because none fits: every known reader treats
`skipped` as not run and `failure` as a broken build, and pytest's own file shows a pass. It is marked by the
property `outcome` with the value `xpassed`, and the property with the reason; a line in `system-out` would be
easily overlooked. The reader, the counts and every summary of gates show xpassed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from gates.portable.values import TestOutcome
from gates.readers.junit.elements import Case
from gates.readers.junit.outcomes import OWN_KINDS, SUBTEST, TEST_ELEMENTS
from gates.readers.junit.report import split_id
from gates.results import AttemptResult, TestResult

_TYPE = re.compile(r"[A-Z]\w*(?=: | @ |\Z)")
"""The class of the exception at the start of a signature."""


def test_case(test: TestResult, file: str, owners: Mapping[str, str]) -> Case:
    """The case of a test; `owners` has owner and expiry of exclusions."""
    name, classname = split_id(test.id, file)
    element = TEST_ELEMENTS.get(test.outcome)
    tried_in_vain = bool(test.attempts) and element in {"failure", "error"}
    main = test.attempts[0] if tried_in_vain else test
    stdout, stderr = main.stdout, main.stderr
    if test.subtests:
        stdout = _with_subtests(stdout, [(subtest.name, subtest.stdout) for subtest in test.subtests])
        stderr = _with_subtests(stderr, [(subtest.name, subtest.stderr) for subtest in test.subtests])
    case = Case(
        name,
        classname,
        time=seconds(main.duration),
        timestamp=iso(main.started),
        file=file,
        line=failing_line(test),
        stdout=stdout,
        stderr=stderr,
    )
    _add_properties(case, test, element)
    if tried_in_vain:
        _add_attempts(case, test)
    elif element == "skipped":
        said = test.reason or test.message
        entry = test.quarantine or test.exclusion
        if entry in owners:
            said = f"{said} ({owners[entry]})".strip()
        message = f"{test.outcome}: {said}" if said else test.outcome.value
        case.add_result(element, test.outcome.value, message, test.details)
    elif element and _failed_itself(test):
        case.add_result(element, _kind(test.outcome, test.signature), _message(test), test.details)
    if not tried_in_vain:
        for attempt in test.attempts or _unknown_attempt(test):
            _add_attempt(case, "flaky", attempt)
    for subtest in test.subtests:
        case.add_result("failure", SUBTEST, f"{subtest.name}: {subtest.message}", subtest.details)
    return case


def failing_line(test: TestResult) -> int:
    """The line of a case: where it failed, if that is in its file, as annotating readers expect; else where it begins."""
    file, _, line = test.place.rpartition(":")
    return int(line) if file and file == test.file and line.isdigit() else test.line


def _add_properties(case: Case, test: TestResult, element: str | None) -> None:
    case.add_property("outcome", test.outcome.value)
    case.add_property("worker", test.worker)
    case.add_property("process", str(test.process) if test.process else "")
    case.add_property("phase", "" if test.phase == "call" else test.phase)
    case.add_property("exclusion", test.exclusion)
    case.add_property("signature", test.signature)
    case.add_property("place", test.place)
    case.add_property("defined", str(test.line) if failing_line(test) != test.line else "")
    if element != "skipped":
        case.add_property("reason", test.reason)
    for number, attempt in enumerate(test.attempts, 1):
        case.add_property(f"attempt-{number}-signature", attempt.signature)
        case.add_property(f"attempt-{number}-place", attempt.place)
        case.add_property(f"attempt-{number}-phase", "" if attempt.phase == "call" else attempt.phase)
        case.add_property(f"attempt-{number}-worker", "" if attempt.worker == test.worker else attempt.worker)
    for number, subtest in enumerate(test.subtests, 1):
        case.add_property(f"subtest-{number}", subtest.name)
        case.add_property(f"subtest-{number}-signature", subtest.signature)
        case.add_property(f"subtest-{number}-place", subtest.place)
    for number, leak in enumerate(test.leaks, 1):
        case.add_property(f"leak-{number}", leak)
    for outcome in ("passed", "skipped", "xfailed"):
        count: int = getattr(test, f"subtests_{outcome}")
        case.add_property(f"subtests-{outcome}", str(count) if count else "")


def _add_attempts(case: Case, test: TestResult) -> None:
    """The first attempt as the main element, then the others, the last of which is the result."""
    first, *others = test.attempts
    case.add_result(
        TEST_ELEMENTS[first.outcome],
        _kind(first.outcome, first.signature),
        first.message or first.outcome.value,
        first.details,
    )
    last = AttemptResult(
        outcome=test.outcome,
        duration=test.duration,
        started=test.started,
        message=_message(test),
        details=test.details,
        signature=test.signature,
        place=test.place,
        stdout=test.stdout,
        stderr=test.stderr,
    )
    for attempt in (*others, last):
        _add_attempt(case, "rerun", attempt)


def _add_attempt(case: Case, word: str, attempt: AttemptResult) -> None:
    case.add_attempt(
        word + TEST_ELEMENTS[attempt.outcome].capitalize(),
        _kind(attempt.outcome, attempt.signature),
        attempt.message or attempt.outcome.value,
        time=seconds(attempt.duration),
        timestamp=iso(attempt.started),
        texts={"stackTrace": attempt.details, "system-out": attempt.stdout, "system-err": attempt.stderr},
    )


def _unknown_attempt(test: TestResult) -> tuple[AttemptResult, ...]:
    """The failure of a flaky test if only its first one is known."""
    if test.outcome is not TestOutcome.FLAKY:
        return ()
    message = test.message or "failed before it passed"
    outcome = TestOutcome.FAILED if test.phase == "call" else TestOutcome.ERROR
    return (
        AttemptResult(
            outcome=outcome, message=message, details=test.details, signature=test.signature, place=test.place
        ),
    )


def _failed_itself(test: TestResult) -> bool:
    """Whether it has more information than its subtests."""
    lead = test.subtests[0].message if test.subtests else None
    return test.outcome is not TestOutcome.FAILED or bool(test.details) or test.message != lead


def _message(test: TestResult) -> str:
    return test.message or test.reason or test.outcome.value


def _kind(outcome: TestOutcome, signature: str) -> str:
    """The `type` of an element: the class of the exception if known, else the outcome."""
    found = _TYPE.match(signature) if outcome in OWN_KINDS else None
    return found[0] if found else outcome.value


def _with_subtests(text: str, others: Iterable[tuple[str, str]]) -> str:
    """Output including that of subtests, which pytest keeps separate: JUnit has one place for all of it."""
    parts = [f"--- subtest {name} ---\n{said}" for name, said in others if said]
    return "\n".join([text.rstrip("\n"), *parts] if text else parts) if parts else text


def iso(seconds: float) -> str | None:
    """An ISO 8601 time in UTC; None if the time is unknown or impossible."""
    if not seconds > 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return None


def seconds(value: float) -> float:
    """A duration that can be summed: a clock that went backwards, or `nan`, counts as zero."""
    return value if 0 < value < float("inf") else 0.0
