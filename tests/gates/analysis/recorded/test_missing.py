"""What was recorded on both sides shows which assertions no longer check anything, and takes no honest change for one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from gates.analysis.recorded.missing import missing_checks, said_times
from gates.analysis.recorded.records import why_unknown, without_parameters
from gates.analysis.recorded.watch import Watch, choose, is_test_code
from gates.results import TestResult, Weakening
from tests.gates.analysis.recorded.cases import TWINS, WEAKER
from tests.gates.pytest_plugin.conftest import Project

if TYPE_CHECKING:
    from pathlib import Path

CASES = {**WEAKER, **TWINS}


def texts(side: str) -> dict[str, str]:
    """All files of a side."""
    return {path: text for name, case in CASES.items() for path, text in case.files(name, side).items()}


def run(folder: Path, files: dict[str, str], watch: Watch, *args: str) -> list[TestResult]:
    """Run all tests of a side with a recorder, as `gates compare` does."""
    folder.mkdir()
    project = Project(folder)
    for path, text in files.items():
        project.write_file(path, text)
    told = folder / "assertions.json"
    told.write_text(json.dumps(watch.to_json()))
    ran = project.injected("tests", *args, settings={"assertions_file": str(told), "root": str(project.root)})
    assert ran.exit_code == 0, ran.output
    return [msgspec.convert({**record, "gate": "test"}, TestResult) for record in ran.of("test")]


class Both:
    """Both sides, run once for all cases."""

    def __init__(self, folder: Path, *args: str) -> None:
        base, head = texts("base"), texts("head")
        differing = [path for path in base.keys() | head.keys() if base.get(path) != head.get(path)]
        code = [{path: text.encode() for path, text in side.items() if is_test_code(path)} for side in (base, head)]
        self.watches = choose(code[0], code[1], differing)
        self.results = tuple(
            run(folder / name, side, watch, *args)
            for name, side, watch in zip(("base", "head"), (base, head), self.watches, strict=True)
        )
        self.found: dict[str, list[Weakening]] = {}
        for one in missing_checks(self.watches, (self.results[0], self.results[1])):
            self.found.setdefault(one.path.split("/")[1], []).append(one)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return Both(tmp_path_factory.mktemp("both"), "-p", "no:randomly")


def said(found: list[Weakening]) -> list[tuple[str, int]]:
    return [(one.rule, one.line) for one in found]


@pytest.mark.slow
@pytest.mark.parametrize("name", WEAKER)
def test_an_assertion_that_checks_nothing_any_more_is_found_at_its_line(both: Both, name: str) -> None:
    expected = WEAKER[name].says
    assert said(both.found.get(name, [])) == ([expected] if expected else [])


@pytest.mark.slow
@pytest.mark.parametrize("name", TWINS)
def test_an_honest_change_is_no_finding(both: Both, name: str) -> None:
    assert both.found.get(name, []) == []


@pytest.mark.slow
def test_a_finding_says_how_often_the_assertion_ran_on_each_side(both: Both) -> None:
    (loop,) = both.found["empty_loop"]
    assert (loop.test, loop.strength) == ("tests/empty_loop/test_empty_loop.py::test_it", "certain")
    assert loop.before == "assert case * 2 == case + case (ran 3 times)"
    assert loop.after == "assert case * 2 == case + case (ran 0 times)"


@pytest.mark.slow
def test_what_could_not_be_recorded_is_said(both: Both) -> None:
    unknown = " ".join(why_unknown(both.results[1]))
    assert "late_help.py: it was imported only while the test ran" in unknown
    assert "it started other processes" in unknown


@pytest.mark.slow
def test_workers_record_the_same(both: Both, tmp_path: Path) -> None:
    spread = Both(tmp_path, "-n", "2")
    assert {name: said(found) for name, found in spread.found.items()} == {
        name: said(found) for name, found in both.found.items()
    }


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("a.py::test_it[x::y[1]]", "a.py::test_it"),
        ("a.py::TestIt::test_it", "a.py::TestIt::test_it"),
        ("a.py::test_it#2", "a.py::test_it"),
        ("d[1]/a.py::test_it[b]", "d[1]/a.py::test_it"),
    ],
)
def test_the_parameters_of_an_id_are_cut(test: str, name: str) -> None:
    assert without_parameters(test) == name


@pytest.mark.parametrize(("number", "text"), [(1, "once"), (2, "2 times"), (200, "at least 200 times")])
def test_a_count_is_said_in_words(number: int, text: str) -> None:
    assert said_times(number) == text
