from __future__ import annotations

from typing import Any

import pytest

from gates.portable.values import GateOutcome
from gates.results import Witness
from gates.run.witnesses import nox_witness

PASSED, FAILED, TIMEOUT = GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.TIMEOUT
SKIPPED, COULD_NOT_RUN, INTERRUPTED = GateOutcome.SKIPPED, GateOutcome.COULD_NOT_RUN, GateOutcome.INTERRUPTED


class TestNoxReport:
    @pytest.mark.parametrize(
        ("result", "reason", "outcome"),
        [
            ("success", None, PASSED),
            ("failed", None, FAILED),
            ("failed", "Python interpreter 3.9 not found", COULD_NOT_RUN),
            ("failed", "Program not found", FAILED),
            ("skipped", "no such database", SKIPPED),
            ("aborted", "1 problem", FAILED),
            ("something new", None, FAILED),
            ("Success", None, FAILED),
        ],
    )
    def test_words_are_read_never_numbers(self, result: str, reason: str | None, outcome: GateOutcome | None) -> None:
        entry = {"name": "test", "signatures": ["test-3.11"], "result": result, "result_code": 0, "reason": reason}
        assert nox_witness({"sessions": [entry]}, "test-3.11").outcome is outcome

    @pytest.mark.parametrize(
        ("tail", "outcome"),
        [
            ("nox > Program ruff not found.\nnox > Session lint failed.", COULD_NOT_RUN),
            (
                "\x1b[31mnox > Program ruff not found.\x1b[0m\n\x1b[31mnox > Session lint failed.\x1b[0m\n",
                COULD_NOT_RUN,
            ),
            (
                "nox > Program ruff not found.\nnox > Command pytest failed with exit code 1\nnox > Session lint failed.",
                FAILED,
            ),
            ("nox > Program ruff not found.", FAILED),
            ("nox > Session lint failed.\nnox > Program ruff not found.", FAILED),
            ("nox > Session lint failed.", FAILED),
            ("", FAILED),
        ],
    )
    def test_only_noxs_own_closing_lines_tell_a_missing_program(self, tail: str, outcome: GateOutcome) -> None:
        report = {"sessions": [{"name": "lint", "signatures": ["lint"], "result": "failed", "reason": None}]}
        witness = nox_witness(report, "lint", tail)
        assert witness.outcome is outcome
        assert ("ruff: program not found" in witness.detail) is (outcome is COULD_NOT_RUN)

    @pytest.mark.parametrize(
        "report",
        [
            *(None, {}, [], 3, {"sessions": []}, {"sessions": [{"name": "other", "signatures": []}]}),
            *({"sessions": None}, {"sessions": [{"name": "test", "signatures": ["test"], "result": ["success"]}]}),
        ],
    )
    def test_nox_that_says_nothing_of_the_session_did_not_see_its_end(self, report: Any) -> None:
        assert nox_witness(report, "test") == Witness(
            name="nox report", outcome=FAILED, detail="nox wrote no report of this session"
        )

    @pytest.mark.parametrize("order", [1, -1])
    def test_the_worst_word_on_a_session_counts(self, order: int) -> None:
        entries = [{"name": "test", "signatures": ["test"], "result": word} for word in ("success", "failed")][::order]
        assert nox_witness({"sessions": entries}, "test").outcome is FAILED
