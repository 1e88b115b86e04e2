"""Store float32 numbers in two bytes: float16 by NumPy, bfloat16 by the package `ml_dtypes` where it is installed, else by bits.

bfloat16 is the upper half of a float32, rounded to the nearest, a tie to the even one. NumPy has no such type, so its bits are carried
in uint16; both ways give the same bits.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from kvcache.values import Array

_PIECE: Final = 262_144
"""Numbers that are converted at once: what is made of them stays in the processor's caches, and the calls for it take no time."""


@dataclass(frozen=True, slots=True)
class Float16:
    """Half the bytes, 11 bits of precision, numbers up to 65,504: what is larger becomes infinite."""

    name: str = "float16"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a stored element."""
        return np.dtype(np.float16)

    def width(self, elements: int) -> int:
        """Stored elements of a head."""
        return elements

    def encode(self, floats: Array) -> Array:
        """Of any shape."""
        with np.errstate(over="ignore"):  # infinity is what float16 says to it
            return floats.astype(np.float16)

    def decode(self, stored: Array, out: Array) -> None:
        """The same numbers as float32."""
        np.copyto(out, stored)


@dataclass(frozen=True, slots=True)
class BFloat16:
    """Half the bytes, 8 bits of precision, all the range of float32."""

    name: str = "bfloat16"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a stored element."""
        return np.dtype(np.uint16)

    def width(self, elements: int) -> int:
        """Stored elements of a head."""
        return elements

    def encode(self, floats: Array) -> Array:
        """Of any shape."""
        stored = np.empty(floats.shape, np.uint16)
        if _ADDED is not None:
            with np.errstate(invalid="ignore", over="ignore"):  # NaN stays NaN, and what is too large is infinite
                np.copyto(stored.view(_ADDED), floats, casting="unsafe")
        else:
            round_to_bfloat16(floats, stored)
        return stored

    def decode(self, stored: Array, out: Array) -> None:
        """The same numbers as float32."""
        bits = out.view(np.uint32)
        np.copyto(bits, stored)
        np.left_shift(bits, 16, out=bits)


def round_to_bfloat16(floats: Array, stored: Array) -> None:
    """Put the bits of the nearest bfloat16 of each number into `stored`, of the same shape and contiguous; by NumPy alone."""
    numbers = np.ascontiguousarray(floats, np.float32).reshape(-1)
    bits, target = numbers.view(np.uint32), stored.reshape(-1)
    room, squares = np.empty(min(_PIECE, bits.size), np.uint32), 0.0
    for start in range(0, bits.size, _PIECE):
        piece = bits[start : start + _PIECE]
        rounded = room[: piece.size]
        np.right_shift(piece, 16, out=rounded)
        np.bitwise_and(rounded, 1, out=rounded)
        np.add(rounded, piece, out=rounded)
        np.add(rounded, 0x7FFF, out=rounded)
        np.right_shift(rounded, 16, out=rounded)
        np.copyto(target[start : start + _PIECE], rounded, casting="unsafe")
        with np.errstate(over="ignore", invalid="ignore"):
            squares += float(np.dot(numbers[start : start + _PIECE], numbers[start : start + _PIECE]))
    if math.isnan(squares):  # squares never cancel out, so there is a NaN, and the carry may have run over
        nan = np.isnan(numbers)
        target[nan] = (bits[nan] >> 16).astype(np.uint16) | 0x40


def _added() -> np.dtype[Any] | None:
    """bfloat16 as NumPy sees it, where a package adds it."""
    try:
        added: np.dtype[Any] = np.dtype(importlib.import_module("ml_dtypes").bfloat16)
    except ImportError:
        return None
    return added


_ADDED: Final = _added()
