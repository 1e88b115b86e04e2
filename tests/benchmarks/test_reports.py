from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from benchmarks import report_sides
from benchmarks.browser import Browser
from benchmarks.claims import CannotMeasure
from benchmarks.junit import Measured
from gates.results.files import load_run, load_tests


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report_sides, "TESTS", 60)
    report_sides.write_sample(tmp_path)
    return tmp_path


def test_the_sample_is_a_run_with_a_failure_in_each_twentieth_test(run: Path) -> None:
    tests = load_tests(run / "tests.jsonl")
    assert [number for number, test in enumerate(tests) if test.outcome.value == "failed"] == [0, 20, 40]
    assert {len(test.stdout) for test in tests} == {0, report_sides.OUTPUT}
    assert load_run(run / "run.json").tests is not None


@pytest.mark.parametrize(
    ("side", "file"),
    [
        ("read", "tests.jsonl"),
        ("html", "summary.html"),
        ("markdown", "summary.md"),
        ("history", "store/history.sqlite"),
    ],
)
def test_each_side_writes_its_file_and_says_how_long_it_took(run: Path, side: str, file: str) -> None:
    report_sides.main(str(run / "said"), side, str(run))
    assert (run / file).stat().st_size > 0
    assert msgspec.json.decode((run / "said").read_bytes(), type=Measured).seconds > 0


def test_a_browser_that_has_ended_is_said_and_not_waited_for() -> None:
    (heard, asks), (answers, says) = os.pipe(), os.pipe()
    os.close(says)
    with closing(Browser(asks, answers)) as page, pytest.raises(CannotMeasure, match="the browser has ended"):
        page.open()
    os.close(heard)
