from __future__ import annotations

import pytest

from gates.portable.values import BAD_TESTS, TestOutcome
from gates.readers.junit.words import bad_word, said_by


@pytest.mark.parametrize("word", ["passed", "PASS", " Passed ", "ok", "Success", "successful", "run", "completed"])
@pytest.mark.parametrize("name", ["status", "Result", "outcome", "x:state"])
def test_a_word_for_a_pass_is_one_however_it_is_written(name: str, word: str) -> None:
    assert said_by({"name": "t", name: word}).outcome is TestOutcome.PASSED


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("failed", "failed"),
        ("failed ", "failed"),
        ("FAILURE", "failed"),
        ("notok", "failed"),
        ("not ok", "failed"),
        ("broken", "failed"),
        ("false", "failed"),
        ("crash", "crashed"),
        ("killed", "error"),
        ("canceled", "error"),
        ("Cancelled", "error"),
        ("timed-out", "timeout"),
        ("Timed Out", "timeout"),
        ("Not_Run", "skipped"),
        ("Inconclusive", "skipped"),
        ("xfail", "skipped"),
        ("flaky", "flaky"),
        ("xpassed", "xpassed"),
        ("wobbly", "error"),
        ("p\N{CYRILLIC SMALL LETTER A}ssed", "error"),
        ("passed?", "error"),
        ("pass-ed", "error"),
        ("-ok", "error"),
        ("0", "error"),
    ],
)
def test_no_other_word_is_a_pass(word: str, outcome: str) -> None:
    said = said_by({"status": word})
    assert said.outcome.value == outcome
    assert said.word == f'status="{word.strip()}"'
    assert bool(said.unknown) == (
        word in {"wobbly", "passed?", "pass-ed", "-ok", "0", "p\N{CYRILLIC SMALL LETTER A}ssed"}
    )


@pytest.mark.parametrize(
    ("name", "value", "outcome"),
    [
        ("success", "true", "passed"),
        ("success", "1", "passed"),
        ("success", "False", "failed"),
        ("success", "-1", "error"),
        ("passed", "2", "error"),
        ("passed", "no", "failed"),
        ("ok", "perhaps", "error"),
        ("failed", "false", "passed"),
        ("failures", "0", "passed"),
        ("failures", "2", "failed"),
        ("error", "boom", "failed"),
        ("incomplete", "true", "failed"),
        ("crashed", "yes", "failed"),
        ("disabled", "false", "passed"),
        ("disabled", "true", "skipped"),
        ("skipped", "no GPU", "skipped"),
        ("not-run", "1", "skipped"),
        ("executed", "False", "skipped"),
        ("executed", "True", "passed"),
        ("executed", "perhaps", "error"),
        ("executed", "disabled", "skipped"),
        ("status", "", "passed"),
        ("assertions", "failed", "passed"),
        ("name", "failed", "passed"),
    ],
)
def test_a_flag_answers_its_own_question(name: str, value: str, outcome: str) -> None:
    assert said_by({name: value}).outcome.value == outcome


def test_the_worst_of_several_words_counts() -> None:
    said = said_by({"status": "passed", "result": "skipped", "outcome": "failed", "ignored": "true"})
    assert (said.outcome, said.word) == (TestOutcome.FAILED, 'outcome="failed"')


def test_properties_count_where_their_word_is_known() -> None:
    assert said_by({}, {"status": "failed"}).outcome is TestOutcome.FAILED
    assert said_by({}, {"result": "42", "color": "failed"}).outcome is TestOutcome.PASSED


def test_a_suite_says_that_it_failed() -> None:
    assert bad_word({"name": "failed", "result": "Failure"}) == 'result="Failure"'
    assert bad_word({"status": "wobbly"}) == 'status="wobbly"'
    assert not bad_word({"status": "wobbly"}, {"wobbly"})
    assert not bad_word({"failures": "3", "errors": "1", "status": "skipped", "success": "True"})


@pytest.mark.parametrize(
    "attribute",
    [
        'isFailed="true"', 'hasFailed="1"', 'wasSuccessful="false"', 'exitCode="1"', 'exit-code="-11"', 'rc="2"',
        'return_code="1"', 'signal="9"', 'failure-message="boom"', 'completed="false"', 'didCrash="yes"',
        'error-count="1"', 'x:Failed="true"',
    ],
)  # fmt: skip
def test_an_attribute_that_speaks_of_a_failure_is_no_pass_whatever_it_is_called(attribute: str) -> None:
    name, _, value = attribute.partition("=")
    assert said_by({"name": "t", name: value.strip('"')}).outcome in BAD_TESTS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", "30"), ("exitCode", "0"), ("signal", ""), ("isFailed", "false"), ("failure-message", ""),
        ("wasSuccessful", "true"), ("message", "1"), ("hash", "1"), ("isolated", "1"), ("assertions", "7"),
    ],
)  # fmt: skip
def test_other_attributes_say_nothing(name: str, value: str) -> None:
    assert said_by({"name": "t", name: value}).outcome is TestOutcome.PASSED
