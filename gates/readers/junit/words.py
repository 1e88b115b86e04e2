"""Find out how a case ended from its attributes and properties, in the words of any runner.

The words for a pass are a closed list. Any other word about the outcome is not a pass: a word for a failure, a
word for a skip, or an unknown word, which is an error and is reported.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from gates.portable.values import BAD_TESTS, TestOutcome
from gates.readers.junit.outcomes import worst_outcome

if TYPE_CHECKING:
    Question = Literal["outcome", "passed", "failed", "skipped", "run", "code", ""]

_WORDS: dict[str, TestOutcome] = {
    **dict.fromkeys(("passed", "pass", "passing", "ok", "success", "successful", "succeeded"), TestOutcome.PASSED),
    **dict.fromkeys(("run", "ran", "completed", "executed", "true", "bpass"), TestOutcome.PASSED),
    "xpassed": TestOutcome.XPASSED,
    "flaky": TestOutcome.FLAKY,
    **dict.fromkeys(("failed", "failure", "fail", "failing", "broken", "notok", "notpassed"), TestOutcome.FAILED),
    **dict.fromkeys(("unsuccessful", "false", "xpass"), TestOutcome.FAILED),
    **dict.fromkeys(("error", "errored", "exception", "invalid", "notrunnable"), TestOutcome.ERROR),
    **dict.fromkeys(("abort", "aborted", "killed", "canceled", "cancelled", "interrupted"), TestOutcome.ERROR),
    **dict.fromkeys(("crash", "crashed", "panic", "panicked"), TestOutcome.CRASHED),
    **dict.fromkeys(("timeout", "timedout"), TestOutcome.TIMEOUT),
    **dict.fromkeys(("skipped", "skip", "notrun", "notexecuted", "disabled", "ignored", "ignore"), TestOutcome.SKIPPED),
    **dict.fromkeys(("suppressed", "pending", "todo", "inconclusive", "risky", "bfail"), TestOutcome.SKIPPED),
    **dict.fromkeys(("excluded", "quarantined", "xfail", "xfailed", "bxfail", "bxpass"), TestOutcome.SKIPPED),
}
"""Word, in lower case and without blanks or hyphens → what it means. Only `<skipped>` shows the kind of skip."""

NO = frozenset({"", "false", "no", "n", "0", "off", "none", "null", "never"})
"""Words for "no", in lower case."""

_YES = frozenset({"true", "yes", "y", "1", "on"})

_QUESTIONS: dict[str, Question] = {
    **dict.fromkeys(("status", "result", "outcome", "state", "verdict", "conclusion", "disposition"), "outcome"),
    **dict.fromkeys(("teststatus", "testresult", "testoutcome", "executionstatus", "finalstatus"), "outcome"),
    **dict.fromkeys(("success", "successful", "succeeded", "passed", "pass", "passing", "ok"), "passed"),
    **dict.fromkeys(("completed", "finished", "passes", "successes"), "passed"),
    **dict.fromkeys(("failed", "failure", "failures", "fail", "failing", "unsuccessful", "notok"), "failed"),
    **dict.fromkeys(("error", "errors", "errored", "exception", "broken", "crash", "crashed", "panicked"), "failed"),
    **dict.fromkeys(("timedout", "aborted", "killed", "cancelled", "canceled", "interrupted", "incomplete"), "failed"),
    **dict.fromkeys(("disabled", "skipped", "skip", "ignored", "ignore", "notrun", "pending", "todo"), "skipped"),
    **dict.fromkeys(("invalid", "unexpected"), "failed"),
    "executed": "run",
    **dict.fromkeys(("exitcode", "exitstatus", "returncode", "rc", "exit", "signal"), "code"),
}
"""Attribute, in lower case and without hyphens → the question that it answers."""

_SOUNDS_BAD = re.compile(
    r"fail|crash|abort|kill|timedout|timeouts|broken|panic|fatal|cancel|interrupt|unsuccess|errors?(?:count)?$"
)
"""Other attributes about a failure, in the same form. A `timeout` may be a limit."""

_AUXILIARY = re.compile(r"^(?:is|has|was|did)(?=.)")


class ReportedOutcome(NamedTuple):
    """The outcome of a case from its attributes and properties, besides its elements.

    Attributes:
        outcome: the worst one; `PASSED` if there is none.
        word: its attribute, as written, if it is not a pass.
        unknown: the word, if its meaning is unknown.
        accepted: the attribute, if the config declares that it means a pass.
    """

    outcome: TestOutcome = TestOutcome.PASSED
    word: str = ""
    unknown: str = ""
    accepted: str = ""


_NOTHING = ReportedOutcome()


def said_by(
    attributes: Mapping[str, str], properties: Mapping[str, str] | None = None, passed: Collection[str] = ()
) -> ReportedOutcome:
    """The outcome of a case from its attributes and properties.

    Args:
        attributes: of the case.
        properties: of the case.
        passed: additional words for a pass, normalised.
    """
    words = tuple([pair for pair in attributes.items() if question_of(pair[0])])
    said = _said(words, frozenset(passed)) if words else _NOTHING
    # Properties may contain anything: they count only if their value is a known word.
    for name, text in (properties or {}).items():
        outcome = _meaning(text.strip()) if question_of(name) == "outcome" else None
        if outcome is not None:
            said = _worse(said, ReportedOutcome(outcome, f"property {name}={text[:100]!r}"))
    return said


@lru_cache(maxsize=1024)
def _said(words: tuple[tuple[str, str], ...], passed: frozenset[str]) -> ReportedOutcome:
    # Nearly all cases of a file have the same words.
    said = _NOTHING
    for name, text in words:
        value = text.strip()
        if value:
            said = _worse(said, _answer(question_of(name), name, value, passed))
    return said


def _worse(first: ReportedOutcome, second: ReportedOutcome) -> ReportedOutcome:
    worse = second if worst_outcome((first.outcome, second.outcome)) is not first.outcome else first
    return worse._replace(accepted=first.accepted or second.accepted)


def _answer(question: Question, name: str, value: str, passed: Collection[str]) -> ReportedOutcome:
    flag, text = value.casefold(), f'{name}="{value[:100]}"'
    outcome: TestOutcome | None = TestOutcome.PASSED
    if passed and normal(value) in passed:
        return ReportedOutcome(accepted=text)
    if question == "outcome":
        outcome = _meaning(value)
    elif question in ("failed", "code"):
        outcome = TestOutcome.FAILED if flag not in NO and flag.strip("0") else outcome
    elif question == "skipped":
        outcome = TestOutcome.SKIPPED if flag not in NO else outcome
    elif flag in NO:
        outcome = TestOutcome.FAILED if question == "passed" else TestOutcome.SKIPPED
    elif flag not in _YES:
        outcome = _meaning(value)
    if outcome is None:
        return ReportedOutcome(TestOutcome.ERROR, text, value[:100])
    return ReportedOutcome(outcome, text)


def _meaning(value: str) -> TestOutcome | None:
    """The meaning of a word; None if unknown. Only words for a failure or a skip may contain signs."""
    exact = _WORDS.get(value.casefold())
    if exact is not None:
        return exact
    near = _WORDS.get(normal(value))
    return None if near is TestOutcome.PASSED else near


def counts_failures(name: str) -> bool:
    """Whether an attribute of a suite counts failures if it is a number, however its name is written."""
    return question_of(name) == "failed"


def bad_word(attributes: Mapping[str, str], passed: Collection[str] = (), *, some_passed: bool = True) -> str:
    """The attribute of a suite that reports a failure or an unknown result; empty for none.

    Args:
        attributes: of the suite.
        passed: additional words for a pass, normalised.
        some_passed: whether a case in it passed: then a count of passed cases is not zero.
    """
    asked = {}
    for name, text in attributes.items():
        question = question_of(name)
        counted = question == "passed" and text.strip().isdecimal()
        if question in ("outcome", "passed", "code") and not (counted and (int(text) or not some_passed)):
            asked[name] = text
    said = said_by(asked, None, passed)
    return said.word if said.outcome in BAD_TESTS else ""


@lru_cache(maxsize=1024)
def question_of(name: str) -> Question:
    """The question that an attribute answers, with any case or prefix; empty for any other attribute."""
    word = _squeezed(name.rpartition(":")[2])
    return (
        _QUESTIONS.get(word)
        or _QUESTIONS.get(_AUXILIARY.sub("", word))
        or ("failed" if _SOUNDS_BAD.search(word) else "")
    )


@lru_cache(maxsize=1024)
def normal(word: str) -> str:
    """A normalised word: `Not-Run ` becomes `notrun`."""
    return _squeezed(word[:200])


def _squeezed(text: str) -> str:
    return re.sub(r"[\s_\-.]+", "", text).casefold()
