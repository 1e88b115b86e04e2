"""Files in the form that real tools give them, and files of other kinds that are mistaken for JUnit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.portable.values import BAD_TESTS, ExitCode
from gates.readers.formats import JUNIT_ODDITIES
from gates.readers.junit.read import JUnitError, JUnitReport, parse_junit, read_junit
from gates.readers.junit.rules import JUnitRules

SAMPLES = Path(__file__).parent / "samples"

DIALECTS = {
    "bazel": "1 error",
    "catch2": "1 passed, 1 failed",
    "ctest": "1 passed, 1 failed, 2 skipped",
    "doctest": "1 passed, 1 failed",
    "doctest-bare": "1 passed, 1 failed, 1 error",
    "dotnet": "1 passed, 1 failed, 1 skipped",
    "eclipse": "1 passed, 1 failed, 1 skipped",
    "go-junit-report": "1 passed, 1 failed, 1 error, 1 skipped",
    "googletest": "1 passed, 1 failed, 2 skipped",
    "gotestsum": "2 passed, 1 failed",
    "gotestsum-stderr": "1 passed, 1 failed, 1 skipped",
    "gradle": "1 passed, 1 failed, 1 skipped",
    "jest-junit": "1 passed, 1 failed, 1 skipped",
    "mocha-junit-reporter": "1 passed, 1 failed",
    "nextest": "1 passed, 1 failed, 1 timeout, 1 flaky",
    "phpunit": "1 passed, 1 failed, 1 error, 1 skipped",
    "phpunit-skipped-class": "1 passed",
    "pytest": "1 passed, 2 failed, 1 skipped, 1 xfailed",
    "pytest-rerunfailures": "2 passed, 1 failed",
    "rspec": "1 passed, 1 failed, 1 skipped",
    "surefire": "1 passed, 1 error, 1 skipped, 1 flaky",
    "surefire-3.5.4": "1 passed, 1 failed, 1 flaky",
    "utf8-without-hyphen": "1 passed, 1 failed",
    "vitest": "1 passed, 1 failed, 1 skipped",
}


def test_every_sample_is_in_the_table() -> None:
    assert {path.stem for path in SAMPLES.glob("*.xml")} == set(DIALECTS)


@pytest.mark.parametrize(("name", "counts"), DIALECTS.items(), ids=DIALECTS)
def test_an_honest_file_of_a_real_tool_is_believed(name: str, counts: str) -> None:
    report = read_junit(SAMPLES / f"{name}.xml")
    assert report.consistent, report.contradictions
    found = Counter(str(result.outcome) for result in report.results)
    assert found == {word: int(number) for number, word in (part.split() for part in counts.split(", "))}
    assert len({result.id for result in report.results}) == len(report.results)


MARKS = {
    '"pytest tests"': '"x"',
    '"pytest"': '"x"',
    'hostname="tbd"': "",
    'doctest_version="2.4.11"': "",
    'status="run"': 'status="ok"',
    "go.version": "version",
    'assertions="1" errors': 'errors="0" asserts',
    "surefire-test-report.xsd": "report.xsd",
}
"""What a runner is known by → what another could write there."""


@pytest.mark.parametrize(
    ("name", "producer", "why"),
    [
        ("doctest-bare", "doctest", 'says tests="9", 3 test cases are in it (doctest counts assertions)'),
        ("gotestsum-stderr", "gotestsum", 'says errors="2", 0 errors are in it (gotestsum counts lines of stderr'),
        ("phpunit-skipped-class", "PHPUnit", 'says skipped="1", 0 skips are in it (PHPUnit skips a class before'),
        ("surefire-3.5.4", "Surefire", "(Surefire before 3.5.5 counts each attempt)"),
        ("pytest", "pytest", 'says tests="11", 6 test cases are in it (pytest counts subtests'),
        ("catch2", "Catch2", 'says tests="7", 2 test cases are in it (Catch2 counts assertions)'),
        ("doctest", "doctest", 'says tests="9", 2 test cases are in it (doctest counts assertions)'),
    ],
)
def test_a_harmless_count_is_told_with_its_reason_and_only_of_its_producer(name: str, producer: str, why: str) -> None:
    report = read_junit(SAMPLES / f"{name}.xml")
    assert report.producer == producer
    assert why in report.notes[-1]
    text = (SAMPLES / f"{name}.xml").read_text()
    for mark, other in MARKS.items():
        text = text.replace(mark, other)
    changed = parse_junit([text.encode()], "x")
    assert (changed.consistent, changed.producer) == (False, "")


@pytest.mark.parametrize(
    ("name", "oddity", "said"),
    [
        ("boost", "failures-count-assertions", 'says failures="2", 1 failure is in it'),
        ("boost", "tests-count-assertions", 'says tests="5", 2 test cases are in it'),
        ("unittest-cpp", "failures-count-assertions", 'says failures="2" and errors="1", 2 failures are in it'),
        ("nunit-xslt", "skipped-count-unlisted", 'says skipped="2", 0 skips are in it'),
        ("gotestsum-go1.19", "errors-count-output", 'says errors="1", 0 failures are in it'),
        ("flaky", "counts-include-attempts", 'says failures="1", 0 failures are in it'),
    ],
)
def test_odd_counts_of_an_unknown_writer_are_refused_until_they_are_accepted_by_name(
    name: str, oddity: str, said: str
) -> None:
    file = SAMPLES / "odd" / f"{name}.xml"
    refused = next(text for text in read_junit(file).contradictions if said in text)
    assert f'accept = ["{oddity}"] in [junit] of the config' in refused
    oddities = ["tests-count-assertions", oddity] if name == "boost" else [oddity]
    if name == "boost":
        oddities.append("failures-count-assertions")
    report = read_junit(file, JUnitRules(accept=tuple(oddities)))
    assert report.consistent, report.contradictions
    assert any(f"(accepted in [junit]: {oddity})" in note for note in report.notes)
    others = tuple(other for other in JUNIT_ODDITIES if other not in {*oddities, "errors-count-output"})
    assert not read_junit(file, JUnitRules(accept=others)).consistent


def test_a_class_that_phpunit_skips_hides_no_test_that_was_lost() -> None:
    text = (SAMPLES / "phpunit-skipped-class.xml").read_text()
    lost = text.replace('tests="1"', 'tests="2"')
    assert 'says tests="2", 1 test case is in it' in parse_junit([lost.encode()], "x").contradictions[0]


def test_a_package_of_go_that_does_not_build_is_no_line_of_stderr() -> None:
    """Seen with gotestsum 1.8.2 and Go 1.19: nothing but `errors` shows it."""
    text = (SAMPLES / "odd" / "gotestsum-go1.19.xml").read_bytes()
    assert not parse_junit([text], "x").consistent
    assert parse_junit([text.replace(b"go1.19.8", b"go1.23.1")], "x").consistent
    assert not parse_junit([text.replace(b"go1.19.8", b"devel")], "x").consistent


def test_what_dialects_say_besides_outcomes_is_read() -> None:
    surefire = {result.id: result for result in read_junit(SAMPLES / "surefire.xml").results}
    assert surefire["com.example.PoolTest::allocates"].duration == 2503.1
    assert surefire["com.example.PoolTest::isFlaky"].attempts[0].stdout == "first try\n"
    assert len(surefire["com.example.PoolTest::neverPasses"].attempts) == 1
    google = {result.id: result for result in read_junit(SAMPLES / "googletest.xml").results}
    assert (google["PoolTest::Shrinks"].file, google["PoolTest::Shrinks"].line) == ("pool_test.cc", 20)
    assert google["PoolTest::Shrinks"].details.endswith("\n\npool_test.cc:23\nsecond")
    ctest = {result.id: result for result in read_junit(SAMPLES / "ctest.xml").results}
    assert ctest["cache::cache"].stdout == "cache.cpp:7: wrong"
    both = next(result for result in read_junit(SAMPLES / "pytest.xml").results if result.id.endswith("test_both"))
    assert (both.outcome.value, both.details, both.stdout[:3]) == ("failed", "call\n\nteardown", "---")


OTHERS = {
    "visual-studio.trx": "is a Visual Studio TRX file",
    "nunit2.xml": "is an NUnit 2 file",
    "nunit3.xml": "is an NUnit 3 file",
    "xunit.xml": "is an xUnit.net file",
    "ctest-dashboard.xml": "is a CTest file (`ctest --output-junit FILE` writes JUnit)",
    "login.html": "is an HTML page",
    "empty.xml": "is empty",
    "truncated.xml": "is cut off",
}


@pytest.mark.parametrize(("name", "said"), OTHERS.items(), ids=OTHERS)
def test_what_is_no_junit_is_named_and_never_an_empty_pass(name: str, said: str) -> None:
    with pytest.raises(JUnitError) as caught:
        read_junit(SAMPLES / "other" / name)
    assert caught.value.what == said
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"tests": []}', "JSON"),
        (b"TAP version 13\n1..2\n", "TAP"),
        (b"\x1f\x8b\x08\x00", "compressed by gzip"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a git LFS pointer; its content was not fetched"),
    ],
)
def test_what_is_no_xml_is_named(content: bytes, said: str) -> None:
    with pytest.raises(JUnitError) as caught:
        parse_junit([content], "x")
    assert (caught.value.what, caught.value.got) == ("is not an XML file", said)


def read_or_saved(content: bytes) -> JUnitReport:
    """The report, or what an error of ours could save."""
    try:
        return parse_junit([content], "x")
    except JUnitError as error:
        return error.saved or JUnitReport(results=(), contradictions=(error.what,))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A sample, and the same with some of its bytes lost, doubled or replaced."""
    whole = (SAMPLES / f"{draw(st.sampled_from(sorted(DIALECTS)))}.xml").read_bytes()
    start = draw(st.integers(0, len(whole) - 1))
    end = draw(st.integers(start, min(len(whole), start + draw(st.sampled_from([1, 8, 64, 300])))))
    put = draw(st.one_of(st.just(b""), st.binary(max_size=4), st.just(whole[start:end] * 2)))
    return whole, whole[:start] + put + whole[end:]


@settings(max_examples=150)
@given(mutated())
def test_a_mutated_file_gives_a_report_or_an_error_of_ours_and_never_loses_a_failure_in_green(
    files: tuple[bytes, bytes],
) -> None:
    whole, changed = files
    before, after = parse_junit([whole], "x"), read_or_saved(changed)
    bad = [sum(result.outcome in BAD_TESTS for result in report.results) for report in (before, after)]
    assert bad[1] >= bad[0] or not after.consistent, "a failure is gone, and nobody is told"
