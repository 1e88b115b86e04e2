"""The page of a running run in a real browser: it follows by itself. Skipped where none is installed."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from gates.portable.values import TestOutcome
from gates.serve.follow import GateState, RunState
from gates.serve.pages import live_page, policy
from gates.serve.server import Server
from gates.serve.site import Answer
from tests.gates.readers.junit.sample import NOON, a_run, a_test
from tests.integration.test_page import BROWSER, loaded

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="there is no browser")]

HOSTILE = "<img src=x onerror=alert(1)>"


class Growing:
    """A site with one run, which gets further each time it is asked for, up to a stage; at the third one it ends."""

    def __init__(self, last: int) -> None:
        self.last, self.stage = last, 0

    def answer(self, path: str) -> Answer:
        assert path == "runs/x"
        self.stage = min(self.stage + 1, self.last)
        if self.stage == 3:
            return Answer(HTTPStatus.OK, b"<!doctype html><title>t</title><p>the report", policy())
        tests = tuple(a_test(f"t{number} {HOSTILE}", TestOutcome.FAILED) for number in range(self.stage))
        gates = (GateState(name="test", started=NOON, tests=self.stage, bad=self.stage, expected=9),)
        state = RunState(run=a_run(complete=False), gates=gates, failures=tests, bad=self.stage, left=5.0)
        return Answer(HTTPStatus.OK, live_page(state, NOON).encode(), policy())


@pytest.mark.parametrize(
    ("last", "said", "not_said"),
    [
        (2, ["2 of 9", "::t1 &lt;img", "2 tests failed"], ["1 of 9", "<img"]),
        (3, ["the report"], ["of 9"]),
    ],
    ids=["goes on", "ends"],
)
def test_a_running_run_follows_by_itself_until_its_report_is_there(
    tmp_path: Path, last: int, said: list[str], not_said: list[str]
) -> None:
    server = Server(Growing(last))  # type: ignore[arg-type]
    with server.answering():
        document = loaded(f"{server.address}runs/x", tmp_path / "profile")
    assert [text for text in said if text not in document] == []
    assert [text for text in not_said if text in document] == []
