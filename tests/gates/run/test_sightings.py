from __future__ import annotations

import itertools

import pytest

from gates.run.sightings import Sighting, Watcher, Words, is_pytest
from gates.run.witnesses.injection import RunnerTraces

HEADER = b"============================= test session starts ==============================\n"
FOOTER = b"========================= 1 failed, 2 passed in 0.12s =========================\n"


def words(*lines: bytes) -> RunnerTraces:
    found = Words()
    for line in lines:
        found.take(line)
    return found.seen


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (HEADER, RunnerTraces(headers=1)),
        (b"\x1b[1m" + HEADER.rstrip() + b"\x1b[0m\n", RunnerTraces(headers=1)),
        (FOOTER, RunnerTraces(footers=1, failed=("1 failed, 2 passed in 0.12s",))),
        (b"3 passed in 0.01s\n", RunnerTraces(footers=1)),
        (b"1 passed, 1 warning, 2 subtests passed in 61.30s (0:01:01)\n", RunnerTraces(footers=1)),
        (b"\x1b[32m\x1b[1m3 passed\x1b[0m\x1b[32m in 0.01s\x1b[0m\n", RunnerTraces(footers=1)),
        (b"no tests ran in 0.00s\n", RunnerTraces(footers=1)),
        (b"1 error in 0.30s\n", RunnerTraces(footers=1, failed=("1 error in 0.30s",))),
        (b"nox > python -m pytest -q tests\n", RunnerTraces(commands=("python -m pytest -q tests",))),
        (b"nox > pytest\n", RunnerTraces(commands=("pytest",))),
        (b"nox > coverage run -m pytest tests\n", RunnerTraces(commands=("coverage run -m pytest tests",))),
        (b"Ran 2 tests in 0.001s\n\nFAILED (failures=1)\n", RunnerTraces(unittest="FAILED (failures=1)")),
        (b"Ran 0 tests in 0.000s\n\nOK\n", RunnerTraces(empty=True)),
        (b"Ran 0 tests in 0.000s\n\nNO TESTS RAN\n", RunnerTraces(empty=True)),
        (b"Ran 0 tests in 0.000s\n\nOK (skipped=1)\n", RunnerTraces()),  # a class that is skipped
        (b"Ran 2 tests in 0.001s\n\nOK\nRan 0 tests in 0.000s\n\nOK\n", RunnerTraces()),
        (b"Ran 2 tests in 0.001s\n\nFAILED (errors=1)\nRan 2 tests in 0.001s\n\nOK (skipped=1)\n", RunnerTraces()),
    ],
)
def test_runners_are_known_by_their_own_lines(lines: bytes, expected: RunnerTraces) -> None:
    assert words(lines) == expected
    assert words(*lines.splitlines(keepends=True)) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"nox > python -m pip install pytest\n",
        b"nox > uv pip install pytest pytest-xdist\n",
        b"nox > pytest --version\n",
        b"running the test session starts\n",
        b"Tests:       3 passed, 3 total\n",
        b"  3 passed (5s)\n",
        b"downloaded 3 files in 0.12s\n",
        b"All 3 tests passed in 0.12s\n",
        b"FAILED (failures=1)\n",
        b"test_a.py::test_a - 1 failed in 0.12s\n",
    ],
)
def test_other_lines_are_no_sign_of_a_runner(line: bytes) -> None:
    assert words(line) == RunnerTraces()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python -m pytest", True),
        ("/venv/bin/python3.12 -I -m pytest tests", True),
        ("/venv/bin/python /venv/bin/pytest -q", True),
        ("/usr/bin/pypy3 -m py.test", True),
        ("/venv/bin/python /venv/bin/coverage run -m pytest", True),
        ("pytest -q", True),
        ("python -m pytest --version", False),
        ("python -m unittest", False),
        ("python run_tests.py pytest", False),
        ("python -c exec(code) -m pytest", False),
        ("sh -c python -m pytest", False),
        ("uv run pytest", False),
        ("docker run image pytest", False),
        ("vim pytest", False),
        ("python", False),
        ("", False),
    ],
)
def test_a_pytest_is_known_by_its_arguments(command: str, expected: bool) -> None:
    assert is_pytest(command.split()) is expected


def watcher(**sightings: Sighting) -> Watcher:
    found = Watcher(itertools.count().__next__)
    found.sightings = {int(name[1:]): one for name, one in sightings.items()}
    return found


def pytest_of(*numbers: int, above: tuple[int, ...] = (1,), options: str = "") -> Sighting:
    return Sighting(("python", "-m", "pytest", *options.split()), frozenset(numbers), frozenset(above))


class TestProcesses:
    def test_that_have_spoken_are_heard_by_whatever_number_they_know_themselves(self) -> None:
        found = watcher(p7=pytest_of(7), p8=pytest_of(8, 3))
        assert found.unspoken(frozenset({7, 3})) == ((), ())

    def test_that_never_spoke_are_told(self) -> None:
        found = watcher(p7=pytest_of(7), p8=pytest_of(8, options="-q"))
        assert found.unspoken(frozenset({7})) == (("python -m pytest -q",), ())

    def test_below_one_that_has_spoken_are_its_own_affair(self) -> None:
        assert watcher(p7=pytest_of(7), p8=pytest_of(8, above=(1, 7))).unspoken(frozenset({7})) == ((), ())

    def test_that_outlive_the_gate_are_told_apart(self) -> None:
        found = watcher(p7=pytest_of(7, above=()))
        found.left.add(7)
        assert found.unspoken(frozenset()) == (("python -m pytest",), ("python -m pytest",))

    def test_that_outlive_the_gate_may_be_forks_of_one_that_has_spoken(self) -> None:
        found = watcher(p7=pytest_of(7), p8=pytest_of(8, above=()))
        found.left.add(8)
        assert found.unspoken(frozenset({7})) == ((), ())
