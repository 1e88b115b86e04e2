from __future__ import annotations

from typing import Any

import pytest

from gates.portable.values import GateOutcome
from gates.results import Witness
from gates.run.witnesses import own_word_witness

PASSED, FAILED, TIMEOUT = GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.TIMEOUT
SKIPPED, COULD_NOT_RUN, INTERRUPTED = GateOutcome.SKIPPED, GateOutcome.COULD_NOT_RUN, GateOutcome.INTERRUPTED


class TestOwnWord:
    def test_is_not_missed_where_there_is_none(self) -> None:
        assert own_word_witness(None) is None

    def test_carries_its_reason(self) -> None:
        witness = own_word_witness({"outcome": "could-not-run", "reason": "static check only"})
        assert witness == Witness(name="gate's own word", outcome=COULD_NOT_RUN, detail="static check only")

    @pytest.mark.parametrize("word", [{}, [], "passed", {"outcome": "good"}, {"outcome": 1}, 7])
    def test_that_cannot_be_read_is_a_failure(self, word: Any) -> None:
        witness = own_word_witness(word)
        assert witness is not None
        assert witness.outcome is FAILED
