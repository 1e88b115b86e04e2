from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.errors import GatesError
from gates.portable.values import ExitCode, TestOutcome
from gates.readers.junit.cases import MAX_KEPT
from gates.readers.junit.read import PIECE, JUnitError, parse_junit, read_junit
from gates.readers.junit.rules import JUnitRules
from gates.readers.junit.text import clean
from gates.readers.junit.write import junit_document
from tests.gates.readers.junit.documents import case, read
from tests.gates.readers.junit.sample import NOON, a_run, a_test, any_tried_test, anything

if TYPE_CHECKING:
    from pathlib import Path

    from gates.results import TestResult


@pytest.mark.parametrize(
    ("inner", "outcome", "message", "details"),
    [
        ("", "passed", "", ""),
        ("<system-out>noise</system-out>", "passed", "", ""),
        ('<failure message="m" type="T">text</failure>', "failed", "m", "text"),
        ("<failure/>", "failed", "", ""),
        ('<failure message="m">one</failure><failure message="n">two</failure>', "failed", "m", "one\n\ntwo"),
        ('<error message="e">b</error><failure message="f">a</failure>', "failed", "f", "b\n\na"),
        ('<error message="e"/>', "error", "e", ""),
        ('<skipped message="why"/>', "skipped", "why", ""),
        ('<skipped type="pytest.xfail" message="bug"/>', "xfailed", "bug", ""),
        ('<skipped/><failure message="m"/>', "failed", "m", ""),
        ('<flakyFailure message="once">x</flakyFailure>', "flaky", "once", ""),
        ('<failure message="m"/><rerunFailure message="n">x</rerunFailure>', "failed", "n", "x"),
        ('<error message="m"/><rerunError message="n"/>', "error", "n", ""),
        ('<rerunFailure message="n"/>', "failed", "n", ""),
        ('<skipped message="m"/><rerunFailure message="n"/>', "failed", "n", ""),
        ('<failure message="m"/><flakyFailure message="n"/>', "failed", "m", ""),
        ('<failure type="test timeout" message="slow"/>', "timeout", "slow", ""),
        ("<failure>a <b>bold</b> <failure>word</failure> end</failure>", "failed", "", "a bold word end"),
        ('<failure type="pytest.xfail" message="m"/>', "failed", "m", ""),
        ('<error type="pytest.xfail" message="m"/>', "error", "m", ""),
        ('<skipped message="s"><failure message="m"/></skipped>', "failed", "m", ""),
        ('<flakyFailure message="s"><error message="m"/></flakyFailure>', "error", "m", ""),
        ('<flakyFailure message="s"><stackTrace><failure message="m"/></stackTrace></flakyFailure>', "failed", "m", ""),
        ('<rerunFailure message="s"><skipped message="m"/></rerunFailure>', "failed", "s", ""),
        ('<system-out>noise <failure message="m"/></system-out>', "failed", "m", ""),
        ('<properties><property name="p"><failure message="m"/></property></properties>', "failed", "m", ""),
        ('<attachments><x><error message="m"/></x></attachments>', "error", "m", ""),
        ('<testcase name="inner"><failure message="m"/></testcase>', "failed", "m", ""),
        ("<failure><![CDATA[<&>]]></failure>", "failed", "", "<&>"),
        ('<failure message="one&#10;two"/>', "failed", "one\ntwo", ""),
        ('<properties><property name="outcome" value="crashed"/></properties><error/>', "crashed", "", ""),
        ('<properties><property name="outcome" value="timeout"/></properties><failure/>', "timeout", "", ""),
        ('<properties><property name="outcome" value="passed"/></properties><failure/>', "failed", "", ""),
    ],
)
def test_a_case_with_any_results_is_read(inner: str, outcome: str, message: str, details: str) -> None:
    (found,) = read(case(inner)).results
    assert (found.outcome.value, found.message or found.reason, found.details) == (outcome, message, details)


