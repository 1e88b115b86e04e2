from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.config import GateConfig
from gates.run.reports import ExpectedReports, ReadReports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GREEN = "<testsuite name='s'><testcase name='{}'/></testsuite>"


def read(
    root: Path, gate: GateConfig, before: Mapping[str, str], written: Mapping[str, str], limits: Mapping[str, int]
) -> ReadReports:
    for name, text in before.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    expected = ExpectedReports(root, gate, limits)
    for name, text in written.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).unlink(missing_ok=True)
        (root / name).write_text(text)
    return expected.read()


INCONSISTENT = (
    """<testsuite name='s'> says tests="2", 1 test case is in it; if the runner counts assertions as tests, accept it: """
    'accept = ["tests-count-assertions"] in [junit] of the config'
)


@pytest.mark.parametrize(
    ("before", "written", "ids", "problems", "notes"),
    [
        pytest.param({}, {"out/1.xml": GREEN.format("a")}, ["s::a"], [], [], id="one"),
        pytest.param(
            {}, {"out/1.xml": GREEN.format("a"), "out/2.xml": GREEN.format("a")}, ["s::a", "s::a#2"], [], [], id="two"
        ),
        pytest.param({}, {}, [], ["out/*.xml was not written"], [], id="none"),
        pytest.param({"out/1.xml": GREEN}, {}, [], ["out/*.xml was not written"], [], id="of an earlier run"),
        pytest.param(
            {"out/1.xml": GREEN}, {"out/2.xml": GREEN.format("b")}, ["s::b"], [],
            ["out/*.xml: left out: 1 older file"], id="one of an earlier run",
        ),
        pytest.param({}, {"out/1.xml": "<coverage/>"}, [], ["out/1.xml: is a coverage report (<coverage>)"], [], id="other"),
        pytest.param(
            {}, {"out/1.xml": GREEN.format("a").removesuffix("</testsuite>")}, ["s::a"],
            ["out/1.xml: is cut off (1 test case before that place: 1 passed; s::a (passed); the runner was killed; run it again)"],
            [], id="torn",
        ),
        pytest.param(
            {}, {"out/1.xml": GREEN.format("a").replace("'s'", "'s' tests='2'")}, ["s::a"],
            ["out/1.xml: " + INCONSISTENT], [], id="inconsistent",
        ),
    ],
)  # fmt: skip
def test_junit_files_are_named_by_globs(
    tmp_path: Path,
    before: dict[str, str],
    written: dict[str, str],
    ids: list[str],
    problems: list[str],
    notes: list[str],
) -> None:
    found = read(tmp_path, GateConfig(name="java", junit=("out/*.xml",)), before, written, {})
    assert [result.id for result in found.results] == ids
    assert {result.gate for result in found.results} <= {"java"}
    assert (list(found.problems), list(found.notes)) == (problems, notes)


def test_reports_of_other_kinds_are_only_looked_for(tmp_path: Path) -> None:
    gate = GateConfig(name="test", reports=("coverage.xml", "junit.xml", "page.html"))
    written = {"coverage.xml": "<coverage/>", "junit.xml": GREEN.format("a")}
    found = read(tmp_path, gate, {}, written, {})
    assert [result.id for result in found.results] == ["s::a"]
    assert found.problems == ("page.html was not written",)


def test_the_limits_of_the_config_hold(tmp_path: Path) -> None:
    gate = GateConfig(name="test", junit=("a.xml",))
    found = read(tmp_path, gate, {}, {"a.xml": GREEN.format("a")}, {"max_size": 9})
    assert found.problems == ("a.xml: is too large (raise max-size in [junit] of the config if the file is correct)",)
