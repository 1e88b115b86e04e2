"""Say how sessions lie in a file: plan it, write its header, and read that again.

The file is one of safetensors (https://github.com/huggingface/safetensors); any reader of that format can look at it:

    8 bytes, little-endian    length of the header
    header                    JSON: the tensors, and under `__metadata__` what the sessions were; then spaces up to a page
    data                      for each session SESSION/keys and SESSION/values; kvcache/checksums; kvcache/seal

    keys, values   [ row | row | ... ]     one for each layer and head, of shape [layers, kv_heads, places, width]
    row            [ page | page | ... ]   tokens, then zeros up to a whole page: so each page holds tokens of one head of one layer

Where layers differ in shape, each group of equal ones has its own: SESSION/keys.0, SESSION/values.0, SESSION/keys.1 and so on. Rows of
layers that do not keep all tokens begin with the first that they have, or a few places before it, so that it has the same place in its
page as in memory. Both make the file one of version 3; any other is one of version 2, as it always was.

    checksums      CRC-32 of each page of keys and values, in their order
    seal           BLAKE2b of the header, and BLAKE2b of the checksums

Zeros behind the tokens are holes of the file and take no room. Rows begin at pages of the system, so they can be mapped one by one.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from kvcache.values import Array, checked_product, checked_sum

PLAIN: Final = "2"
VERSION: Final = "3"
"""Versions: of layers that have one shape and all tokens, and of any others."""

SMALLEST_PAGE: Final = 4096
LARGEST_PAGE: Final = 65536
LONGEST_HEADER: Final = 100_000_000
"""Bytes; as safetensors has it."""

SEAL: Final = 32
"""Bytes of both digests."""

DTYPES: Final = {"float16": "F16", "float32": "F32", "float64": "F64", "int8": "I8", "uint8": "U8", "uint16": "BF16"}
"""Names in the format. uint16 is what bfloat16 is carried in; uint8 is also what int8 and int4 with scales are stored in."""


@dataclass(frozen=True, slots=True)
class Side:
    """The keys, or the values, of a group of layers of a session in a file.

    Attributes:
        name: "keys" or "values"; where there are several groups, with the number of the group.
        offset: of the first row, in bytes from the start of the data.
        shape: layers, kv_heads, places for tokens, width.
        item: bytes of an element.
        first_page: its first checksum.
        begin: the token in the first place of a row.
        first: the first token that is there; what is before it are zeros.
        layers: which ones.
    """

    name: str
    offset: int
    shape: tuple[int, int, int, int]
    item: int
    first_page: int
    begin: int
    first: int
    layers: Sequence[int]

    @property
    def rows(self) -> int:
        """One for each layer and head."""
        return self.shape[0] * self.shape[1]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, zeros included."""
        return self.shape[2] * self.shape[3] * self.item

    @property
    def length(self) -> int:
        """Bytes of all rows."""
        return self.rows * self.row_bytes

    @property
    def token_bytes(self) -> int:
        """Bytes of a token in a row."""
        return self.shape[3] * self.item


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What layers of one shape kept.

    Attributes:
        layers: which ones.
        heads: of each, of all its sequences together.
        widths: elements of a head as stored, of keys and of values.
        dims: numbers of a head, of keys and of values.
        first: the first token that is there; those before it were in front of a window.
    """

    layers: Sequence[int]
    heads: int
    widths: tuple[int, int]
    dims: tuple[int, int]
    first: int = 0

    @property
    def row(self) -> list[Any]:
        """The same as JSON has it, see `group_facts`."""
        return [list(self.layers), self.heads, self.widths, self.dims, self.first]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a session was.

    Attributes:
        session: its id.
        tokens: how many.
        groups: of layers of one shape, in the order of a layout's.
        dtype: of an element as stored.
        encoding: of numbers; None: stored as they came.
    """

    session: str
    tokens: int
    groups: tuple[GroupFacts, ...]
    dtype: str
    encoding: str | None

    @property
    def layers(self) -> int:
        """How many."""
        return sum(len(group.layers) for group in self.groups)

    @property
    def is_plain(self) -> bool:
        """Whether all layers have one shape and all tokens."""
        return len(self.groups) == 1 and not self.groups[0].first


