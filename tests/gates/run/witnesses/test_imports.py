from __future__ import annotations

import pytest

from gates.portable.values import GateOutcome
from gates.run.verdict import decide
from gates.run.witnesses import exit_witness, imports_witness


@pytest.mark.parametrize(
    ("imported", "outcome", "words"),
    [
        ({}, None, ""),
        ({"lib": "lib/__init__.py", "own": ".nox/test/lib/python3.11/site-packages/own/__init__.py"}, None, ""),
        ({"lib": "../shared/lib.py"}, None, ""),
        ({"lib": "/home/me/project/src/lib/__init__.py"}, "failed", "another tree: lib (/home/me/project/src/lib"),
        ({"lib": "/venv/lib/python3.12/site-packages/lib/__init__.py"}, "none", "installed copies"),
        ({"a": "/venv/lib/python3.12/site-packages/a.py", "b": "/other/b.py"}, "failed", "b (/other/b.py)"),
    ],
)
def test_code_of_another_tree_is_a_witness_against_the_gate(
    imported: dict[str, str], outcome: str | None, words: str
) -> None:
    witness = imports_witness(imported, {})
    assert (witness is None) == (outcome is None)
    if witness is not None:
        assert str(witness.outcome).lower() == outcome
        assert words in witness.detail
        passed = [exit_witness(0, "command"), witness]
        assert decide(passed)[:2] == (
            (GateOutcome.FAILED, True) if outcome == "failed" else (GateOutcome.PASSED, False)
        )


def test_an_installed_copy_that_is_not_as_in_this_tree_is_a_witness_against_the_gate() -> None:
    place = "/venv/lib/python3.12/site-packages/lib/__init__.py"
    witness = imports_witness({"lib": place}, {"lib": place})
    assert witness is not None
    assert (witness.outcome, f"{place} differs from the one here" in witness.detail) == (GateOutcome.FAILED, True)
