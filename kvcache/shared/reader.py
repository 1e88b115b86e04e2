"""Read sessions from shared memory, from any number of processes; a reader can change nothing, and never waits."""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, SupportsIndex

import numpy as np

from kvcache import checks
from kvcache.encodings.reading import numbers_of
from kvcache.errors import ClosedError, StaleEntryError
from kvcache.sessions.layout import KVLayout
from kvcache.shared.locking import is_locked
from kvcache.shared.segment import CLOSED, EPOCH, SEQUENCE, TOKENS, Slot, fence, shape_in
from kvcache.values import Array, Closing, Unique


class SharedReader(Closing):
    """Looks at the sessions of a `SharedWriter`, which may be alive or not.

    Args:
        path: the segment's file.

    Raises:
        SharedMemoryError: it is no segment.
        OSError: it is not there, or cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._content: Array | None = None
        self._slots: list[Slot] = []
        self._map_it()

    @property
    def layout(self) -> KVLayout:
        """Of the sessions."""
        return self._shape.layout

    @property
    def epoch(self) -> int:
        """How many writers the segment has had."""
        return int(self._words[EPOCH])

    def writer_is_alive(self) -> bool:
        """Whether a writer is open that may still publish sessions here."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return is_locked(file)
        finally:
            os.close(file)

    def sessions(self) -> tuple[str, ...]:
        """The ids of the sessions that can be read now."""
        self._follow()
        found = ((slot.name(), slot.words[SEQUENCE]) for slot in self._slots)
        return tuple(name for name, sequence in found if name is not None and not sequence & 1)

    def session(self, session: str) -> SharedSession | None:
        """Look at a session; None where it is not shared, or is being changed just now.

        Raises:
            ClosedError: the reader is closed.
        """
        self._follow()
        for slot in self._slots:
            sequence = int(slot.words[SEQUENCE])
            if sequence & 1:
                continue
            fence()
            if slot.name() != session:
                continue
            tokens, firsts = int(slot.words[TOKENS]), slot.firsts(self.layout)
            fence()
            if int(slot.words[SEQUENCE]) == sequence and max(firsts) <= tokens <= self.layout.max_context:
                return SharedSession(session, self.layout, slot, sequence, tokens, firsts)
        return None

    def close(self) -> None:
        """Let go of the segment. Views that are still held keep it mapped."""
        self._content, self._slots = None, []

    def _map_it(self) -> None:
        with self._path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = np.frombuffer(os.pread(file.fileno(), 4096, 0), np.uint8)
            self._shape = shape_in(head, size, str(self._path))
            self._content = np.frombuffer(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ), np.uint8)
        self._words = self._content[:128].view("<u8")
        self._slots = [Slot(self._content, self._shape, number) for number in range(self._shape.slots)]

    def _follow(self) -> None:
        """Go on with the segment that is in the place of this one, if there is one."""
        if self._content is None:
            raise ClosedError("shared reader", expected="an open one", got="closed")
        if self._words[CLOSED] and self._path.exists():
            self._map_it()


class SharedSession(Unique):
    """A session in shared memory, as it was when it was asked for.

    What a view shows is right as long as `check` does not complain: look, compute, and check. `with session:` checks at the end.
    """

    def __init__(
        self, name: str, layout: KVLayout, slot: Slot, sequence: int, tokens: int, firsts: Sequence[int]
    ) -> None:
        self._name = name
        self._layout = layout
        self._slot = slot
        self._sequence = sequence
        self._tokens = tokens
        self._firsts = firsts
        self._rows: tuple[list[Array], list[Array]] | None = None  # keys and values of each layer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.check()

    def __len__(self) -> int:
        return self._tokens

    def __bool__(self) -> bool:
        """True, without tokens too."""
        return True

    @property
    def session_id(self) -> str:
        """Whose tokens they are."""
        return self._name

    @property
    def is_valid(self) -> bool:
        """Whether the slot is still as it was, but for tokens that were added."""
        fence()
        return int(self._slot.words[SEQUENCE]) == self._sequence

    def check(self) -> None:
        """Prove that what was seen so far was right.

        Raises:
            StaleEntryError: the writer has put something else there since.
        """
        if not self.is_valid:
            remedy = "get it again from the reader"
            raise StaleEntryError(f"shared session {self._name!r}", expected="as it was", got="changed", remedy=remedy)

    def keys(self, layer: SupportsIndex) -> Array:
        """Look at the keys of a layer, without a copy.

        Returns:
            Shape [kv_heads, tokens, width as stored], read-only.

        Raises:
            OutOfBoundsError: no such layer.
        """
        return self._look(0, layer)

    def values(self, layer: SupportsIndex) -> Array:
        """The same for the values."""
        return self._look(1, layer)

    def floats(self, layer: SupportsIndex, out: tuple[Array, Array] | None = None) -> tuple[Array, Array]:
        """The keys and values of a layer as float32 numbers, see `KVCacheEntry.floats`."""
        layout = self._layout
        at = checks.index("layer", layer, count=layout.layers)
        return numbers_of((self.keys(at), self.values(at)), layout.coder, layout.shapes[at].widths, out)

    def first_token(self, layer: SupportsIndex) -> int:
        """The first token that `keys` and `values` of a layer show; those before it were in front of the layer's window.

        Raises:
            OutOfBoundsError: no such layer.
        """
        return self._firsts[self._layout.places[checks.index("layer", layer, count=self._layout.layers)][0]]

    def _look(self, side: int, layer: SupportsIndex) -> Array:
        layout, block = self._layout, self._slot.block
        at = checks.index("layer", layer, count=layout.layers)
        if self._rows is None:
            self._rows = layout.by_layer([region.of(block, layout.dtype) for region in layout.regions])
        return self._rows[side][at][:, self._firsts[layout.places[at][0]] : self._tokens]