@pytest.mark.parametrize(
    "text",
    [
        "<testsuites><testsuite name='a'><testcase name='t'/></testsuite></testsuites>",
        "<testsuite name='a'><testsuite name='b'><testcase name='t'/></testsuite></testsuite>",
        "<testsuites><testcase name='t'/></testsuites>",
        "<testsuites xmlns='urn:x'><testcase name='t'/></testsuites>",
        "<j:testsuites xmlns:j='urn:x'><j:testcase name='t'/></j:testsuites>",
        "\ufeff<testsuite><testcase name='t'/></testsuite>",
        "<!DOCTYPE testsuite><testsuite><testcase name='t'/></testsuite>",
        "<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name='t'/></testsuite>".encode("latin-1"),
        "<testsuite><testcase name='t'/></testsuite>".encode("utf-16"),
        "<testsuite>\r\n<properties><property name='p'/></properties><testcase name='t'></testcase>\r\n</testsuite>",
        "<testsuite tests='' failures=' 0 ' errors='0.0'><testcase name='t' line='a' time='fast'/></testsuite>",
        "<testrun name='a' tests='1' started='1' failures='0'><testsuite><testcase name='t'/></testsuite></testrun>",
        "<testsuite tests='1' failures='1'><testcase name='t'><error/></testcase></testsuite>",
    ],
)
def test_every_shape_of_a_file_is_read(text: str | bytes) -> None:
    report = read(text)
    assert [each.id.rpartition("::")[2] for each in report.results] == ["t"]
    assert report.consistent


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0.25", 0.25),
        ("2,503.1", 2503.1),
        ("1e-3", 0.001),
        ("-1", 0.0),
        ("nan", 0.0),
        ("inf", 0.0),
        ("", 0.0),
        ("x", 0.0),
    ],
)
def test_times_are_read_as_runners_write_them(text: str, seconds: float) -> None:
    (found,) = read(f'<testsuite><testcase name="t" time="{text}"/></testsuite>').results
    assert found.duration == seconds


def test_place_comes_from_the_case_or_its_suite() -> None:
    first, second = read(
        '<testsuite file="outer.py"><testsuite name="in"><testcase name="a" line="3"/>'
        '<testcase name="b" file="own.py" line="-1"/></testsuite></testsuite>'
    ).results
    assert (first.file, first.line, first.id) == ("outer.py", 3, "outer.py::a")
    assert (second.file, second.line, second.id) == ("own.py", 0, "own.py::b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "<testsuite name='a' failures='1'><testcase name='t'/></testsuite>",
            "<testsuite name='a'> says failures=\"1\"",
        ),
        ("<testsuites failures='1'><testsuite><testcase name='t'/></testsuite></testsuites>", "<testsuites> says"),
        (
            "<testsuite><testsuite name='a' tests='1'/><testcase name='t'/></testsuite>",
            'says tests="1", 0 test cases are',
        ),
        ("<testsuite/>", "no test case"),
        ("<testsuites><testsuite name='a' tests='0'/></testsuites>", "no test case"),
        (
            "<testsuite name='a'><testcase name='t'/><error message='setup'/></testsuite>",
            "suite 'a' itself has an <error>: setup",
        ),
        (
            "<testsuite name='a'><testcase name='t'/><skipped><failure message='setup'/></skipped></testsuite>",
            "suite 'a' itself has an <failure>: setup",
        ),
        (
            "<testsuite name='a'><testcase name='t' status='failed'/></testsuite>",
            "'a::t' says status=\"failed\" without",
        ),
        (
            "<testsuite name='a'><testcase name='t'/><test-case name='u' result='Failed'/></testsuite>",
            "<test-case> beside",
        ),
        (
            "<testsuite name='a'><testcase name='t'/><failed/></testsuite>",
            "<failed> beside the test cases may be a result",
        ),
        ("<testsuite name='a' result='Failure'><testcase name='t'/></testsuite>", 'says result="Failure", and nothing'),
        ("<testsuite name='a' success='False'><testcase name='t'/></testsuite>", 'says success="False", and nothing'),
    ],
)
def test_what_is_wrong_outside_of_a_case_keeps_a_file_from_being_green(text: str, said: str) -> None:
    report = read(text)
    assert said in report.contradictions[0]
    assert not report.consistent


def test_a_status_without_a_result_still_fails_the_case() -> None:
    assert read(case("", 'status="failed"')).results[0].outcome is TestOutcome.FAILED
    green = '<properties><property name="outcome" value="passed"/></properties>'
    assert read(case(green, 'status="failed"')).results[0].outcome is TestOutcome.FAILED
    assert read(case("", 'status="notrun"')).results[0].outcome is TestOutcome.SKIPPED


PYTEST_SUITE = 'name="pytest" errors="0" failures="2" skipped="0" tests="5" time="1" timestamp="" hostname="h"'


