"""Hold the values that every floor shares: spans, clocks, eviction reasons, dtypes and checked sums of bytes.

This is the ground floor: it imports nothing of the package, so it raises only built-in errors.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Final, NamedTuple, NoReturn, Self, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

Clock: TypeAlias = Callable[[], float]
"""Tells the time in seconds; only differences matter. `time.monotonic` outside tests."""

Array: TypeAlias = npt.NDArray[Any]

CACHE_LINE: Final = 64
"""Bytes. What a base address, a block and a key or value region are aligned to unless more is asked for."""

MAX_BYTES: Final = 2**63 - 1
"""No size or offset may pass this: beyond it NumPy's own index type wraps around."""

_STORED_AS: Final = {"bfloat16": "uint16"}
"""NumPy has no bfloat16, so its bits are carried in a type of the same width."""

_NUMBERS: Final = frozenset("biufc")
"""Kinds of dtypes: booleans, integers, floats, complex numbers."""


class Unique:
    """Base of what owns bytes, free space or a file: a copy would own the same and go its own way, so there is none."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:  # copy, deepcopy and pickle all come here
        raise TypeError(f"{type(self).__name__} objects cannot be copied or pickled: the copy would go its own way")


class Closing(Unique):
    """Base of what is used in a `with` block and closed at its end."""

    __slots__ = ()

    def close(self) -> None:
        """Let go of what is owned."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EvictionReason(enum.StrEnum):
    """Why a session lost its block.

    `LRU` and `PRESSURE` made room for another session, the latter by any policy but the least recently used. The others were asked for: `evict` and `clear`, `expire`, `close`.
    """

    MANUAL = "manual"
    LRU = "lru"
    TTL = "ttl"
    PRESSURE = "pressure"
    SHUTDOWN = "shutdown"


class Span(NamedTuple):
    """A piece of the arena, `[offset, offset + length)`, in bytes.

    Two spans are equal when they cover the same bytes. `serial` names the allocation a span came from (0: none), is never
    used twice in a process, and so tells a freed span from a later one over the same bytes. A tuple, because an
    allocator makes one per request and nothing else that is frozen is made as quickly.
    """

    offset: int
    length: int
    serial: int = 0

    @property
    def end(self) -> int:
        """The first byte behind the span."""
        return self.offset + self.length

    def overlaps(self, other: Span) -> bool:
        """Whether the two share a byte."""
        return self.offset < other.end and other.offset < self.end

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and self[:2] == other[:2]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:2])

    def __repr__(self) -> str:
        return f"Span(offset={self.offset}, length={self.length})"


def is_power_of_two(number: int) -> bool:
    """Whether `number` is 1, 2, 4, 8 and so on."""
    return number > 0 and number & (number - 1) == 0


def checked_sum(*terms: int) -> int:
    """Add sizes that are not negative.

    Raises:
        OverflowError: the sum is more than `MAX_BYTES`.
    """
    total = sum(terms)
    if total > MAX_BYTES:
        raise OverflowError(f"{' + '.join(map(str, terms))} is more than {MAX_BYTES}")
    return total


def checked_product(*factors: int) -> int:
    """Multiply sizes that are not negative.

    Raises:
        OverflowError: the product is more than `MAX_BYTES`.
    """
    product = 1
    for factor in factors:
        product *= factor
    if product > MAX_BYTES:
        raise OverflowError(f"{' * '.join(map(str, factors))} is more than {MAX_BYTES}")
    return product


def align_up(number: int, alignment: int) -> int:
    """Return the least multiple of `alignment` that is not below `number`, both in bytes.

    Raises:
        ValueError: `number` is negative, or `alignment` is not a power of two.
        OverflowError: the result is more than `MAX_BYTES`.
    """
    if number < 0:
        raise ValueError(f"expected a number of bytes >= 0, got {number}")
    if not is_power_of_two(alignment):
        raise ValueError(f"expected an alignment that is a power of two, got {alignment}")
    return checked_sum(number, -number & (alignment - 1))


def storage_dtype(spec: npt.DTypeLike) -> np.dtype[Any]:
    """Return the NumPy dtype whose bytes carry `spec`; "bfloat16" is carried as uint16.

    Raises:
        TypeError: no such dtype, or its elements are not numbers of a fixed size (objects, texts, times, records, sub-arrays).
    """
    if spec is None:
        raise TypeError("expected a dtype, got None")
    dtype: np.dtype[Any] = np.dtype(_STORED_AS.get(spec, spec) if isinstance(spec, str) else spec)
    # Numbers that another package adds (ml_dtypes) are of kind "V" as records are, but no np.void.
    added = dtype.kind == "V" and not issubclass(dtype.type, np.void)
    if dtype.itemsize == 0 or not (dtype.kind in _NUMBERS or added):
        raise TypeError("its elements are not numbers of a fixed size")
    return dtype


def is_bfloat16(dtype: np.dtype[Any]) -> bool:
    """Whether it is a bfloat16 that another package adds to NumPy, such as `ml_dtypes.bfloat16`."""
    return dtype.name == "bfloat16" and dtype.itemsize == 2
