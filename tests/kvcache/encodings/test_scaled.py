"""Whole numbers with scales are near what was written, and the recorded error says how near."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kvcache.encodings.scaled import Int4, Int8, errors_of, scales_of

CODERS = [pytest.param(Int8(), 127, id="int8"), pytest.param(Int4(), 7, id="int4")]
Floats = np.ndarray[Any, Any]


def decoded(coder: Int8 | Int4, stored: Floats, elements: int) -> Floats:
    out = np.empty((*stored.shape[:-1], elements), np.float32)
    coder.decode(stored, out)
    return out


@pytest.mark.parametrize(("coder", "largest"), CODERS)
@given(
    floats=arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(0, 4), st.integers(1, 9)),
        elements=st.floats(-(2.0**99), 2.0**99, width=32),
    )
)
@example(floats=np.array([[[2.040125e06]]], np.float32))
@settings(max_examples=60)
def test_what_comes_back_is_within_half_a_step_and_the_error_is_recorded(
    coder: Int8 | Int4, largest: int, floats: Floats
) -> None:
    stored = coder.encode(floats)
    elements = floats.shape[-1]
    assert stored.shape == (*floats.shape[:-1], coder.width(elements))
    back, scales = decoded(coder, stored, elements), scales_of(stored)
    lost = np.abs(back.astype(np.float64) - floats)
    assert np.all(lost <= np.maximum(scales[..., np.newaxis] * 0.5001, np.finfo(np.float32).tiny))
    # The scale is no larger than it must be, but for the rounding of a bfloat16.
    assert np.all(scales <= np.abs(floats).max(-1, initial=0) / largest * (1 + 2.0**-6) + 1e-37)
    measured = np.sqrt((lost**2).mean(-1))
    recorded = errors_of(stored)
    rounding = largest * 2.0**-23 * scales  # the error is a difference of two numbers of this size, taken in float32
    assert np.all(measured <= recorded * (1 + 1e-5) + rounding + 1e-37)
    assert np.all(recorded <= measured * (1 + 2.0**-6) + rounding + 1e-37)


@pytest.mark.parametrize(("coder", "largest"), CODERS)
@pytest.mark.parametrize("odd", [pytest.param(x, id=str(x)) for x in (np.nan, np.inf, -np.inf)])
def test_a_head_that_is_not_finite_comes_back_as_nan_and_harms_no_other(
    coder: Int8 | Int4, largest: int, odd: float
) -> None:
    floats = np.ones((2, 3, 4), np.float32)
    floats[1, 2, 0] = odd
    stored = coder.encode(floats)
    back = decoded(coder, stored, 4)
    assert np.all(np.isnan(back[1, 2]))
    assert np.isinf(errors_of(stored)[1, 2])
    back[1, 2] = 1
    np.testing.assert_allclose(back, 1, rtol=2.0**-6)


@pytest.mark.parametrize(("coder", "largest"), CODERS)
def test_zeros_stay_zeros(coder: Int8 | Int4, largest: int) -> None:
    stored = coder.encode(np.zeros((2, 3, 5), np.float32))
    assert not decoded(coder, stored, 5).any()
    assert not scales_of(stored).any()
    assert not errors_of(stored).any()


@pytest.mark.parametrize("elements", [pytest.param(n, id=f"{n}-wide") for n in (1, 2, 7, 64)])
def test_int4_puts_two_numbers_in_a_byte(elements: int) -> None:
    coder = Int4()
    floats = np.random.default_rng(elements).integers(-7, 8, (2, 3, elements)).astype(np.float32)
    floats[..., 0] = 7  # so that the scale is about one
    stored = coder.encode(floats)
    assert coder.width(elements) == (elements + 1) // 2 + 4
    codes = coder.codes(stored)
    assert np.shares_memory(codes, stored)
    np.testing.assert_array_equal((codes & 15).astype(int) - 8, floats[..., 0::2])
    np.testing.assert_array_equal((codes[..., : elements // 2] >> 4).astype(int) - 8, floats[..., 1::2])
    into_wider_rows = np.zeros((2, 3, 2 * elements), np.float32)
    coder.decode(stored, into_wider_rows[..., ::2])
    np.testing.assert_array_equal(into_wider_rows[..., ::2], decoded(coder, stored, elements))


def test_int8_codes_are_a_view() -> None:
    coder = Int8()
    stored = coder.encode(np.array([[[1.0, -1.0, 0.5]]], np.float32))
    codes = coder.codes(stored)
    assert np.shares_memory(codes, stored)
    np.testing.assert_array_equal(codes, [[[126, -126, 63]]])  # the scale was rounded up


@pytest.mark.parametrize(("coder", "largest"), CODERS)
def test_what_was_decoded_is_encoded_to_the_same_where_the_largest_code_is_used(
    coder: Int8 | Int4, largest: int
) -> None:
    scales = (np.arange(0x3F00, 0x4000, dtype=np.uint32) << 16).view(np.float32)  # every bfloat16 from a half to two
    floats = scales[:, np.newaxis] * np.arange(-largest, largest + 1, dtype=np.float32)
    stored = coder.encode(floats)
    np.testing.assert_array_equal(decoded(coder, stored, floats.shape[1]), floats)
    assert not errors_of(stored).any()