def test_the_dialect_of_pytest_is_known_by_more_than_a_name() -> None:
    text = (
        '<testsuites name="pytest tests"><testsuite SUITE>'
        '<testcase classname="tests.a" name="t" file="tests/a.py" line="0"><failure message="1"/><failure message="2"/>'
        "</testcase></testsuite></testsuites>"
    )
    report = read(text.replace("SUITE", PYTEST_SUITE))
    assert report.consistent
    assert report.producer == "pytest"
    assert 'says tests="5", 1 test case is in it' in report.notes[0]
    assert report.results[0].line == 1
    assert read(text.replace("SUITE", PYTEST_SUITE.replace('"pytest"', '"mine"'))).producer == "pytest"
    for suite in ('name="pytest" tests="5" failures="2"', PYTEST_SUITE + ' package="of Go"'):
        report = read(text.replace("SUITE", suite))
        assert (report.producer, report.consistent, report.results[0].line) == ("", False, 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"<html><body/></html>", "is an HTML page"),
        (b"<TestRun/>", "is a Visual Studio TRX file"),
        (b"<note/>", "is not a JUnit file"),
        (b"{}", "is not an XML file"),
        (b"\x00\x01", "is not an XML file"),
        (b"<testsuite><testcase name='t'/>", "is cut off"),
        (b"<testsuite><testcase name='t'/><testca", "is cut off"),
        (b"<testsuite><testcase name='t'/></testsuites>", "is malformed"),
        (b"<testsuite><testcase name='t\x00'/></testsuite>", "is malformed"),
        (b"<?xml version='1.0' encoding='klingon'?><testsuite/>", "declares the encoding 'klingon', which is unknown"),
        (b"<?xml version='1.0' encoding='rot13'?><testsuite/>", "declares the encoding 'rot13', which is unknown"),
        (b"<?xml version='1.0' encoding='cp932'?><testsuite name='\x82'/>", "it is not in cp932, as it declares"),
        (b"<testsuite>" * (JUnitRules().max_depth + 1), "too deeply"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><testsuite>&b;</testsuite>", "declares an entity"),
        (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><testsuite/>", "declares an entity"),
        (b"<!DOCTYPE a [<!ENTITY % b 'c'>]><testsuite/>", "declares an entity"),
    ],
)
def test_what_is_no_whole_junit_file_is_a_clear_error(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "x.xml"
    file.write_bytes(content)
    with pytest.raises(JUnitError) as caught:
        read_junit(file)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(file))
    assert isinstance(caught.value, GatesError)
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(JUnitError, match="cannot be read"):
        read_junit(tmp_path / "none.xml")


def test_an_error_says_how_much_was_read() -> None:
    with pytest.raises(JUnitError, match=r"1 test case before that place: 1 passed; a \(passed\)"):
        read("<testsuite><testcase name='a'/><testcase name='b'>")


def test_a_huge_text_is_cut_and_that_is_said() -> None:
    (found,) = read(case(f"<failure>{'x' * (MAX_KEPT + 5)}</failure>")).results
    assert len(found.details) == MAX_KEPT + len("\n… cut here …")
    assert found.details.endswith("… cut here …")


def test_a_file_that_is_cut_off_gives_what_could_be_saved() -> None:
    with pytest.raises(JUnitError) as caught:
        read("<testsuite><testcase name='a'/><testcase name='b'><failure message='no'>half a trace")
    saved = caught.value.saved
    assert saved is not None
    assert [(result.id, result.outcome.value) for result in saved.results] == [("a", "passed"), ("b", "failed")]
    assert not saved.consistent
    assert "2 test cases before that place: 1 failed, 1 passed; b (failed), a (passed)" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "limits", "said"),
    [
        ("<testsuite><testcase name='t'/></testsuite>", {"max_size": 42}, "is too large"),
        ("<testsuite><testcase name='t'/></testsuite>", {"max_depth": 1}, "nests its elements too deeply"),
        ("<testsuite><testcase name='12345'/></testsuite>", {"max_attribute": 4}, "an attribute of <testcase>"),
        (
            "<testsuite name='12345'><testcase name='t'/></testsuite>",
            {"max_attribute": 4},
            "an attribute of <testsuite>",
        ),
        (case("<failure>12345</failure>"), {"max_text": 4}, "a text that is too long"),
        (case("<failure/><system-out>12345</system-out>"), {"max_text": 4}, "a text that is too long"),
        (case("<rerunError><system-err>12345</system-err></rerunError>"), {"max_text": 4}, "a text that is too long"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1 << 18])
