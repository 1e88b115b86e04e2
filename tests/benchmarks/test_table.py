"""Figures are shown in the unit of their claim."""

from __future__ import annotations

import pytest

from benchmarks.table import shown


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        pytest.param(0.0000005, "seconds", "500 ns", id="a duration"),
        pytest.param(69_300_000, "bytes", "66.1 MiB", id="bytes"),
        pytest.param(1400.0, "times", "1,400", id="a count"),
    ],
)
def test_a_figure_is_shown_in_its_unit(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text
