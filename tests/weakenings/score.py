"""Score what is found in each case: caught, missed, quiet, or a false alarm. Only what is certain counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gates.analysis.checks.weaker import weaker_checks
from gates.analysis.strictness import setting_changes
from gates.results import Weakening

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.weakenings.corpus import Case

Answer = Literal["caught", "missed", "quiet", "false alarm"]
Found = dict[str, "Sequence[Weakening]"]

KNOWN = Path(__file__).with_name("known.txt")
"""The ledger: what is known to be missed, and to be a false alarm."""

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "weakenings.md"
MARKS = ("<!-- weakenings: begin -->", "<!-- weakenings: end -->")

WRONG: tuple[Answer, ...] = ("missed", "false alarm")


def in_texts(case: Case) -> Sequence[Weakening]:
    """What the texts of both sides of a case show; no test runs."""
    return found_in(case.base, case.head)


def found_in(base: Mapping[str, str], head: Mapping[str, str]) -> Sequence[Weakening]:
    """What texts show, by path: settings, comments, and what tests say."""
    weaker = [change.weakening for change in setting_changes(base, head) if change.direction == "weaker"]
    checks = weaker_checks(base, head)
    removed = [
        Weakening(rule="removed-test", what="the test is gone", path=one.partition("::")[0], test=one)
        for one in checks.removed
    ]
    return [*weaker, *checks.weakenings, *removed]


def answer(case: Case, found: Sequence[Weakening]) -> Answer:
    """What it is that something, or nothing, was found."""
    if any(one.strength == "certain" for one in found):
        return "caught" if case.weaker else "false alarm"
    return "missed" if case.weaker else "quiet"


def answers(cases: Sequence[Case], ran: Mapping[str, Sequence[Weakening]]) -> dict[str, Answer]:
    """By name; `ran` is what a real comparison found, by case."""
    return {case.name: answer(case, [*ran.get(case.name, ()), *in_texts(case)]) for case in cases}


def known(path: Path = KNOWN) -> dict[str, str]:
    """By case: `missed` or `false alarm`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    entries = [line.partition(": ") for line in lines if line and not line.startswith("#")]
    return {name: kind for kind, _, name in entries}


def ledger(said: Mapping[str, Answer]) -> str:
    """The text of the ledger."""
    lines = sorted(f"{kind}: {name}" for name, kind in said.items() if kind in WRONG)
    return "\n".join(
        [
            "# Written by `python -m tests.weakenings --write`. A case that is not here must be answered as it is true.",
            *lines,
            "",
        ]
    )


def table(cases: Sequence[Case], said: Mapping[str, Answer]) -> str:
    """How many were caught, by part."""
    rows = ["| part | weakenings | caught | twins | false alarms |", "|---|---|---|---|---|"]
    parts = dict.fromkeys(case.part for case in cases)
    for part in (*parts, ""):
        of = Counter((case.weaker, said[case.name]) for case in cases if part in (case.part, ""))
        caught, alarms = of[True, "caught"], of[False, "false alarm"]
        weaker, twins = caught + of[True, "missed"], alarms + of[False, "quiet"]
        rows.append(f"| {part or '**all**'} | {weaker} | {caught} | {twins} | {alarms} |")
    return "\n".join(rows)


def as_known(cases: Sequence[Case], ledger_of: Mapping[str, str]) -> dict[str, Answer]:
    """The answers that the ledger tells of."""
    return {
        case.name: ("missed" if case.weaker else "false alarm")
        if case.name in ledger_of
        else ("caught" if case.weaker else "quiet")
        for case in cases
    }


def report(cases: Sequence[Case], said: Mapping[str, Answer]) -> str:
    """The table, and each case that is not answered as it is true."""
    failed = [f"- {said[case.name]}: `{case.name}`. {case.truth}" for case in cases if said[case.name] in WRONG]
    return "\n".join([table(cases, said), "", *(failed or ["Every case is answered as it is true."])])