def test_a_file_that_asks_for_more_than_the_limits_is_refused(
    text: str, limits: dict[str, int], said: str, size: int
) -> None:
    pieces = [text[at : at + size].encode() for at in range(0, len(text), size)]
    with pytest.raises(JUnitError) as caught:
        parse_junit(pieces, "x.xml", JUnitRules.of(limits))
    (key,) = limits
    assert said in str(caught.value)
    assert key.replace("_", "-") in caught.value.remedy
    assert caught.value.place.startswith("x.xml")
    assert parse_junit(pieces, "x.xml").results


def test_a_comment_without_end_does_not_fill_the_memory() -> None:
    pieces = [b"<testsuite><!--", *[b"x" * PIECE] * 10]
    with pytest.raises(JUnitError, match="a tag or a comment that is too long"):
        parse_junit(pieces, "x.xml", JUnitRules(max_attribute=4))


def test_what_is_not_kept_has_no_limit_but_that_of_the_file() -> None:
    text = case("<system-out>12345</system-out>") + " "
    assert read(text, max_text=4, max_attribute=3, max_depth=3, max_size=len(text)).results[0].stdout == ""


def test_the_output_of_a_test_that_failed_is_kept() -> None:
    inner = "<failure/><system-out>one </system-out><system-out>two</system-out><system-err>three</system-err>"
    (found,) = read(case(inner)).results
    assert (found.stdout, found.stderr) == ("one two", "three")
    assert read(case(f"{inner[10:]}<skipped/>")).results[0].stdout == ""


@pytest.mark.parametrize("tag", ["Failure", "j:failure", "ERROR"])
def test_a_failure_is_one_however_its_name_is_written(tag: str) -> None:
    (found,) = read(case(f"<{tag}/>")).results
    assert found.outcome.value in {"failed", "error"}


def test_a_declaration_that_lies_about_utf_16_is_seen_through() -> None:
    text = "<?xml version='1.0' encoding='utf-16'?><testsuite><testcase name='ü'/></testsuite>"
    assert read(text).results[0].id == read(text.encode("utf-16")).results[0].id == "ü"


def test_contradictions_without_end_are_not_all_told() -> None:
    suites = "".join(f"<testsuite name='{n}' tests='2'><testcase name='t'/></testsuite>" for n in range(50))
    report = read(f"<testsuites>{suites}</testsuites>")
    assert len(report.contradictions) == 21
    assert report.contradictions[-1] == "and 30 more"


@given(st.integers(1, 40))
def test_pieces_of_any_size_read_the_same(size: int) -> None:
    text = case('<failure message="ü">漢字 &amp; more</failure>').encode()
    assert parse_junit([text[at : at + size] for at in range(0, len(text), size)], "x") == read(text)


@given(st.binary(max_size=80))
def test_any_bytes_end_in_a_report_or_in_an_error_of_ours(content: bytes) -> None:
    for document in (content, b"<testsuite>" + content, b"<testsuite><testcase name='" + content + b"'/></testsuite>"):
        try:
            report = read(document)
        except JUnitError:
            continue
        assert report.results or report.contradictions


SUREFIRE = """
<failure message="expected: &lt;1&gt; but was: &lt;2&gt;" type="org.opentest4j.AssertionFailedError">trace 1</failure>
<rerunFailure message="second" type="java.lang.IllegalStateException" time="0.5" timestamp="2026-10-31T12:00:00Z">
    <stackTrace><![CDATA[
  trace 2]]></stackTrace>
    <system-out>out 2</system-out>
    <system-err> err 2
</system-err>
</rerunFailure>
<rerunError message="third" type="java.lang.OutOfMemoryError" time="0.75"><stackTrace>trace 3</stackTrace></rerunError>
"""


def test_reruns_of_surefire_are_attempts_and_the_last_one_is_the_result() -> None:
    (result,) = read(case(SUREFIRE)).results
    first, second = result.attempts
    assert (result.outcome, result.message, result.details) == (TestOutcome.ERROR, "third", "trace 3")
    assert (result.signature, result.duration) == ("OutOfMemoryError: third", 0.75)
    assert (first.outcome, first.details) == (TestOutcome.FAILED, "trace 1")
    assert first.signature == "AssertionFailedError: expected: <#> but was: <#>"
    assert (second.message, second.details, second.duration, second.started) == ("second", "  trace 2", 0.5, NOON)
    assert (second.stdout, second.stderr) == ("out 2", " err 2\n")


