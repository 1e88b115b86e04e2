from __future__ import annotations

import pytest

from gates.readers.formats import JUNIT_ODDITIES
from gates.readers.junit.counts import CaseCounts, acceptable, doubts

CASES = (
    # what a suite says, what is in it → what is told of it, and by which name it may be accepted
    ({"failures": "1"}, CaseCounts(cases=1), ('says failures="1", 0 failures are in it', "")),
    ({"errors": "2"}, CaseCounts(cases=1, bad=1), ('says errors="2", 1 failure is in it', "failures-count-assertions")),
    ({"failures": "2", "errors": "-2"}, CaseCounts(cases=2, bad=0), ('says failures="2", 0 failures are in it', "")),
    ({"failures": "2", "errors": "-2"}, CaseCounts(cases=2, bad=2), ('says errors="-2", which counts nothing', "")),
    (
        {"failures": "1", "errors": "1"},
        CaseCounts(cases=2, bad=1),
        ('says failures="1" and errors="1", 1 failure is in it', "failures-count-assertions"),
    ),
    ({"errors": "1"}, CaseCounts(cases=1), ('says errors="1", 0 failures are in it', "errors-count-output")),
    ({"failed": "1"}, CaseCounts(cases=1), ('says failed="1", 0 failures are in it', "")),
    ({"timeouts": "1"}, CaseCounts(cases=1), ('says timeouts="1", 0 failures are in it', "")),
    ({"tests": "2"}, CaseCounts(cases=1), ('says tests="2", 1 test case is in it', "tests-count-assertions")),
    ({"tests": "1,000"}, CaseCounts(cases=1), ('says tests="1000", 1 test case is in it', "tests-count-assertions")),
    ({"tests": "-1"}, CaseCounts(cases=1), ('says tests="-1", which counts nothing', "")),
    ({"tests": "NaN"}, CaseCounts(cases=1), ('says tests="NaN", which counts nothing', "unreadable-counts")),
    ({"failures": "none"}, CaseCounts(cases=1), ('says failures="none", which counts nothing', "unreadable-counts")),
    ({"skipped": "2"}, CaseCounts(cases=2, skipped=1), ('says skipped="2", 1 skip is in it', "skipped-count-unlisted")),
    ({"ignored": "1"}, CaseCounts(cases=2), ('says ignored="1", 0 skips are in it', "skipped-count-unlisted")),
    ({"tests": "2", "started": "1"}, CaseCounts(cases=2), ('says tests="2" and started="1": the others never ran', "")),
    (
        {"tests": "2", "failures": "1"},
        CaseCounts(cases=1, attempts=1, flaky=1),
        ('says failures="1", 0 failures are in it', "counts-include-attempts"),
        ('says tests="2", 1 test case is in it', "counts-include-attempts"),
    ),
)


@pytest.mark.parametrize(("attributes", "found", "told"), [(said, found, told) for said, found, *told in CASES])
def test_each_count_is_compared_by_itself(
    attributes: dict[str, str], found: CaseCounts, told: list[tuple[str, str]]
) -> None:
    seen = [(doubt.text.removeprefix("<s> "), doubt.oddity) for doubt in doubts("s", attributes, found)]
    assert [pair for pair in seen if pair in told] == told, seen
    if "-2" not in attributes.values():
        assert seen == told


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"tests": "1", "failures": "0", "errors": "0", "skipped": "0"}, CaseCounts(cases=1)),
        ({"tests": "0", "failures": "0"}, CaseCounts(cases=3, bad=2)),
        ({"failures": "0", "errors": "1"}, CaseCounts(cases=1, bad=1)),
        ({"tests": "", "failures": " ", "skipped": "false", "disabled": "x"}, CaseCounts(cases=1)),
        ({"tests": "1.0", "errors": "0.00"}, CaseCounts(cases=1)),
        ({"disabled": "7"}, CaseCounts(cases=1)),
    ],
)
def test_a_file_that_shows_more_than_it_counts_hides_nothing(attributes: dict[str, str], found: CaseCounts) -> None:
    assert doubts("s", attributes, found) == []


def test_tests_that_are_counted_and_not_listed_are_no_further_doubt_where_that_is_accepted() -> None:
    said, found = {"tests": "3", "skipped": "2"}, CaseCounts(cases=1)
    assert [doubt.oddity for doubt in doubts("s", said, found)] == ["tests-count-assertions", "skipped-count-unlisted"]
    accepted = doubts("s", said, found, {"skipped-count-unlisted"})
    assert [doubt.oddity for doubt in accepted] == ["skipped-count-unlisted"]


def test_lines_of_output_are_taken_out_of_the_sum_where_that_is_accepted() -> None:
    said = {"failures": "2", "errors": "1"}
    (doubt,) = doubts("s", said, CaseCounts(cases=3, bad=2), {"errors-count-output"})
    assert (doubt.oddity, doubt.text) == ("errors-count-output", '<s> says errors="1", 0 errors are in it')
    assert [d.oddity for d in doubts("s", said, CaseCounts(cases=3), {"errors-count-output"})] == [
        "",
        "errors-count-output",
    ]


def test_every_oddity_says_how_it_is_accepted() -> None:
    for name, clause in JUNIT_ODDITIES.items():
        (doubt,) = [d for said, found, *_ in CASES for d in doubts("s", said, found) if d.oddity == name][:1]
        assert acceptable(doubt) == f'if {clause}, accept it: accept = ["{name}"] in [junit] of the config'
    assert not acceptable(doubts("s", {"tests": "-1"}, CaseCounts())[0])


@pytest.mark.parametrize(
    "name",
    ["Failures", "FAILURES", "x:failures", "time-outs", "interrupted", "invalid", "unexpected", "exit_code", "rc"],
)
def test_a_count_of_failures_is_one_however_its_name_is_written(name: str) -> None:
    assert doubts("testsuite", {"tests": "1", name: "1"}, CaseCounts(cases=1))
    assert not doubts("testsuite", {"tests": "1", name: "0"}, CaseCounts(cases=1))


@pytest.mark.parametrize("name", ["passed", "passes", "successes"])
def test_a_count_of_passes_is_zero_only_where_none_passed(name: str) -> None:
    assert doubts("testsuite", {name: "0"}, CaseCounts(cases=1))
    assert not doubts("testsuite", {name: "1"}, CaseCounts(cases=1))
    assert not doubts("testsuite", {name: "0"}, CaseCounts(cases=1, skipped=1))
    assert not doubts("testsuite", {name: "0"}, CaseCounts())
