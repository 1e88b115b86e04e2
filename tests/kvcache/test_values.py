import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache.values import MAX_BYTES, Span, align_up, checked_product, checked_sum, is_power_of_two, storage_dtype


@pytest.mark.parametrize(
    ("number", "alignment", "expected"),
    [
        pytest.param(0, 64, 0, id="zero-stays"),
        pytest.param(1, 64, 64, id="one-goes-up"),
        pytest.param(64, 64, 64, id="a-multiple-stays"),
        pytest.param(65, 64, 128, id="one-above-goes-up"),
        pytest.param(7, 1, 7, id="alignment-one-changes-nothing"),
        pytest.param(MAX_BYTES - 63, 64, MAX_BYTES - 63, id="the-largest-multiple-stays"),
    ],
)
def test_align_up_returns_the_least_multiple_that_is_not_below(number: int, alignment: int, expected: int) -> None:
    assert align_up(number, alignment) == expected


@given(st.integers(0, 2**40), st.integers(0, 30))
def test_align_up_adds_less_than_one_alignment(number: int, exponent: int) -> None:
    aligned = align_up(number, 1 << exponent)
    assert aligned % (1 << exponent) == 0
    assert 0 <= aligned - number < 1 << exponent


def test_align_up_refuses_a_result_that_cannot_be_addressed() -> None:
    with pytest.raises(OverflowError, match="more than"):
        align_up(MAX_BYTES, 64)


@pytest.mark.parametrize("alignment", [pytest.param(n, id=f"alignment-{n}") for n in (0, -64, 3, 96)])
def test_align_up_refuses_an_alignment_that_is_no_power_of_two(alignment: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        align_up(10, alignment)


def test_align_up_refuses_a_negative_number() -> None:
    with pytest.raises(ValueError, match=">= 0"):
        align_up(-1, 64)


def test_checked_arithmetic_reaches_the_limit_and_not_past_it() -> None:
    assert checked_sum(MAX_BYTES - 1, 1) == MAX_BYTES
    assert checked_product(2**31, 2**31) == 2**62
    with pytest.raises(OverflowError, match=r"1 \+ "):
        checked_sum(1, MAX_BYTES)
    with pytest.raises(OverflowError, match=r" \* 2 is"):
        checked_product(2**62, 2)


def test_powers_of_two_are_told_from_other_numbers() -> None:
    assert [n for n in range(-2, 17) if is_power_of_two(n)] == [1, 2, 4, 8, 16]


def test_a_span_is_equal_by_the_bytes_it_covers_whatever_its_serial() -> None:
    assert Span(0, 64, serial=1) == Span(0, 64, serial=2)
    assert Span(0, 64) != Span(0, 65)


def test_a_span_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Span(0, 64).offset = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(Span(0, 10), False, id="touching-before"),
        pytest.param(Span(20, 5), False, id="touching-behind"),
        pytest.param(Span(19, 1), True, id="the-last-byte"),
        pytest.param(Span(5, 30), True, id="around"),
    ],
)
def test_spans_overlap_only_where_they_share_a_byte(other: Span, expected: bool) -> None:
    span = Span(10, 10)
    assert span.end == 20
    assert span.overlaps(other) is expected
    assert other.overlaps(span) is expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param("float32", np.dtype(np.float32), id="by-name"),
        pytest.param(np.float16, np.dtype(np.float16), id="by-type"),
        pytest.param(np.dtype(np.int8), np.dtype(np.int8), id="by-dtype"),
        pytest.param("bfloat16", np.dtype(np.uint16), id="bfloat16-as-uint16"),
    ],
)
def test_a_dtype_is_found(spec: npt.DTypeLike, expected: np.dtype[np.generic]) -> None:
    assert storage_dtype(spec) == expected


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(object, id="objects"),
        pytest.param("U", id="flexible-string"),
        pytest.param("float33", id="no-such-name"),
        pytest.param(None, id="none-is-not-float64"),
    ],
)
def test_a_dtype_that_is_not_plain_bytes_is_refused(spec: npt.DTypeLike) -> None:
    with pytest.raises(TypeError):
        storage_dtype(spec)
