"""Which assertions ran is recorded in whatever way a test runs them, and what prevents that is part of the record."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from gates.analysis.recorded.watch import choose
from gates.portable.rules import Override, Retries, RuleBook
from tests.gates.pytest_plugin.conftest import Project, Ran

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = """
import threading, sys, unittest
from functools import wraps
from unittest import mock
import pytest
from hypothesis import given, settings, strategies as st
from elsewhere import Inherited, remade

ATTEMPTS = []

@pytest.fixture(scope="module")
def wide():
    assert 1 + 1 == 2
    yield
    assert 2 + 2 == 4

def test_first_that_uses_it(wide): pass

def test_plain():
    assert 1
    assert 2

def test_thread():
    def work():
        assert 3
    one = threading.Thread(target=work)
    one.start()
    one.join()

def test_traced():
    seen = []
    def look(frame, event, argument):
        seen.append((frame.f_code.co_name, event))
        return look
    def traced():
        assert 4
        return 5
    sys.settrace(look)
    try:
        traced()
    finally:
        sys.settrace(None)
    assert [event for name, event in seen if name == "traced"] == ["call", "line", "line", "return"]

def test_subtests(subtests):
    for n in range(3):
        with subtests.test(n=n):
            assert n < 9

@mock.patch("os.getcwd")
def test_patched(getcwd):
    assert getcwd() is not None

def test_retried():
    ATTEMPTS.append(1)
    for n in ATTEMPTS:
        assert n
    assert len(ATTEMPTS) > 1

class TestMany(Inherited):
    @pytest.mark.parametrize("n", [1, 2])
    def test_number(self, n):
        if n == 2:
            assert n == 2

