"""What a case says beside its results: words, properties, elements that nobody knows."""

from __future__ import annotations

import pytest

from gates.portable.values import TestOutcome
from tests.gates.readers.junit.documents import case, read


@pytest.mark.parametrize(
    "inner", ["<rerun/><attachments/>", "<system-out>a <b>c</b></system-out>", "<Tags><x/></Tags>"]
)
def test_an_element_that_is_known_to_say_nothing_leaves_a_case_as_it_is(inner: str) -> None:
    report = read(case(inner))
    assert report.consistent
    assert report.results[0].outcome is TestOutcome.PASSED


@pytest.mark.parametrize(
    ("inner", "tag"),
    [
        ("<failed/>", "failed"),
        ("<Crash/>", "Crash"),
        ("<notok/>", "notok"),
        ("<ko>no</ko>", "ko"),
        ('<result status="failed"/>', "result"),
        ("<testcase name='inner'/>", "testcase"),
        ("<system-out><fatal-error/></system-out>", "fatal-error"),
        ("<properties><failed/></properties>", "failed"),
        ("<flakyFailure><timed-out/></flakyFailure>", "timed-out"),
        ("<ok/><system-out/>", "ok"),
    ],
)
def test_an_element_that_nobody_knows_is_no_pass_and_is_named(inner: str, tag: str) -> None:
    report = read(case(inner))
    (found,) = report.results
    assert (found.outcome, found.message) == (TestOutcome.ERROR, f"<{tag}>")
    assert report.contradictions == (
        (
            f"'c::t' contains <{tag}>, which gates does not know; if it does not say how the test ended: "
            f'silent-elements = ["{tag}"] in [junit] of the config'
        ),
    )
    if tag in {"ko", "result", "ok"}:
        accepted = read(case(inner), silent_elements=[tag])
        assert (accepted.contradictions, accepted.notes) == (
            (),
            (f"<{tag}> does not say how a test ended (accepted in [junit]: silent-elements)",),
        )


def test_an_element_that_nobody_knows_in_a_case_that_failed_hides_nothing() -> None:
    assert read(case("<failure message='m'/><ko/>")).consistent


@pytest.mark.parametrize(
    ("attributes", "outcome", "said"),
    [
        ("status='crash'", "crashed", 'says status="crash" without'),
        (
            "status='wobbly'",
            "error",
            'says status="wobbly", which gates does not know; if it means that the test',
        ),
        ("success='false'", "failed", 'says success="false" without'),
        ("skipped='no GPU'", "skipped", ""),
        ("status='run' result='suppressed'", "skipped", ""),
        ("status='Passed' assertions='3'", "passed", ""),
    ],
)
def test_words_on_a_case_say_how_it_ended(attributes: str, outcome: str, said: str) -> None:
    report = read(case("", attributes))
    assert report.results[0].outcome.value == outcome
    assert report.consistent == (not said)
    assert said in "".join(report.contradictions)
    if said:
        assert report.results[0].message == attributes.replace("'", '"')


def test_a_word_of_the_config_is_a_pass_and_no_other() -> None:
    report = read(case("", "status='Grün-Hell' result='passed'"), passed_words=["grün hell"])
    assert report.results[0].outcome is TestOutcome.PASSED
    assert report.notes == ('status="Grün-Hell" means that a test passed (accepted in [junit]: passed-words)',)
    assert not read(case("", "status='grün' result='failed'"), passed_words=["grün"]).consistent
    assert not read(case("", "status='rot'"), passed_words=["grün hell"]).consistent


def test_a_word_for_a_failure_beats_a_skip() -> None:
    report = read(case("<skipped/>", "status='failed'"))
    assert (report.results[0].outcome, report.consistent) == (TestOutcome.FAILED, False)


@pytest.mark.parametrize(
    ("value", "outcome"),
    [("failed", "failed"), ("skipped", "skipped"), ("no word of ours", "passed"), ("xpassed", "xpassed")],
)
def test_a_property_may_make_a_case_worse(value: str, outcome: str) -> None:
    report = read(case(f'<properties><property name="outcome" value="{value}"/></properties>'))
    assert report.results[0].outcome.value == outcome
    assert report.consistent == (outcome != "failed")


def test_a_crate_that_is_called_gates_is_not_taken_for_our_own() -> None:
    text = (
        '<testsuites><testsuite name="gates" tests="2"><testcase name="a" classname="gates"/>'
        '<testcase name="b" classname="gates"><failure/></testcase></testsuite></testsuites>'
    )
    report = read(text)
    assert [(each.id, each.outcome.value) for each in report.results] == [
        ("gates::a", "passed"),
        ("gates::b", "failed"),
    ]
    assert report.gates == ()