@dataclass(frozen=True, slots=True)
class Stored:
    """A session in a file: what it was, and where its keys and values lie: those of the first group, then those of the next."""

    facts: Facts
    sides: tuple[Side, ...]

    def side_of(self, which: int, layer: int) -> tuple[Side, int]:
        """Where the keys (0) or the values (1) of a layer lie, and which of the side's layers it is."""
        for side in self.sides[which::2]:
            if layer in side.layers:
                return side, side.layers.index(layer)
        raise IndexError(layer)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything lies in a file.

    Attributes:
        page: bytes that share a checksum.
        sessions: by their ids.
        checksums: offset of the table, in bytes from the start of the data.
        pages: how many checksums there are.
    """

    page: int
    sessions: dict[str, Stored]
    checksums: int
    pages: int

    @property
    def data_bytes(self) -> int:
        """Of all tensors."""
        return self.checksums + 4 * self.pages + SEAL


def plan(sessions: Iterable[Facts], page: int | None = None) -> Plan:
    """Give every session its place.

    Raises:
        OverflowError: they are larger than a file can be.
    """
    facts = list(sessions)
    if page is None:
        page = min((_page_of(each) for each in facts), default=SMALLEST_PAGE)
    offset, pages, places = 0, 0, dict[str, Stored]()
    for each in facts:
        sides, item = list[Side](), np.dtype(each.dtype).itemsize
        for number, group in enumerate(each.groups):
            suffix = f".{number}" if len(each.groups) > 1 else ""
            for name, width in zip(("keys", "values"), group.widths, strict=True):
                step = _step(width * item, SMALLEST_PAGE)
                begin = group.first // step * step
                shape = len(group.layers), group.heads, _rounded(each.tokens - begin, width * item, page), width
                side = Side(f"{name}{suffix}", offset, shape, item, pages, begin, group.first, group.layers)
                offset = checked_sum(offset, checked_product(side.rows, side.row_bytes))
                pages = offset // page
                sides.append(side)
        places[each.session] = Stored(each, tuple(sides))
    return Plan(page, places, offset, pages)


def _page_of(facts: Facts) -> int:
    """A sixteenth of a row, so that few tokens share a checksum, within what the checksums cost."""
    width = max(max(group.widths) for group in facts.groups) * np.dtype(facts.dtype).itemsize
    page = LARGEST_PAGE
    while page > SMALLEST_PAGE and 16 * _rounded(1, width, page) > facts.tokens:
        page //= 2
    return page


def _step(width: int, page: int) -> int:
    """The least number of tokens that take whole pages."""
    return page // math.gcd(page, width)


def _rounded(tokens: int, width: int, page: int) -> int:
    """The least number of tokens, not below `tokens`, that take whole pages."""
    step = _step(width, page)
    return -(-tokens // step) * step


def header_of(plan: Plan) -> bytes:
    """The length and the header of a file, up to the data."""
    tensors: dict[str, Any] = {}
    for name, each in plan.sessions.items():
        for side in each.sides:
            dtype = DTYPES[each.facts.dtype]
            where = [side.offset, side.offset + side.length]
            tensors[f"{name}/{side.name}"] = {"dtype": dtype, "shape": side.shape, "data_offsets": where}
    table, seal = plan.checksums, plan.checksums + 4 * plan.pages
    tensors["kvcache/checksums"] = {"dtype": "U32", "shape": [plan.pages], "data_offsets": [table, seal]}
    tensors["kvcache/seal"] = {"dtype": "U8", "shape": [SEAL], "data_offsets": [seal, seal + SEAL]}
    stored = [each.facts for each in plan.sessions.values()]
    version = PLAIN if all(each.is_plain for each in stored) else VERSION
    facts = [(_plain_row if version == PLAIN else _row)(each) for each in stored]
    known = {"version": version, "page": str(plan.page), "sessions": json.dumps(facts)}
    metadata = {f"kvcache.{name}": text for name, text in known.items()}
    header = json.dumps({"__metadata__": metadata, **tensors}).encode()
    header += b" " * (-(8 + len(header)) % SMALLEST_PAGE)
    return len(header).to_bytes(8, "little") + header


def plan_in(header: bytes) -> Plan:
    """Read a header, the length included, as `header_of` wrote it.

    Raises:
        ValueError: it is not as `header_of` writes it.
    """
    try:
        metadata = json.loads(header[8:])["__metadata__"]
        version = metadata["kvcache.version"]
        if version not in {PLAIN, VERSION}:
            raise ValueError(f"version {version}")
        rows = json.loads(metadata["kvcache.sessions"])
        facts = [(_of_plain_row if version == PLAIN else _of_row)(row) for row in rows]
        made = plan(facts, int(metadata["kvcache.page"]))
        if header_of(made) != header:
            raise ValueError("a header that does not fit its sessions")
    except (
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        IndexError,
        ZeroDivisionError,
        RecursionError,
    ) as problem:
        raise ValueError(f"{type(problem).__name__}: {problem}") from problem
    return made


def _plain_row(facts: Facts) -> list[Any]:
    """The facts of a session as version 2 has them."""
    (group,) = facts.groups
    return [
        facts.session,
        facts.tokens,
        len(group.layers),
        group.heads,
        group.widths,
        group.dims,
        facts.dtype,
        facts.encoding,
    ]


def _of_plain_row(row: list[Any]) -> Facts:
    session, tokens, layers, heads, widths, dims, dtype, encoding = row
    return plain_facts(session, tokens, layers, heads, widths, dims, dtype, encoding)


def plain_facts(
    session: str,
    tokens: int,
    layers: int,
    heads: int,
    widths: Sequence[int],
    dims: Sequence[int],
    dtype: str,
    encoding: str | None,
) -> Facts:
    """The facts of a session whose layers have one shape and all tokens."""
    group = GroupFacts(range(layers), heads, (widths[0], widths[1]), (dims[0], dims[1]))
    return Facts(session, tokens, (group,), dtype, encoding)


def _row(facts: Facts) -> list[Any]:
    """The facts of a session as version 3 has them."""
    return [facts.session, facts.tokens, [group.row for group in facts.groups], facts.dtype, facts.encoding]


def _of_row(row: list[Any]) -> Facts:
    session, tokens, groups, dtype, encoding = row
    facts = Facts(session, tokens, tuple(map(group_facts, groups)), dtype, encoding)
    layers = [layer for group in facts.groups for layer in group.layers]
    if sorted(layers) != list(range(len(layers))) or not all(0 <= group.first <= tokens for group in facts.groups):
        raise ValueError("groups that are not those of a layout")
    return facts


def group_facts(row: Sequence[Any]) -> GroupFacts:
    """The facts of a group of layers, as JSON has them.

    Raises:
        ValueError, TypeError, IndexError: it is none.
    """
    layers, heads, widths, dims, first = row
    return GroupFacts(tuple(layers), heads, (widths[0], widths[1]), (dims[0], dims[1]), first)


def seal_of(header: bytes, checksums: Array) -> bytes:
    """What binds a header and the checksums to each other's file."""
    return b"".join(hashlib.blake2b(part, digest_size=SEAL // 2).digest() for part in (header, checksums.tobytes()))
