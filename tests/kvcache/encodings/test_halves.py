"""Numbers in two bytes are the nearest that there are, by NumPy alone as by the package."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvcache.encodings import halves
from kvcache.encodings.halves import BFloat16, Float16, round_to_bfloat16

ANY_BITS = st.integers(0, 2**32 - 1)


def as_floats(bits: list[int]) -> np.ndarray[Any, Any]:
    return np.array(bits, np.uint32).view(np.float32)


def nearest(bits: int) -> int:
    """By whole numbers: the upper half, and one more where the lower half is more than a half, or is one and the upper is odd."""
    upper, lower = bits >> 16, bits & 0xFFFF
    return upper + (lower > 0x8000 or (lower == 0x8000 and upper % 2 == 1))


@given(st.lists(ANY_BITS, min_size=1, max_size=40))
@settings(max_examples=60)
def test_bfloat16_is_the_nearest_one_and_nan_stays_nan(bits: list[int]) -> None:
    floats, stored = as_floats(bits), np.empty(len(bits), np.uint16)
    round_to_bfloat16(floats, stored)
    for number, before, after in zip(floats.tolist(), bits, stored.tolist(), strict=True):
        if math.isnan(number):
            assert after & 0x7FFF > 0x7F80
        else:
            assert after == nearest(before)


def test_the_package_and_numpy_alone_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ml_dtypes", reason="the extra `bfloat16` is not installed")
    floats = np.random.default_rng(0).integers(0, 2**32, (3, 50_000), dtype=np.uint32).view(np.float32)
    floats = floats[:, ::2]
    by_package = BFloat16().encode(floats)
    monkeypatch.setattr(halves, "_ADDED", None)
    alone = BFloat16().encode(floats)
    np.testing.assert_array_equal(np.isnan(floats), alone & 0x7FFF > 0x7F80)
    np.testing.assert_array_equal(by_package[~np.isnan(floats)], alone[~np.isnan(floats)])


@pytest.mark.parametrize("size", [pytest.param(n, id=f"{n}-numbers") for n in (0, 1, 262_144, 262_145, 600_000)])
def test_long_arrays_are_converted_in_pieces(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_ADDED", None)
    floats = np.random.default_rng(size).standard_normal((size, 2), np.float32)[:, 0]
    out = np.empty(size, np.float32)
    BFloat16().decode(BFloat16().encode(floats), out)
    assert np.all(np.abs(out - floats) <= np.abs(floats) * 2.0**-8)


def test_float16_keeps_eleven_bits_and_says_infinity_to_the_rest() -> None:
    floats = np.array([0.1, -65504.0, 1e6, -1e6, np.nan], np.float32)
    out = np.empty(5, np.float32)
    Float16().decode(Float16().encode(floats), out)
    assert abs(out[0] - 0.1) < 2.0**-11
    np.testing.assert_array_equal(out[1:], [-65504.0, np.inf, -np.inf, np.nan])
