"""Refuse bad input with a named error before any state is touched."""

import math
import operator
from numbers import Real
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from kvcache.errors import DtypeError, InvalidSessionError, InvalidSizeError, OutOfBoundsError
from kvcache.values import MAX_BYTES, is_power_of_two, storage_dtype


def whole_number(subject: str, number: SupportsIndex, *, minimum: int) -> int:
    """Return `number` as a plain int, so that no later sum can wrap around in a NumPy integer.

    Args:
        subject: what the number is, for the error.
        number: anything that is an integer; a bool is not.
        minimum: the least number allowed.

    Raises:
        InvalidSizeError: not an integer (NaN, 1.5, "8", True), below `minimum`, or above `MAX_BYTES`.
    """
    if isinstance(number, (bool, np.bool_)):  # NumPy 2.0 still takes its own bool for an index
        raise InvalidSizeError(subject, expected="a whole number", got=number)
    try:
        plain = operator.index(number)
    except TypeError:
        raise InvalidSizeError(subject, expected="a whole number", got=number) from None
    if not minimum <= plain <= MAX_BYTES:
        raise InvalidSizeError(subject, expected=f"a whole number from {minimum} to {MAX_BYTES}", got=plain)
    return plain


def byte_range(subject: str, offset: SupportsIndex, length: SupportsIndex, *, capacity: int) -> tuple[int, int]:
    """Return `offset` and `length`, both in bytes, as plain ints that lie inside `[0, capacity]`.

    Raises:
        InvalidSizeError: one of them is not an integer, or `length` is negative.
        OutOfBoundsError: the range leaves the arena at either side.
    """
    if type(offset) is int and type(length) is int and offset >= 0 and 0 <= length <= capacity - offset:
        return offset, length
    plain_length = whole_number(f"{subject}: length", length, minimum=0)
    plain_offset = whole_number(f"{subject}: offset", offset, minimum=-MAX_BYTES)
    if plain_offset < 0 or plain_length > capacity - plain_offset:
        expected = f"a range inside [0, {capacity})"
        raise OutOfBoundsError(subject, expected=expected, got=(plain_offset, plain_offset + plain_length))
    return plain_offset, plain_length


def power_of_two(subject: str, number: SupportsIndex) -> int:
    """Return `number` as a plain int.

    Raises:
        InvalidSizeError: not an integer, or not a power of two.
    """
    plain = whole_number(subject, number, minimum=1)
    if not is_power_of_two(plain):
        raise InvalidSizeError(subject, expected="a power of two", got=plain)
    return plain


def seconds(subject: str, number: object) -> float:
    """Return `number` as a float.

    Raises:
        InvalidSizeError: not a number, NaN or infinite.
    """
    try:
        plain = float(number) if not isinstance(number, bool) and isinstance(number, Real) else math.nan
    except OverflowError:
        plain = math.inf
    if not math.isfinite(plain):
        raise InvalidSizeError(subject, expected="a finite number of seconds", got=number)
    return plain


def dtype_of(subject: str, spec: npt.DTypeLike) -> np.dtype[Any]:
    """Return the dtype in which `spec` is stored.

    Raises:
        DtypeError: no such dtype, or one whose elements are not numbers of a fixed size.
    """
    try:
        return storage_dtype(spec)
    except (TypeError, ValueError) as problem:
        raise DtypeError(subject, expected="a dtype of numbers", got=spec, remedy=str(problem)) from problem


def session_name(session_id: object) -> str:
    """Return `session_id` as exactly a `str`: one of a derived class (`np.str_`, a `StrEnum`) may hash or compare differently.

    Raises:
        InvalidSessionError: not a string, or empty.
    """
    if not isinstance(session_id, str) or not session_id:
        raise InvalidSessionError("session id", expected="a string that is not empty", got=session_id)
    return session_id if type(session_id) is str else str.__str__(session_id)


def index(subject: str, number: SupportsIndex, *, count: int) -> int:
    """Return `number` as a plain int from 0 to `count - 1`.

    Raises:
        InvalidSizeError: not an integer.
        OutOfBoundsError: negative, or `count` and more.
    """
    plain = whole_number(subject, number, minimum=-MAX_BYTES)
    if not 0 <= plain < count:
        raise OutOfBoundsError(subject, expected=f"0 to {count - 1}", got=plain)
    return plain
