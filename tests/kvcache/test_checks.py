import math

import numpy as np
import pytest

from kvcache import checks
from kvcache.errors import DtypeError, InvalidSessionError, InvalidSizeError, OutOfBoundsError
from kvcache.values import MAX_BYTES

NOT_WHOLE_NUMBERS = [
    pytest.param(math.nan, id="nan"),
    pytest.param(1.0, id="float"),
    pytest.param("8", id="text"),
    pytest.param(None, id="none"),
    pytest.param(True, id="bool"),
    pytest.param(np.bool_(1), id="numpy-bool"),
    pytest.param(np.float32(8), id="numpy-float"),
]


@pytest.mark.parametrize("number", NOT_WHOLE_NUMBERS)
def test_what_is_not_a_whole_number_is_refused(number: object) -> None:
    with pytest.raises(InvalidSizeError) as caught:
        checks.whole_number("size", number, minimum=0)  # type: ignore[arg-type]
    assert caught.value.got is number


@pytest.mark.parametrize("number", [pytest.param(0, id="below"), pytest.param(MAX_BYTES + 1, id="above")])
def test_a_number_outside_of_its_range_is_refused(number: int) -> None:
    with pytest.raises(InvalidSizeError, match="size: expected a whole number from 1"):
        checks.whole_number("size", number, minimum=1)


def test_a_numpy_integer_becomes_a_plain_one_that_cannot_wrap() -> None:
    number = checks.whole_number("size", np.int8(127), minimum=0)
    assert type(number) is int
    assert number + 1 == 128


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        pytest.param(-1, 1, id="before"),
        pytest.param(64, 1, id="behind"),
        pytest.param(0, 65, id="too-long"),
        pytest.param(65, 0, id="nothing-but-outside"),
        pytest.param(1, MAX_BYTES, id="a-sum-that-would-wrap"),
    ],
)
def test_a_range_that_leaves_the_arena_is_refused(offset: int, length: int) -> None:
    with pytest.raises(OutOfBoundsError) as caught:
        checks.byte_range("view", offset, length, capacity=64)
    assert caught.value.got == (offset, offset + length)


def test_an_empty_range_at_the_end_is_inside() -> None:
    assert checks.byte_range("view", 64, 0, capacity=64) == (64, 0)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(math.nan, id="nan"),
        pytest.param(math.inf, id="infinite"),
        pytest.param(10**400, id="too-large-for-a-float"),
        pytest.param("1", id="text"),
        pytest.param(False, id="bool"),
    ],
)
def test_seconds_are_finite_numbers(number: object) -> None:
    with pytest.raises(InvalidSizeError, match="a finite number of seconds"):
        checks.seconds("now", number)


def test_seconds_may_come_from_numpy() -> None:
    assert checks.seconds("now", np.float32(1.5)) == 1.5


def test_a_dtype_error_names_what_came() -> None:
    with pytest.raises(DtypeError, match="float33") as caught:
        checks.dtype_of("view", "float33")
    assert caught.value.got == "float33"


@pytest.mark.parametrize(
    "name", [pytest.param("", id="empty"), pytest.param(7, id="number"), pytest.param([], id="list")]
)
def test_a_session_id_is_a_text_that_is_not_empty(name: object) -> None:
    with pytest.raises(InvalidSessionError):
        checks.session_name(name)