def test_failures_before_a_pass_are_attempts_of_a_flaky_test() -> None:
    inner = '<flakyFailure message="m" type="E"><system-out>o</system-out></flakyFailure><flakyError message="n"/>'
    (result,) = read(case(inner)).results
    assert (result.outcome, result.signature, result.message) == (TestOutcome.FLAKY, "E: m", "m")
    assert [(each.outcome.value, each.message, each.details, each.stdout) for each in result.attempts] == [
        ("failed", "m", "", "o"),
        ("error", "n", "", ""),
    ]


@pytest.mark.parametrize(
    ("inner", "signature"),
    [
        ('<failure type="AssertionError" message="assert 1 == 2"/>', "AssertionError: assert # == #"),
        ('<failure message="AssertionError: assert 1 == 2"/>', "AssertionError: assert # == #"),
        ('<failure message="assert 1 == 2"/>', "AssertionError: assert # == #"),
        ('<failure type="pkg.mod.Bad" message="pkg.mod.Bad: 7"/>', "Bad: #"),
        ('<failure type="test failure with exit code 101" message="thread panicked"/>', "thread panicked"),
        ('<failure type="test timeout" message="after 60s"/>', "timeout"),
        ('<failure type="E"/>', "E"),
        ("<failure/>", ""),
        ('<skipped type="pytest.skip" message="no"/>', ""),
        ('<properties><property name="signature" value="S"/></properties><failure type="E"/>', "S"),
    ],
)
def test_a_foreign_failure_has_a_signature_of_type_and_message(inner: str, signature: str) -> None:
    assert read(case(inner)).results[0].signature == signature


def test_several_failures_of_a_foreign_case_are_no_subtests() -> None:
    (found,) = read(case('<failure type="subtest" message="a">x</failure><failure message="b">y</failure>')).results
    assert (found.subtests, found.details) == ((), "x\n\ny")


@pytest.mark.slow
@given(any_tried_test())
def test_attempts_subtests_and_signatures_survive_a_file(test: TestResult) -> None:
    report = read(junit_document(a_run(gates=()), [test]))
    assert report.consistent
    (again,) = report.results
    assert (again.outcome, again.phase, again.worker) == (test.outcome, test.phase, clean(test.worker))
    assert again.duration == test.duration
    assert again.started == test.started
    if test.signature:
        assert again.signature == clean(test.signature)
    for attempt, before in zip(again.attempts, test.attempts, strict=True):
        assert (attempt.outcome, attempt.phase, attempt.duration) == (before.outcome, before.phase, before.duration)
        assert attempt.message == (clean(before.message) or before.outcome.value)
        assert not before.signature or attempt.signature == clean(before.signature)
    for position, (subtest, told) in enumerate(zip(again.subtests, test.subtests, strict=True)):
        assert (subtest.name, subtest.message) == (clean(told.name), clean(told.message)), position
        assert not told.signature or subtest.signature == clean(told.signature)
    counts = ("subtests_passed", "subtests_skipped", "subtests_xfailed")
    assert [getattr(again, name) for name in counts] == [getattr(test, name) for name in counts]


@given(st.sampled_from(TestOutcome), anything, anything)
def test_what_we_write_we_read_again(outcome: TestOutcome, message: str, reason: str) -> None:
    test = a_test("C::test_x[a]", outcome, message=message, reason=reason, worker="gw0", exclusion="e")
    report = read(junit_document(a_run(), [test]))
    assert report.consistent
    (again,) = report.results
    assert (again.id, again.outcome, again.line, again.duration) == (test.id, outcome, test.line, test.duration)
    assert (again.worker, again.exclusion) == ("gw0", "e")
    if again.reason:
        assert again.reason in {clean(reason or message), outcome.value}


def test_a_written_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(junit_document(a_run(), [a_test()]), "utf-8")
    report = read_junit(tmp_path / "junit.xml")
    assert (len(report.results), report.gates) == (1, ("test",))
    assert len(read_junit(tmp_path / "junit.xml", gate="outer").results) == 2, "the gates of another run are tests here"
