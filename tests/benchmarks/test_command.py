"""`python -m benchmarks`: names, listing, rows."""

import sys

import pytest

from benchmarks import __main__ as command
from benchmarks.claims import CannotMeasure, Claim, Figures, NotInstalled, Subject, Workplace, row_of
from benchmarks.subjects import SUBJECTS
from benchmarks.table import seconds, table


def subject(name: str, *claims: str) -> Subject:
    def measure(_place: Workplace) -> dict[str, Figures]:
        if name == "absent":
            raise CannotMeasure("not installed in this environment: tool")
        if name == "extra":
            raise NotInstalled("not installed in this environment: peer")
        return {claim: Figures(ours=2.0, other=1.0, runs=3) for claim in claims}

    return Subject(name=name, claims=tuple(Claim(name=claim, what="w", goal=1.0) for claim in claims), measure=measure)


def test_names_of_subjects_and_claims_are_all_different() -> None:
    names = [name for subject in SUBJECTS for name in {subject.name, *(claim.name for claim in subject.claims)}]
    assert len(names) == len(set(names))


def test_a_claim_selects_its_subject_and_hides_the_others() -> None:
    ((chosen, shown),) = command.select(["run-tox"])
    assert (chosen.name, shown) == ("run", {"run-tox"})


@pytest.mark.parametrize(
    ("words", "code", "words_told"),
    [
        (["--list"], 0, "missed"),
        (["missed"], 0, "NO"),
        (["missed", "--json"], 0, '"met": false'),
        (["absent"], 3, "not installed"),
        (["extra", "missed"], 3, "skipped extra-claim: not installed in this environment: peer"),
        (["nonsense"], 2, "no claim is named 'nonsense'"),
    ],
)
def test_a_missed_goal_is_told_and_ends_with_0(
    words: list[str],
    code: int,
    words_told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    subjects = (
        subject("some", "missed", "other"),
        subject("absent", "absent-claim"),
        subject("extra", "extra-claim"),
    )
    monkeypatch.setattr(command, "SUBJECTS", subjects)
    monkeypatch.setattr(sys, "argv", ["benchmarks", *words])
    assert command.main() == code
    told = capsys.readouterr()
    assert words_told in told.out + told.err


def test_a_row_whose_peer_is_not_installed_is_skipped_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "SUBJECTS", (subject("some", "row"), subject("extra", "extra-claim")))
    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    assert command.main() == 0
    told = capsys.readouterr()
    assert "skipped extra-claim: not installed in this environment: peer" in told.err
    assert "row" in told.out


@pytest.mark.parametrize(("value", "text"), [(1.25, "1.25 s"), (0.0125, "12.5 ms"), (8.1e-6, "8.1 µs"), (2e-9, "2 ns")])
def test_seconds_are_shown_in_the_unit_that_fits(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("ours", "goal", "met", "shown"),
    [
        pytest.param(0.00244, 0.002, False, "0.00244", id="a-small-one-missed"),
        pytest.param(0.9004, 0.9, False, "0.9", id="missed-by-little"),
        pytest.param(0.0019, 0.002, True, "0.0019", id="met"),
    ],
)
def test_a_ratio_is_not_rounded_before_it_meets_its_goal(ours: float, goal: float, met: bool, shown: str) -> None:
    row = row_of(Claim(name="n", what="w", goal=goal), Figures(ours=ours, other=1.0, runs=1))
    assert row.met is met
    assert f" {shown} " in table([row])
