"""What is made of the answers of sessions about faults."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from gates.analysis.mutants.choose import faults_of
from gates.commands.mutants import exit_of
from gates.config.values import Suppression
from gates.pipeline.mutant_answers import Collected
from gates.pipeline.suppressed import covers, out_of_order
from gates.portable.values import ExitCode
from gates.results import Mutant, Mutation

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "def f(a):\n    b = a + 1\n    return b < 2\n"
FAULTS = {one.what: one for one in faults_of("m.py", TEXT.encode())}
PLUS, LESS = FAULTS["+ became -"], FAULTS["< became <="]


@pytest.fixture
def collected() -> Collected:
    return Collected([LESS, PLUS], {"m.py": TEXT}, lambda _mutant: None)


def mutant(name: str, finding: str, *tests: str) -> dict[str, Any]:
    return {"kind": "mutant", "id": name, "finding": finding, "tests": list(tests)}


def findings(collected: Collected) -> dict[str, str]:
    return {one.id: one.finding for one in collected.mutation("").mutants}


def test_survivors_are_listed_first_with_their_diffs(collected: Collected) -> None:
    take = collected.begin("test")
    take(mutant(PLUS.id, "killed", "a"))
    take(mutant(LESS.id, "survived", "a"))
    first, second = collected.mutation("").mutants
    assert (first.finding, second.finding) == ("survived", "killed")
    assert first.diff == "@@ -3 +3 @@\n-    return b < 2\n+    return b <= 2"


def test_another_gate_gets_what_the_first_one_did_not_notice(collected: Collected) -> None:
    take = collected.begin("one")
    take(mutant(LESS.id, "survived", "a"))
    take({"kind": "unreached", "ids": [PLUS.id]})
    assert {one.id for one in collected.waiting("two")} == {LESS.id, PLUS.id}
    take = collected.begin("two")
    take(mutant(LESS.id, "killed", "b"))
    take({"kind": "unreached", "ids": [PLUS.id]})
    assert findings(collected) == {LESS.id: "killed", PLUS.id: "unreached"}


def test_a_survivor_of_two_gates_has_the_tests_of_both(collected: Collected) -> None:
    collected.begin("one")(mutant(LESS.id, "survived", "a"))
    collected.begin("two")(mutant(LESS.id, "survived", "b"))
    (found,) = collected.mutation("").mutants
    assert found.tests == ("a", "b")


def test_a_fault_that_only_the_second_gate_reaches_is_not_unreached(collected: Collected) -> None:
    collected.begin("one")({"kind": "unreached", "ids": [PLUS.id]})
    take = collected.begin("two")
    take({"kind": "unreached", "ids": []})
    take(mutant(PLUS.id, "survived", "b"))
    assert findings(collected) == {PLUS.id: "survived"}


def test_lines_whose_tests_did_not_fit_into_the_budget_are_left_out_and_not_unreached(collected: Collected) -> None:
    take = collected.begin("test")
    take({"kind": "recorded", "left": ["slow"], "ended": "timeout"})
    take({"kind": "untried", "ids": [PLUS.id]})
    take({"kind": "end", "left": 1})
    found = collected.mutation("")
    assert (found.mutants, found.left_out) == ((), 2)
    assert found.notes == ("1 test that may reach the changed lines did not fit into the budget, and judged no mutant",)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"kind": "unable", "why": "this system cannot fork"}, "test: this system cannot fork"),
        (
            {"kind": "test", "id": "a", "failed": True},
            "1 test failed on the code as it is, so no mutant was tried with it: a",
        ),
    ],
)
def test_why_nothing_is_known_is_said(collected: Collected, record: dict[str, Any], said: str) -> None:
    collected.begin("test")(record)
    assert collected.mutation("").unknown == said


def mutation(*found: str, **more: Any) -> Mutation:
    mutants = tuple(Mutant(path="m.py", line=1, operator="x", finding=one) for one in found)  # type: ignore[arg-type]
    return Mutation(mutants=mutants, **more)


CODES = [
    (mutation("survived", "killed"), ExitCode.REGRESSION),
    (mutation("killed", "timeout"), ExitCode.PASSED),
    (mutation("suppressed"), ExitCode.PASSED),
    (mutation("killed", "unreached", "unknown"), ExitCode.PASSED),
    (mutation("unreached"), ExitCode.NOTHING_SELECTED),
    (mutation("unknown"), ExitCode.COULD_NOT_RUN),
    (mutation("killed", unknown="it cannot fork"), ExitCode.COULD_NOT_RUN),
    (mutation("survived", unknown="x", failing=("a",)), ExitCode.GATE_FAILED),
    (mutation("survived", ledger=("expired",)), ExitCode.GATE_FAILED),
    (mutation("survived", stopped="Ctrl-C", ledger=("expired",)), ExitCode.INTERRUPTED),
]


@pytest.mark.parametrize(("found", "code"), CODES)
def test_the_exit_code_says_the_worst(found: Mutation, code: ExitCode) -> None:
    assert exit_of(found) is code


EXPIRES = dt.date(2027, 1, 1)


def entry(**fields: str) -> Suppression:
    known: dict[str, Any] = {"path": "**", "reason": "why", "owner": "ada", "expires": EXPIRES}
    return Suppression(name="it", **known | fields)


COVERED = [
    (entry(), True),
    (entry(path="m.py"), True),
    (entry(path="other/**"), False),
    (entry(function="f"), True),
    (entry(function="g"), False),
    (entry(operator="comparison"), True),
    (entry(operator="constant"), False),
    (entry(text="b < 2"), True),
    (entry(text="b > 2"), False),
]


@pytest.mark.parametrize(("suppression", "yes"), COVERED)
def test_all_that_a_suppression_says_must_fit(suppression: Suppression, yes: bool) -> None:
    assert covers(suppression, LESS, "    return b < 2") is yes


def test_a_name_may_be_the_last_part_of_a_function() -> None:
    (fault,) = [one for one in faults_of("m.py", b"class A:\n    def get(self, a):\n        return a + 1\n") if one.operator == "arithmetic"]  # fmt: skip
    assert [covers(entry(function=name), fault, "") for name in ("get", "A.get", "et")] == [True, True, False]


@pytest.mark.parametrize(
    ("suppression", "today", "said"),
    [
        (entry(), EXPIRES, []),
        (entry(), EXPIRES + dt.timedelta(1), ["the suppression it expired on 2027-01-01: why"]),
        (entry(function="gone"), EXPIRES, ["the suppression it matches no mutant: remove it"]),
    ],
)
def test_an_entry_that_expired_or_matches_nothing_is_out_of_order(
    tmp_path: Path, suppression: Suppression, today: dt.date, said: list[str]
) -> None:
    (tmp_path / "m.py").write_text(TEXT)
    assert list(out_of_order([suppression], tmp_path, ["m.py", "notes.txt"], today)) == said
