from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

import pytest

from gates.noxtools.outcome import could_not_run

if TYPE_CHECKING:
    from pathlib import Path


class LeftError(Exception):
    """Stands for the exception with which nox leaves a session."""


class FakeSession:
    def skip(self, *reasons: object) -> NoReturn:
        raise LeftError(*reasons)


def test_under_the_runner_the_outcome_is_written_down_and_the_session_left(tmp_path: Path) -> None:
    target = tmp_path / "outcome.json"
    with pytest.raises(LeftError, match=r"^could not run: no Python 3\.11 für uns$"):
        could_not_run(FakeSession(), "no Python 3.11 für uns", {"GATES_OUTCOME": str(target)})
    expected = {"outcome": "could-not-run", "reason": "no Python 3.11 für uns"}
    assert json.loads(target.read_text(encoding="utf-8")) == expected


@pytest.mark.parametrize("environ", [{}, {"GATES_OUTCOME": ""}])
def test_under_nox_alone_the_session_is_left_too(environ: dict[str, str]) -> None:
    with pytest.raises(LeftError, match="could not run: no compiler"):
        could_not_run(FakeSession(), "no compiler", environ)