class TestUnit(unittest.TestCase):
    def test_counts(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertEqual(n, n)
        with self.assertRaises(ValueError):
            int("x")

@given(st.integers(0, 3))
@settings(max_examples=5, database=None, derandomize=True)
def test_given(n):
    assert n < 4

@pytest.mark.xfail
def test_expected():
    assert 0

@remade
def test_remade():
    assert 6

def test_unwanted(wide):
    assert 7
"""

ELSEWHERE = """
import types

class Inherited:
    def test_inherited(self):
        assert self

def remade(function):
    code = function.__code__
    return types.FunctionType(code.replace(co_names=(*code.co_names, "other")), function.__globals__, function.__name__)
"""


def lines_with(text: str, part: str) -> int:
    """The line of the only place of a text."""
    (line,) = [number for number, one in enumerate(text.splitlines(), 1) if part in one]
    return line


class Recorded:
    """One run with a recorder, and what each test recorded."""

    def __init__(self, folder: Path, *args: str, **more: Any) -> None:
        project = Project(folder)
        files = {"tests/test_sample.py": SAMPLE, "tests/elsewhere.py": ELSEWHERE}
        for name, text in files.items():
            project.write_file(name, text)
        texts = {name: (project.root / name).read_bytes() for name in files}
        _, watch = choose({}, texts, files)
        told = watch.to_json()
        sample = told["tests/test_sample.py"]
        for test in ("test_unwanted", "test_first_that_uses_it"):
            sample["tests"].remove(test)
            sample["lines"].remove(lines_with(SAMPLE, f"def {test}"))
        sample.update(more.pop("sample", {}))
        path = folder / "assertions.json"
        path.write_text(json.dumps(told))
        settings = {"assertions_file": str(path), "root": str(project.root), "rules": RETRIES, **more}
        self.ran: Ran = project.injected("tests", "-p", "no:randomly", *args, settings=settings)

    def of(self, test: str) -> dict[str, Any] | None:
        """The record of a test, by the end of its id."""
        found: dict[str, Any] | None = self.ran.tests[test].get("checks")
        return found

    def counts(self, test: str) -> list[tuple[str, int, int]]:
        """Text, count and number of failures of the assertions that ran in a test."""
        texts = {"tests/test_sample.py": SAMPLE, "tests/elsewhere.py": ELSEWHERE}
        record = self.of(test)
        assert record is not None
        return [
            (texts[file].splitlines()[line - 1].strip(), ran, raised)
            for file, counts in record["ran"].items()
            for line, ran, raised in counts
        ]


RETRIES = RuleBook([Override("retried", "test(retried)", {"retries": Retries(count=2)})]).to_json()

COUNTS = {
    "test_plain": [("assert 1", 1, 0), ("assert 2", 1, 0)],
    "test_thread": [("assert 3", 1, 0)],
    "test_subtests": [("assert n < 9", 3, 0)],
    "test_patched": [("assert getcwd() is not None", 1, 0)],
    "test_retried": [("assert n", 2, 0), ("assert len(ATTEMPTS) > 1", 1, 0)],
    "TestMany::test_inherited": [("assert self", 1, 0)],
    "TestMany::test_number[1]": [],
    "TestMany::test_number[2]": [("assert n == 2", 1, 0)],
    "TestUnit::test_counts": [("self.assertEqual(n, n)", 3, 0), ("with self.assertRaises(ValueError):", 1, 0)],
    "test_expected": [("assert 0", 1, 1)],
}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return Recorded(tmp_path_factory.mktemp("usual"))


@pytest.mark.slow
@pytest.mark.parametrize("test", COUNTS)
def test_an_assertion_is_counted_where_a_test_runs_it(usual: Recorded, test: str) -> None:
    assert usual.counts(test) == COUNTS[test]


@pytest.mark.slow
def test_a_tracer_of_the_test_sees_what_it_always_sees(usual: Recorded) -> None:
    assert usual.ran.outcomes["test_traced"] == "passed"
    assert ("assert 4", 1, 0) in usual.counts("test_traced")


@pytest.mark.slow
def test_a_fixture_of_a_module_is_recorded_with_the_test_that_happens_to_run_it(usual: Recorded) -> None:
    assert usual.counts("test_first_that_uses_it") == [("assert 1 + 1 == 2", 1, 0)]
    assert ("assert 7", 1, 0) not in usual.counts("test_unwanted")
    assert usual.counts("test_unwanted") == [("assert 2 + 2 == 4", 1, 0)]


@pytest.mark.slow
def test_a_test_inside_a_wrapper_of_hypothesis_is_recorded(usual: Recorded) -> None:
    ((text, ran, raised),) = usual.counts("test_given")
    assert (text, ran > 1, raised) == ("assert n < 4", True, 0)


@pytest.mark.slow
def test_other_code_in_place_of_a_function_is_unknown_and_not_nothing(usual: Recorded) -> None:
    record = usual.of("test_remade")
    assert record is not None
    place = f"tests/test_sample.py:{lines_with(SAMPLE, 'assert 6')}"
    assert record["unknown"] == {place: "the code of test_remade is not what its source compiles to"}


@pytest.mark.slow
@pytest.mark.parametrize("args", [("--assert=plain",), ("-n", "2", "--dist", "loadfile")], ids=["plain", "workers"])
def test_plain_assertions_and_workers_record_the_same(tmp_path: Path, args: tuple[str, ...]) -> None:
    run = Recorded(tmp_path, *args)
    assert {test: run.counts(test) for test in COUNTS} == COUNTS


@pytest.mark.slow
def test_a_file_that_is_not_the_expected_one_is_unknown(tmp_path: Path) -> None:
    run = Recorded(tmp_path, sample={"digest": hashlib.sha256(b"other").hexdigest()})
    record = run.of("test_plain")
    assert record is not None
    assert record["ran"] == {}
    assert record["unknown"] == {"tests/test_sample.py": "the file is not the one that was read before the run"}


@pytest.mark.slow
def test_a_test_that_dies_has_no_record_and_the_rest_have_theirs(project: Project, tmp_path: Path) -> None:
    text = "import os\n\ndef test_dies():\n    assert 1\n    os._exit(3)\n\ndef test_next():\n    assert 2\n"
    project.write_file("test_it.py", text)
    _, watch = choose({}, {"test_it.py": text.encode()}, ["test_it.py"])
    (tmp_path / "told.json").write_text(json.dumps(watch.to_json()))
    settings = {"assertions_file": str(tmp_path / "told.json"), "root": str(project.root), "supervise": True}
    ran = project.injected(settings=settings)
    assert "checks" not in ran.tests["test_dies"]
    assert ran.tests["test_next"]["checks"] == {"ran": {"test_it.py": [[8, 1, 0]]}}
