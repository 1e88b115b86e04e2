"""Say how a segment of shared memory is laid out, and read and write its words.

    header      magic, version, epoch, slots, bytes of a slot, offset of the blocks, closed, length of the facts; then the facts as JSON
    slots       sequence, tokens, sequences, length of the name, checksum of the last two and the name, first; then the name
    blocks      one for each slot, as the layout has it

`first` is the first token of those layers that do not keep all of them. A segment whose layers have one shape and no windows is one of
version 1, as it always was; any other is one of version 2.

A slot is empty or holds one session. Its sequence is odd while it is being changed, and another one after each change, but for tokens that
are added: those are written first and counted after that, and no token that was counted changes. So a reader that finds the same even
sequence before and after a look has seen what was there, without a lock. A writer that dies in the middle leaves an odd sequence: the slot is
not read until the next writer clears it.
"""

from __future__ import annotations

import json
import threading
import zlib
from dataclasses import astuple, dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np

from kvcache.errors import InvalidSizeError, SharedMemoryError
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.regions import LayerShape
from kvcache.values import Array, align_up

MAGIC: Final = 0x4B56_5348_4152_4544
PLAIN: Final = 1
VERSION: Final = 2
PAGE: Final = 4096
FACTS_AT: Final = 128
SLOT_BYTES: Final = 512
NAME_AT: Final = 64
LONGEST_NAME: Final = SLOT_BYTES - NAME_AT
"""Bytes of a session's id in UTF-8."""

EPOCH, SLOTS, BLOCK, BLOCKS_AT, CLOSED, FACTS = range(2, 8)
"""Words of the header, behind magic and version."""

SEQUENCE, TOKENS, SEQUENCES, NAME_LENGTH, CHECKSUM, FIRST = range(6)
"""Words of a slot."""

_fence = threading.Lock()


def fence() -> None:
    """Let no processor move what comes after this before what came before: taking and giving a lock does it."""
    with _fence:
        pass


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the parts of a segment are.

    Attributes:
        layout: of the sessions.
        slots: how many.
    """

    layout: KVLayout
    slots: int

    @property
    def blocks_at(self) -> int:
        """Where the first block begins, in bytes."""
        return align_up(PAGE + self.slots * SLOT_BYTES, PAGE)

    @property
    def block(self) -> int:
        """Bytes from one block to the next."""
        return align_up(self.layout.block_bytes, PAGE)

    @property
    def size(self) -> int:
        """Bytes of the segment."""
        return self.blocks_at + self.slots * self.block

    def header(self) -> bytes:
        """The bytes of a header whose epoch is 1.

        Raises:
            InvalidSizeError: what the layers are does not fit into it.
        """
        facts = json.dumps(facts_of(self.layout)).encode()
        if len(facts) > PAGE - FACTS_AT:
            raise InvalidSizeError("segment", expected="fewer changes of shape from layer to layer", got=len(facts))
        version = PLAIN if is_plain(self.layout) else VERSION
        words = np.array(
            [MAGIC, version, 1, self.slots, self.block, self.blocks_at, 0, len(facts), zlib.crc32(facts)], "<u8"
        )
        return words.tobytes().ljust(FACTS_AT, b"\0") + facts


def is_plain(layout: KVLayout) -> bool:
    """Whether all layers have one shape, and no window."""
    return not layout.is_mixed and layout.window is None


def facts_of(layout: KVLayout) -> dict[str, Any]:
    """What makes a layout again."""
    names = ("max_context", "alignment", "encoding")
    facts = {name: getattr(layout, name) for name in names} | {"dtype": str(layout.dtype)}
    if is_plain(layout):
        return {name: getattr(layout, name) for name in ("layers", "kv_heads", "head_dim", "value_dim")} | facts
    return {"runs": [[len(list(run)), *astuple(shape)] for shape, run in groupby(layout.shapes)]} | facts


def layout_in(facts: dict[str, Any]) -> KVLayout:
    """The layout of what `facts_of` returned.

    Raises:
        ValueError, TypeError, OverflowError: it is none.
    """
    runs = facts.pop("runs", None)
    if runs is None:
        return KVLayout(**facts)
    shapes = [LayerShape(*shape) for count, *shape in runs for _ in range(min(count, PAGE))]
    return KVLayout.of_layers(shapes, **facts)


def shape_in(content: Array, size: int, place: str) -> Shape:
    """Read a header.

    Raises:
        SharedMemoryError: it is no header of a segment, or its size is another one.
    """

    def refuse(expected: str, got: object) -> SharedMemoryError:
        return SharedMemoryError(place, expected=expected, got=got)

    if size < PAGE:
        raise refuse("a segment of kvcache", f"{size} bytes")
    words = content[:FACTS_AT].view("<u8")
    if int(words[0]) != MAGIC:
        raise refuse("a segment of kvcache", "something else")
    if int(words[1]) not in {PLAIN, VERSION}:
        raise refuse(f"version {PLAIN} or {VERSION}", int(words[1]))
    facts = content[FACTS_AT : FACTS_AT + min(int(words[FACTS]), PAGE - FACTS_AT)].tobytes()
    if zlib.crc32(facts) != int(words[FACTS + 1]):
        raise refuse("a header that is whole", "damaged")
    try:
        shape = Shape(layout_in(json.loads(facts)), int(words[SLOTS]))
        whole = (shape.block, shape.blocks_at) == (int(words[BLOCK]), int(words[BLOCKS_AT]))
    except (ValueError, TypeError, AttributeError, OverflowError) as problem:
        raise refuse("a layout of this version", str(problem)) from problem
    if not whole:
        raise refuse("a header that is whole", "sizes that do not fit its layout")
    if size != shape.size:
        raise refuse(f"{shape.size} bytes", size)
    return shape


class Slot:
    """The words and the block of one slot."""

    __slots__ = ("_name", "block", "words")

    def __init__(self, content: Array, shape: Shape, number: int) -> None:
        start = PAGE + number * SLOT_BYTES
        self.words = content[start : start + NAME_AT].view("<u8")
        self._name = content[start + NAME_AT : start + SLOT_BYTES]
        first = shape.blocks_at + number * shape.block
        self.block = content[first : first + shape.layout.block_bytes]

    def name(self) -> str | None:
        """The session's id; None where the slot is empty, or its checksum is another one."""
        length = int(self.words[NAME_LENGTH])
        if not 0 < length <= LONGEST_NAME:
            return None
        name = self._name[:length].tobytes()
        if self._checksum(length, name) != int(self.words[CHECKSUM]):
            return None
        return name.decode("utf-8", "replace")

    def put(self, name: str, sequences: int, first: int = 0) -> None:
        """Say whose the slot is; an empty name empties it. The sequence must be odd."""
        content = name.encode()
        self.words[TOKENS] = 0
        self._name[: len(content)] = np.frombuffer(content, np.uint8)
        self.words[NAME_LENGTH], self.words[SEQUENCES], self.words[FIRST] = len(content), sequences, first
        self.words[CHECKSUM] = self._checksum(len(content), content)

    def firsts(self, layout: KVLayout) -> list[int]:
        """The first token that is there, for each group of layers."""
        first = int(self.words[FIRST])
        return [0 if group.window is None else first for group in layout.groups]

    def _checksum(self, length: int, name: bytes) -> int:
        sequences, first = int(self.words[SEQUENCES]), int(self.words[FIRST])
        numbers = b"%d %d" % (length, sequences) + (b" %d" % first if first else b"")
        return zlib.crc32(name, zlib.crc32(numbers))
