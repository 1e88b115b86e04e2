from __future__ import annotations

from pathlib import Path

import pytest

from gates.noxtools.interpreters import Interpreter
from gates.noxtools.minimum import FullCheck, StaticCheck, decide

ELEVEN = Interpreter((3, 11, 7), Path("/pyenv/3.11.7"), "pyenv")
ELEVEN_ON_PATH = Interpreter((3, 11), Path("/bin/python3.11"), "path")
THIRTEEN = Interpreter((3, 13, 0), Path("/pyenv/3.13.0"), "pyenv")
MACHINE = {ELEVEN.path: "3.11.7", ELEVEN_ON_PATH.path: "3.11.2", THIRTEEN.path: "3.13.0"}


def ask(path: Path) -> str | None:
    return MACHINE.get(path)


def test_the_lowest_interpreter_is_checked_for_real() -> None:
    assert decide(">=3.11", [THIRTEEN, ELEVEN], ask) == FullCheck(ELEVEN)


def test_of_several_the_lowest_micro_is_taken() -> None:
    decision = decide(">=3.11", [ELEVEN, ELEVEN_ON_PATH], ask)
    assert decision == FullCheck(Interpreter((3, 11, 2), ELEVEN_ON_PATH.path, "path"))


def test_only_newer_ones_leave_the_static_check() -> None:
    assert decide(">=3.11", [THIRTEEN], ask) == StaticCheck((3, 11), "static check only")


@pytest.mark.parametrize("said", [None, "3.13.0", "broken"])
def test_an_interpreter_that_does_not_run_or_is_another_leaves_the_static_check(said: str | None) -> None:
    assert isinstance(decide(">=3.11", [ELEVEN], lambda _: said), StaticCheck)


def test_interpreters_of_other_versions_are_not_even_started() -> None:
    asked: list[Path] = []

    def note(path: Path) -> str | None:
        asked.append(path)
        return ask(path)

    decide(">=3.11", [THIRTEEN, ELEVEN], note)
    assert asked == [ELEVEN.path]
