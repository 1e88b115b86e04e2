from __future__ import annotations

import pytest

from gates.portable.values import GateOutcome
from gates.run.witnesses import exit_witness

PASSED, FAILED, TIMEOUT = GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.TIMEOUT
SKIPPED, COULD_NOT_RUN, INTERRUPTED = GateOutcome.SKIPPED, GateOutcome.COULD_NOT_RUN, GateOutcome.INTERRUPTED


class TestExitCodes:
    @pytest.mark.parametrize(
        ("code", "kind", "outcome", "words"),
        [
            (0, "nox", PASSED, "exit code 0"),
            (1, "nox", FAILED, "exit code 1"),
            (127, "nox", FAILED, "exit code 127"),
            (127, "command", COULD_NOT_RUN, "not found"),
            (126, "command", COULD_NOT_RUN, "not found"),
            (-9, "command", FAILED, "ended by SIGKILL: killed from outside, often because memory ran out"),
            (-11, "nox", FAILED, "ended by SIGSEGV: it crashed"),
            (-63, "command", FAILED, "ended by signal 63"),
            (137, "command", FAILED, "exit code 137 (a process was ended by SIGKILL: killed from outside"),
            (255, "command", FAILED, "exit code 255"),
            (None, "command", FAILED, "no exit code"),
        ],
    )
    def test_an_exit_code_is_a_witness(self, code: int | None, kind: str, outcome: GateOutcome, words: str) -> None:
        witness = exit_witness(code, kind)
        assert witness.outcome is outcome
        assert words in witness.detail


def test_an_exit_code_that_nobody_saw_is_a_failure() -> None:
    witness = exit_witness(-9, "command", lost=True)
    assert witness.outcome is GateOutcome.FAILED
    assert witness.detail == "the process that starts gates was killed, so it is unknown how this one ended"
