"""Why a pytest could not run its tests: reported first, because everything else follows from it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gates.portable.values import TestOutcome, plural
from gates.results import TestResult

SHOWN = 3
"""Maximum number of named tests, or messages."""

COLLECTION = "error during collection"
"""Part of the reason of tests that did not run because modules could not be collected."""

_BARE = ("ModuleNotFoundError: ", "ImportError: ")
"""Names that add nothing to the message after them."""


def uncollectable(tests: Sequence[TestResult]) -> list[TestResult]:
    """The modules that could not be collected; each is recorded as a test."""
    return [test for test in tests if test.phase == "collect" and test.outcome is TestOutcome.ERROR]


def collection_words(broken: Sequence[TestResult]) -> str:
    """`5 errors: No module named 'pretend'`; for one module, with its place; for several causes, with how often each occurs."""
    causes = Counter(_message(test) for test in broken)
    if len(broken) == 1:
        where = broken[0].place or broken[0].file or broken[0].id
        return f"1 error: {_message(broken[0])} ({where})"
    if len(causes) == 1:
        return f"{plural(len(broken), 'error')}: {next(iter(causes))}"
    said = [f"{message} ({number})" for message, number in causes.most_common(SHOWN)]
    more = ", …" if len(causes) > SHOWN else ""
    return f"{plural(len(broken), 'error')}: {', '.join(said)}{more}"


def unrun_words(tests: Sequence[TestResult], number: int, collected: int) -> str:
    """How many tests have no result, and why, or which ones."""
    lost = [test for test in tests if test.outcome in (TestOutcome.NOT_RUN, TestOutcome.INTERRUPTED)]
    of_all = f"{number:,} of {plural(collected, 'collected test')}"
    reasons = {test.reason for test in lost}
    if len(reasons) == 1 and all(test.outcome is TestOutcome.NOT_RUN for test in lost):
        reason = next(iter(reasons))
        if COLLECTION in reason.replace("errors", "error"):
            return f"{plural(len(lost), 'test')} did not run because of {'it' if reason.count('1 error') else 'them'}"
        if len(lost) > SHOWN and reason:
            return f"{of_all} did not run: {reason}"
    more = ", …" if len(lost) > SHOWN else ""
    names = ", ".join(test.id for test in lost[:SHOWN])
    return f"{of_all} without a result{': ' if names else ''}{names}{more}"


def _message(test: TestResult) -> str:
    message = test.message or "cannot be collected"
    for name in _BARE:
        message = message.removeprefix(name)
    return message
