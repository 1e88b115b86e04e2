"""Store float32 numbers as whole numbers of 8 or 4 bits, with a scale for each token and head, and the error that this makes.

head    [ codes | scale | error ]     codes: a byte each, or two in a byte; scale and error: a bfloat16 each, rounded up

The number is `code * scale`. The scale is chosen so that the largest number of the token and head has the largest code; it is rounded up,
so that no code runs over. The error is the root of the mean square of what was lost in the token and head.
A token and head with a number that is not finite has no scale: it comes back as NaN, with an infinite error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from kvcache.values import Array

TAIL: Final = 4
"""Bytes of scale and error."""

_NAN: Final = 0x7FC0
_INFINITE: Final = 0x7F80


@dataclass(frozen=True, slots=True)
class Int8:
    """A quarter of the bytes, and 4 for each token and head; codes from -127 to 127."""

    name: str = "int8"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a stored element."""
        return np.dtype(np.uint8)

    def width(self, elements: int) -> int:
        """Stored elements of a head."""
        return elements + TAIL

    def encode(self, floats: Array) -> Array:
        """Shape [..., elements] becomes [..., width]."""
        stored = np.empty((*floats.shape[:-1], self.width(floats.shape[-1])), np.uint8)
        codes, tail = _encode(floats, 127)
        stored[..., :-TAIL] = codes.view(np.uint8)
        stored[..., -TAIL:] = tail
        return stored

    def decode(self, stored: Array, out: Array) -> None:
        """Numbers that are near those that were encoded."""
        np.copyto(out, self.codes(stored))
        np.multiply(out, scales_of(stored)[..., np.newaxis], out=out)

    def codes(self, stored: Array) -> Array:
        """The whole numbers, int8, without a copy."""
        return stored[..., :-TAIL].view(np.int8)


@dataclass(frozen=True, slots=True)
class Int4:
    """An eighth of the bytes, and 4 for each token and head; codes from -7 to 7, stored 8 higher, the first of two in the lower bits."""

    name: str = "int4"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a stored element."""
        return np.dtype(np.uint8)

    def width(self, elements: int) -> int:
        """Stored elements of a head."""
        return -(-elements // 2) + TAIL

    def encode(self, floats: Array) -> Array:
        """Shape [..., elements] becomes [..., width]."""
        stored = np.empty((*floats.shape[:-1], self.width(floats.shape[-1])), np.uint8)
        codes, tail = _encode(floats, 7)
        lifted = (codes + np.int8(8)).view(np.uint8)
        packed = stored[..., :-TAIL]
        packed[...] = lifted[..., 0::2]
        packed[..., : floats.shape[-1] // 2] |= lifted[..., 1::2] << np.uint8(4)
        stored[..., -TAIL:] = tail
        return stored

    def decode(self, stored: Array, out: Array) -> None:
        """Numbers that are near those that were encoded."""
        elements, packed = out.shape[-1], self.codes(stored)
        if elements % 2 == 0 and out.strides[-1] == out.itemsize:
            # Both numbers of a byte at once, as eight bytes of a table.
            np.take(_PAIRS, packed, out=out.view(np.float64), mode="clip")  # any other mode makes a copy first
        else:
            out[..., 0::2] = _PAIRS.view(np.float32)[0::2][packed]
            out[..., 1::2] = _PAIRS.view(np.float32)[1::2][packed][..., : elements // 2]
        np.multiply(out, scales_of(stored)[..., np.newaxis], out=out)

    def codes(self, stored: Array) -> Array:
        """The bytes of two whole numbers each, uint8, without a copy."""
        return stored[..., :-TAIL]


def scales_of(stored: Array) -> Array:
    """The scale of each token and head, float32; a copy."""
    return _widened(stored[..., -TAIL:-2])


def errors_of(stored: Array) -> Array:
    """The error of each token and head, float32; a copy."""
    return _widened(stored[..., -2:])


def _encode(floats: Array, largest: int) -> tuple[Array, Array]:
    """Codes, and the bytes of scales and errors."""
    with np.errstate(all="ignore"):  # what is not finite is looked for below
        numbers = floats.astype(np.float32, copy=False)
        peaks = np.maximum(numbers.max(-1), -numbers.min(-1))
        scale_bits = _rounded_up(peaks / np.float32(largest))
        scales = (scale_bits.astype(np.uint32) << 16).view(np.float32)[..., np.newaxis]
        step = np.where(scales > 0, scales, np.float32(1))
        steps = numbers / step
        whole = np.rint(steps)
        codes = whole.astype(np.int8)
        steps -= whole
        # In steps, so that no square runs over.
        errors = np.sqrt(np.einsum("...i,...i->...", steps, steps) / np.float32(numbers.shape[-1])) * step[..., 0]
        error_bits = _rounded_up(errors)
        lost = ~np.isfinite(peaks)
        if lost.any():
            codes[lost], scale_bits[lost], error_bits[lost] = 0, _NAN, _INFINITE
    tail = np.stack([scale_bits, error_bits], axis=-1).astype("<u2").view(np.uint8)
    return codes, tail


def _rounded_up(numbers: Array) -> Array:
    """The bits of the least bfloat16 that is not below, of numbers that are not; what is off by the last bits only is none above."""
    bits = np.ascontiguousarray(numbers).view(np.uint32)
    return ((bits + np.uint32(0xFFFD)) >> 16).astype(np.uint16)


def _widened(two_bytes: Array) -> Array:
    """float32 of the bytes of bfloat16."""
    bits = np.ascontiguousarray(two_bytes).view("<u2")[..., 0]
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _pairs() -> Array:
    byte = np.arange(256)
    both = np.stack([byte & 15, byte >> 4], axis=-1).astype(np.float32) - 8
    return np.ascontiguousarray(both).view(np.float64)[:, 0]


_PAIRS: Final = _pairs()
"""The two numbers of each byte, as float32 beside each other."""
