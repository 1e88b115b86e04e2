"""What fails newly is run again on both sides in turns, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.compare.values import Renamed, TestsComparison
from gates.config.request import Request
from gates.pipeline.confirm import Confirmed, run_again
from gates.pipeline.execute import Finished
from gates.portable.errors import EnvironmentProblem
from gates.portable.values import ExitCode, TestOutcome
from gates.results.outstanding import Part
from tests.gates.readers.junit.sample import a_run, a_test

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gates.results import TestResult

FILE = "tests/kvcache/test_pool.py::"
BEFORE = (a_test("a"), a_test("b", gate="other"), a_test("c"))
AFTER = (a_test("a", TestOutcome.FAILED), a_test("b", TestOutcome.FAILED, gate="other"), a_test("c"))
NEWLY = (f"test: {FILE}a", f"other: {FILE}b")


def part(*tests: str) -> Part:
    return Part(tests=tests, anyway=True)


class Sides:
    """Stands for the runs: keeps what was asked of it."""

    def __init__(self, folder: Path, *, code: int = 0, broken: int = 0) -> None:
        self.folder, self.code, self.broken = folder, code, broken
        self.asked: list[tuple[str, Request, Path]] = []

    def finished(self, tests: tuple[TestResult, ...], code: int = 0) -> Finished:
        return Finished(run=a_run(tests, exit_code=code), tests=tests, reports=self.folder)

    def run(self, side: str, request: Request, reports: Path) -> Finished:
        self.asked.append((side, request, reports.relative_to(self.folder)))
        if len(self.asked) == self.broken:
            raise EnvironmentProblem("no space left")
        tests = (BEFORE if side == "base" else AFTER)[:2]
        return self.finished(tests, self.code if len(self.asked) == 3 else 0)


@pytest.fixture
def again(tmp_path: Path) -> Callable[..., Confirmed]:
    return lambda sides, times=2, tests=None: run_again(
        tests or TestsComparison(newly_failing=NEWLY),
        sides.finished(BEFORE),
        sides.finished(AFTER),
        times,
        Request(filter="test(x)"),
        sides.run,
    )


def test_both_sides_run_in_turns_and_only_what_fails_newly(tmp_path: Path, again: Callable[..., Confirmed]) -> None:
    sides = Sides(tmp_path)
    found = again(sides)
    assert [side for side, _, _ in sides.asked] == ["base", "head", "base", "head"]
    assert [str(folder) for _, _, folder in sides.asked] == [
        f"confirm/{name}" for name in ("base-1", "head-1", "base-2", "head-2")
    ]
    for _, request, _ in sides.asked:
        assert request.only == {"test": part(f"{FILE}a"), "other": part(f"{FILE}b")}
        assert request.gates == ("test", "other")
        assert (request.filter, request.no_tests, request.no_install) == ("test(x)", "pass", False)
    outcomes = {
        side: dict.fromkeys(NEWLY, TestOutcome(word)) for side, word in (("base", "passed"), ("head", "failed"))
    }
    assert found.again.base == (outcomes["base"],) * 2
    assert found.again.head == (outcomes["head"],) * 2
    assert (found.notes, found.interrupted) == ((), False)


def test_an_interruption_ends_it_and_keeps_what_is_known(tmp_path: Path, again: Callable[..., Confirmed]) -> None:
    sides = Sides(tmp_path, code=int(ExitCode.INTERRUPTED))
    found = again(sides, 5)
    assert len(sides.asked) == 3
    assert (len(found.again.base), len(found.again.head), found.interrupted) == (1, 1, True)
    assert found.notes == ("interrupted before everything was confirmed",)


def test_a_side_that_cannot_be_run_again_is_said_and_takes_no_blame_away(
    tmp_path: Path, again: Callable[..., Confirmed]
) -> None:
    sides = Sides(tmp_path, broken=2)
    found = again(sides)
    assert (len(found.again.base), len(found.again.head), found.interrupted) == (1, 0, False)
    assert found.notes == ("run 1 of the head, to confirm, failed to start: no space left",)


def test_a_test_is_run_again_under_the_name_that_each_side_has(tmp_path: Path, again: Callable[..., Confirmed]) -> None:
    sides = Sides(tmp_path)
    renamed = (Renamed(before=f"{FILE}c", after=f"{FILE}a"),)
    again(sides, 1, TestsComparison(newly_failing=NEWLY[:1], renamed=renamed))
    asked = {side: request.only for side, request, _ in sides.asked}
    assert asked == {"base": {"test": part(f"{FILE}a", f"{FILE}c")}, "head": {"test": part(f"{FILE}a")}}
