from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.readers.junit.times import read_moment, read_seconds
from tests.gates.readers.junit.sample import NOON


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0.25", 0.25),
        ("2,503.1", 2503.1),
        ("1,234,567", 1234567.0),
        ("1,234", 1234.0),
        ("0,25", 0.25),
        ("0,250", 0.25),
        ("1,5", 1.5),
        ("1e-3", 0.001),
        (" 1 ", 1.0),
        *((text, 0.0) for text in ("-1", "-1,5", "nan", "inf", "1e999", "", "x", "1,2,3", ",", "1:30")),
    ],
)
def test_durations_are_read_as_runners_write_them(text: str, seconds: float) -> None:
    assert read_seconds(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-31T12:00:00Z",
        "2026-10-31T12:00:00.000+00:00",
        "2026-10-31T13:00:00+01:00",
        "2026-10-31 12:00:00 UTC",
        "2026-10-31T12:00:00 GMT",
        "2026-10-31T12:00:00.000000000Z",
        "Sat, 31 Oct 2026 12:00:00 GMT",
        "Sat, 31 Oct 2026 13:00:00 +0100",
    ],
)
def test_moments_are_read_in_every_form(text: str) -> None:
    assert read_moment(text) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2026-10-31",
        "2026-10-31T12:00:00",
        "Sat, 31 Oct 2026 12:00:00",
        "UTC",
        "0",
        "x",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_a_moment_that_nobody_knows_is_none(text: str) -> None:
    assert read_moment(text) == 0.0


@given(st.text(max_size=40))
def test_any_text_is_read(text: str) -> None:
    assert read_seconds(text) >= 0.0
    assert read_moment(text) >= 0.0
