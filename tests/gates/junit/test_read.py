from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.errors import GatesError
from gates.junit.build import MAX_TEXT
from gates.junit.read import MAX_DEPTH, JUnitError, parse_junit, read_junit
from gates.junit.report import case_results
from gates.junit.text import clean
from gates.junit.write import junit_document, write_junit
from gates.values import ExitCode, TestOutcome
from tests.gates.junit.sample import a_run, a_test, anything

if TYPE_CHECKING:
    from pathlib import Path

    from gates.junit.report import JUnitReport


def read(text: str | bytes) -> JUnitReport:
    return parse_junit([text if isinstance(text, bytes) else text.encode()], "x.xml")


def case(inner: str, attributes: str = "") -> str:
    return (
        f'<testsuite name="s"><testcase name="t" classname="c" time="0.5" {attributes}>{inner}</testcase></testsuite>'
    )


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
        ('<flakyFailure message="once">x</flakyFailure>', "flaky", "once", "x"),
        ('<failure message="m"/><rerunFailure message="n"/>', "failed", "m", ""),
        ('<failure type="test timeout" message="slow"/>', "timeout", "slow", ""),
        ("<failure>a <b>bold</b> <failure>word</failure> end</failure>", "failed", "", "a bold word end"),
        ("<failure><![CDATA[<&>]]></failure>", "failed", "", "<&>"),
        ('<failure message="one&#10;two"/>', "failed", "one\ntwo", ""),
        ('<properties><property name="outcome" value="crashed"/></properties><error/>', "crashed", "", ""),
        ('<properties><property name="outcome" value="timeout"/></properties><failure/>', "timeout", "", ""),
        ('<properties><property name="outcome" value="passed"/></properties><failure/>', "failed", "", ""),
    ],
)
def test_a_case_with_any_results_is_read(inner: str, outcome: str, message: str, details: str) -> None:
    (found,) = read(case(inner)).cases
    assert (found.outcome.value, found.message, found.details) == (outcome, message, details)


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
        "<testsuite tests='' failures='x' errors='0'><testcase name='t' line='a' time='fast'/></testsuite>",
        "<testsuite tests='1' failures='1'><testcase name='t'><error/></testcase></testsuite>",
    ],
)
def test_every_shape_of_a_file_is_read(text: str | bytes) -> None:
    report = read(text)
    assert [each.name for each in report.cases] == ["t"]
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
    (found,) = read(f'<testsuite><testcase name="t" time="{text}"/></testsuite>').cases
    assert found.time == seconds


def test_place_comes_from_the_case_or_its_suite() -> None:
    first, second = read(
        '<testsuite file="outer.py"><testsuite name="in"><testcase name="a" line="3"/>'
        '<testcase name="b" file="own.py" line="-1"/></testsuite></testsuite>'
    ).cases
    assert (first.file, first.line, first.suite) == ("outer.py", 3, "in")
    assert (second.file, second.line) == ("own.py", 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "<testsuite name='a' failures='1'><testcase name='t'/></testsuite>",
            "counts 1 failures and errors, 0 are in it",
        ),
        ("<testsuite name='a' errors='2'><testcase name='t'><error/></testcase></testsuite>", "counts 2 failures"),
        ("<testsuites failures='1'><testsuite><testcase name='t'/></testsuite></testsuites>", "<testsuites> counts 1"),
        ("<testsuite name='a' tests='1,000'><testcase name='t'/></testsuite>", "counts 1000 tests, 1 are in it"),
    ],
)
def test_counts_that_could_hide_something_are_contradictions(text: str, said: str) -> None:
    report = read(text)
    assert said in report.contradictions[0]
    assert not report.consistent


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<testsuite/>", "no test case"),
        ("<testsuites><testsuite name='a' tests='0'/></testsuites>", "no test case"),
        (
            "<testsuite name='a'><testcase name='t'/><error message='setup'/></testsuite>",
            "suite 'a' itself has an <error>: setup",
        ),
        ("<testsuite name='a'><testcase name='t' status='failed'/></testsuite>", "'t' says failed without"),
    ],
)
def test_what_is_wrong_outside_of_a_case_keeps_a_file_from_being_green(text: str, said: str) -> None:
    report = read(text)
    assert said in report.contradictions[0]
    assert not report.consistent


