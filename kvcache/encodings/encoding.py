"""Say what an encoding is, and find one by its name."""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np

from kvcache.encodings.halves import BFloat16, Float16
from kvcache.encodings.scaled import Int4, Int8
from kvcache.errors import DtypeError
from kvcache.values import Array


class Encoding(Protocol):
    """How the float32 numbers of a token and head are stored."""

    @property
    def name(self) -> str:
        """What a layout and files call it."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a stored element."""

    def width(self, elements: int) -> int:
        """Stored elements of `elements` numbers, a head's."""

    def encode(self, floats: Array) -> Array:
        """Make of float32 numbers [..., elements] what is stored, [..., width]."""

    def decode(self, stored: Array, out: Array) -> None:
        """Put the numbers of what is stored into `out`, float32 [..., elements]."""


ENCODINGS: Final[dict[str, Encoding]] = {each.name: each for each in (Float16(), BFloat16(), Int8(), Int4())}
"""By their names."""


def encoding_of(name: object) -> Encoding:
    """The encoding of this name.

    Raises:
        DtypeError: there is none.
    """
    found = ENCODINGS.get(name) if isinstance(name, str) else None
    if found is None:
        raise DtypeError("encoding", expected=f"one of {', '.join(ENCODINGS)}", got=name)
    return found
