"""Turn rows of tokens into bytes that can be compared, cut and put in order."""

import bisect
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import numpy as np
import numpy.typing as npt

from kvcache.errors import InvalidSizeError

WIDTH: Final = 8
"""Bytes of a token. Big-endian, so that the order of texts is that of tokens."""


def bytes_of(tokens: npt.ArrayLike) -> bytes:
    """A row of tokens as bytes.

    Raises:
        InvalidSizeError: not a row of whole numbers.
    """
    if isinstance(
        tokens, list | tuple
    ):  # a third of the time that NumPy takes; in the machine's own order, which is twice as quick
        with suppress(struct.error, OverflowError):
            tokens = np.frombuffer(struct.pack(f"{len(tokens)}q", *tokens), dtype=np.int64)
    row = np.asarray(tokens)
    if row.ndim != 1 or (row.size and row.dtype.kind not in "iu"):
        raise InvalidSizeError("tokens", expected="a row of whole numbers", got=f"{row.dtype} of shape {row.shape}")
    return row.astype(">i8").tobytes()


def tokens_of(text: bytes) -> list[int]:
    """The tokens of a text."""
    answer: list[int] = np.frombuffer(text, ">i8").tolist()
    return answer


def common(one: bytes, other: bytes) -> int:
    """How many tokens two texts begin with together."""
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length // WIDTH
    unlike = np.frombuffer(one, ">i8", length // WIDTH) != np.frombuffer(other, ">i8", length // WIDTH)
    return int(unlike.argmax())


def nearest(order: Sequence[bytes], text: bytes) -> tuple[bytes, int]:
    """Of texts in order, the one with the longest common beginning, and how many tokens that has; those beside `text` have it."""
    at = bisect.bisect_left(order, text)
    best, most = b"", 0
    for known in order[max(at - 1, 0) : at + 1]:
        count = common(known, text)
        if count > most:
            best, most = known, count
    return best, most