def test_a_status_without_a_result_still_fails_the_case() -> None:
    assert read(case("", 'status="failed"')).cases[0].outcome is TestOutcome.FAILED
    green = '<properties><property name="outcome" value="passed"/></properties>'
    assert read(case(green, 'status="failed"')).cases[0].outcome is TestOutcome.FAILED
    assert read(case("", 'status="notrun"')).cases[0].outcome is TestOutcome.SKIPPED


def test_the_dialect_of_pytest_is_known() -> None:
    report = read(
        '<testsuites name="pytest tests"><testsuite name="pytest" tests="5" failures="2">'
        '<testcase classname="tests.a" name="t" file="tests/a.py" line="0"><failure message="1"/><failure message="2"/>'
        "</testcase></testsuite></testsuites>"
    )
    assert report.consistent
    assert report.producer == "pytest"
    assert "counts 5 tests, 1 are in it" in report.notes[0]
    assert report.cases[0].line == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"<html><body/></html>", "is an HTML page"),
        (b"<TestRun/>", "is a Visual Studio TRX file"),
        (b"<note/>", "is no JUnit file"),
        (b"{}", "is no XML file"),
        (b"\x00\x01", "is no XML file"),
        (b"<testsuite><testcase name='t'/>", "is cut off"),
        (b"<testsuite><testcase name='t'/><testca", "is cut off"),
        (b"<testsuite><testcase name='t'/></testsuites>", "is malformed"),
        (b"<testsuite><testcase name='t\x00'/></testsuite>", "is malformed"),
        (b"<?xml version='1.0' encoding='klingon'?><testsuite/>", "cannot be decoded"),
        (b"<testsuite>" * (MAX_DEPTH + 1), "too deeply"),
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
    with pytest.raises(JUnitError, match="1 test cases before that place"):
        read("<testsuite><testcase name='a'/><testcase name='b'>")


def test_a_huge_text_is_cut_and_that_is_said() -> None:
    (found,) = read(case(f"<failure>{'x' * (MAX_TEXT + 5)}</failure>")).cases
    assert len(found.details) == MAX_TEXT + len("\n… cut here …")
    assert found.details.endswith("… cut here …")


@settings(deadline=None)
@given(st.integers(1, 40))
def test_pieces_of_any_size_read_the_same(size: int) -> None:
    text = case('<failure message="ü">漢字 &amp; more</failure>').encode()
    assert parse_junit([text[at : at + size] for at in range(0, len(text), size)], "x") == read(text)


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_end_in_a_report_or_in_an_error_of_ours(content: bytes) -> None:
    for document in (content, b"<testsuite>" + content, b"<testsuite><testcase name='" + content + b"'/></testsuite>"):
        try:
            report = read(document)
        except JUnitError:
            continue
        assert report.cases or report.contradictions


@settings(deadline=None)
@given(st.sampled_from(TestOutcome), anything, anything)
def test_what_we_write_we_read_again(outcome: TestOutcome, message: str, reason: str) -> None:
    test = a_test("C::test_x[a]", outcome, message=message, reason=reason, worker="gw0", exclusion="e")
    report = read(junit_document(a_run(), [test]))
    assert report.consistent
    (again,) = (result for result in case_results("test", report) if result.file)
    assert (again.id, again.outcome, again.line, again.duration) == (test.id, outcome, test.line, test.duration)
    assert (again.worker, again.exclusion) == ("gw0", "e")
    if again.reason:
        assert again.reason in {clean(reason or message), outcome.value}


def test_a_written_file_is_read_again(tmp_path: Path) -> None:
    write_junit(tmp_path / "junit.xml", a_run(), [a_test()])
    assert len(read_junit(tmp_path / "junit.xml").cases) == 2
