"""The sides of a comparison run in turns; what they leave becomes a row."""

import sys
from pathlib import Path

import pytest

from benchmarks.claims import CannotMeasure, Claim, Figures, row_of
from benchmarks.harness import Contestant, Sample, added_cpu, clean_environment, interleave, timed

CLAIM = Claim(name="quick", what="ours against theirs", goal=0.85)


def contestant(name: str, *command: str) -> Contestant:
    return Contestant(name=name, command=command or ("true",), cwd=Path.cwd())


def run_in_turns(names: str, *, rounds: int, warm: int = 1, seconds: float = 0.0) -> tuple[str, dict[str, int]]:
    """The order in which the sides ran, and how many samples each has."""
    order: list[str] = []

    def run(side: Contestant, _environment: dict[str, str]) -> Sample:
        order.append(side.name)
        return Sample(1.0, 1.0)

    samples = interleave(
        [contestant(name) for name in names],
        {},
        rounds=rounds,
        patience=10,
        warm=warm,
        clock=lambda: len(order) * seconds,
        run=run,
    )
    return "".join(order), {name: len(found) for name, found in samples.items()}


def test_each_round_begins_with_another_side_and_warm_rounds_do_not_count() -> None:
    assert run_in_turns("abc", rounds=3) == ("abcbcacababc", {"a": 3, "b": 3, "c": 3})


def test_no_round_begins_when_patience_is_over_but_three_always_count() -> None:
    order, counts = run_in_turns("ab", rounds=50, seconds=100)
    assert (len(order), counts) == (8, {"a": 3, "b": 3})


@pytest.mark.parametrize(
    ("ours", "other", "goal", "met"), [(0.8, 1.0, 0.85, True), (0.9, 1.0, 0.85, False), (9.0, 1.0, None, None)]
)
def test_a_goal_is_met_or_missed_and_without_one_there_is_no_verdict(
    ours: float, other: float, goal: float | None, met: bool | None
) -> None:
    row = row_of(Claim(name="quick", what="", goal=goal), Figures(ours=ours, other=other, runs=3))
    assert (row.ratio, row.met) == (ours, met)


def test_what_one_side_adds_is_taken_within_the_round() -> None:
    drifting = [Sample(0.0, cpu) for cpu in (1.0, 5.0, 9.0)]
    slower = [Sample(0.0, sample.cpu + 0.25) for sample in drifting]
    assert added_cpu(slower, drifting) == 0.25


def test_what_would_disturb_a_measurement_is_not_inherited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("GATES_INBOX", "somewhere")
    found = clean_environment(tmp_path)
    assert found["GATES_CACHE_DIR"] == str(tmp_path)
    assert not {"PYTHONDONTWRITEBYTECODE", "GATES_INBOX"} & set(found)


def test_a_side_that_fails_gives_no_figure_but_its_last_words(tmp_path: Path) -> None:
    side = contestant("broken", sys.executable, "-c", "raise SystemExit('no such thing')")
    with pytest.raises(CannotMeasure, match=r"broken ended with exit code 1(.|\n)*no such thing"):
        timed(side, clean_environment(tmp_path))


def test_a_run_is_timed_with_its_processors(tmp_path: Path) -> None:
    side = contestant("busy", sys.executable, "-c", "sum(range(1_000_000))")
    sample = timed(side, clean_environment(tmp_path))
    assert sample.cpu > 0
    assert sample.wall > 0


def test_a_side_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(CannotMeasure, match=r"stuck took more than 0\.2 s"):
        timed(contestant("stuck", "sleep", "60"), clean_environment(tmp_path), limit=0.2)


@pytest.mark.slow
def test_times_are_not_rounded_to_the_steps_of_a_waiting_loop(tmp_path: Path) -> None:
    walls = [timed(contestant("sleep", "sleep", "0.07"), clean_environment(tmp_path)).wall for _ in range(5)]
    assert min(walls) < 0.11  # a loop with steps of 50 ms would say 0.114
