"""The promises of `gates.compare.timing.changes`, kept by dice with a seed; see `simulate` for longer runs."""

from __future__ import annotations

import pytest

from tests.gates.compare import simulate


@pytest.mark.slow
def test_a_whole_comparison_in_which_nothing_changed_raises_no_alarm() -> None:
    results = simulate.compared(12, seed=1, pairs=20)
    assert sum(result.timed for result in results) > 12 * 100
    assert sum(result.false_alarms > 0 for result in results) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", simulate.KINDS)
def test_one_test_is_called_slower_by_chance_as_seldom_as_promised(kind: str) -> None:
    p, called = simulate.called(simulate.RULES[0], kind, 0.0, 800, seed=2)
    # 1% of 800 is 8; 16 of them or more would be one case in a hundred.
    assert called <= p <= 15 / 800


@pytest.mark.slow
@pytest.mark.parametrize(("effect", "power"), [(0.10, 0.80), (0.30, 0.99)])
def test_65_pairs_find_ten_percent_in_noise_of_fifteen(effect: float, power: float) -> None:
    assert simulate.called(simulate.RULES[0], "plain", effect, 600, seed=1)[1] >= power


def test_one_side_after_the_other_invents_changes() -> None:
    # Else the noise of these simulations were too easy.
    assert simulate.called(simulate.RULES[-1], "memory", 0.0, 400, seed=1)[1] > 0.03
    assert simulate.called(simulate.RULES[-1], "drift", 0.0, 300, seed=1)[1] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [10, 25])
def test_intervals_cover_what_they_say(pairs: int) -> None:
    assert simulate.covered(pairs, 400, seed=1) > 0.92


@pytest.mark.slow
def test_what_is_called_detectable_is_found_as_often_as_promised() -> None:
    assert 0.75 < simulate.power_at_detectable(30, 300, seed=1) < 0.88
