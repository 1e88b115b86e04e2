"""Say how sessions lie in a file: plan it, write its header, and read that again.

The file is one of safetensors (https://github.com/huggingface/safetensors); any reader of that format can look at it:

    8 bytes, little-endian    length of the header
    header                    JSON: the tensors, and under `__metadata__` what the sessions were; then spaces up to a page
    data                      for each session SESSION/keys and SESSION/values; kvcache/checksums; kvcache/seal

    keys, values   [ row | row | ... ]     one for each layer and head, of shape [layers, kv_heads, places, width]
    row            [ page | page | ... ]   tokens, then zeros up to a whole page: so each page holds tokens of one head of one layer
    checksums      CRC-32 of each page of keys and values, in their order
    seal           BLAKE2b of the header, and BLAKE2b of the checksums

Zeros behind the tokens are holes of the file and take no room. Rows begin at pages of the system, so they can be mapped one by one.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from kvcache.values import Array, checked_product, checked_sum

VERSION: Final = "2"
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
    """The keys, or the values, of a session in a file.

    Attributes:
        name: "keys" or "values".
        offset: of the first row, in bytes from the start of the data.
        shape: layers, kv_heads, places for tokens, width.
        item: bytes of an element.
        first_page: its first checksum.
    """

    name: str
    offset: int
    shape: tuple[int, int, int, int]
    item: int
    first_page: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, zeros included."""
        return self.shape[2] * self.shape[3] * self.item

    @property
    def length(self) -> int:
        """Bytes of all rows."""
        return self.shape[0] * self.shape[1] * self.row_bytes

    @property
    def token_bytes(self) -> int:
        """Bytes of a token in a row."""
        return self.shape[3] * self.item


@dataclass(frozen=True, slots=True)
class Facts:
    """What a session was.

    Attributes:
        session: its id.
        tokens: how many.
        layers: of the model.
        heads: of a layer, of all its sequences together.
        widths: elements of a head as stored, of keys and of values.
        dims: numbers of a head, of keys and of values.
        dtype: of an element as stored.
        encoding: of numbers; None: stored as they came.
    """

    session: str
    tokens: int
    layers: int
    heads: int
    widths: tuple[int, int]
    dims: tuple[int, int]
    dtype: str
    encoding: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A session in a file: what it was, and where its keys and values lie."""

    facts: Facts
    keys: Side
    values: Side


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
        sides = []
        for name, width in zip(("keys", "values"), each.widths, strict=True):
            item = np.dtype(each.dtype).itemsize
            side = Side(
                name, offset, (each.layers, each.heads, _rounded(each.tokens, width * item, page), width), item, pages
            )
            offset = checked_sum(offset, checked_product(each.layers, each.heads, side.row_bytes))
            pages = offset // page
            sides.append(side)
        places[each.session] = Stored(each, *sides)
    return Plan(page, places, offset, pages)


def _page_of(facts: Facts) -> int:
    """A sixteenth of a row, so that few tokens share a checksum, within what the checksums cost."""
    width = max(facts.widths) * np.dtype(facts.dtype).itemsize
    page = LARGEST_PAGE
    while page > SMALLEST_PAGE and 16 * _rounded(1, width, page) > facts.tokens:
        page //= 2
    return page


def _rounded(tokens: int, width: int, page: int) -> int:
    """The least number of tokens, not below `tokens`, that take whole pages."""
    step = page // math.gcd(page, width)
    return -(-tokens // step) * step


def header_of(plan: Plan) -> bytes:
    """The length and the header of a file, up to the data."""
    tensors: dict[str, Any] = {}
    for name, each in plan.sessions.items():
        for side in (each.keys, each.values):
            dtype = DTYPES[each.facts.dtype]
            where = [side.offset, side.offset + side.length]
            tensors[f"{name}/{side.name}"] = {"dtype": dtype, "shape": side.shape, "data_offsets": where}
    table, seal = plan.checksums, plan.checksums + 4 * plan.pages
    tensors["kvcache/checksums"] = {"dtype": "U32", "shape": [plan.pages], "data_offsets": [table, seal]}
    tensors["kvcache/seal"] = {"dtype": "U8", "shape": [SEAL], "data_offsets": [seal, seal + SEAL]}
    facts = [
        [each.session, each.tokens, each.layers, each.heads, each.widths, each.dims, each.dtype, each.encoding]
        for each in (stored.facts for stored in plan.sessions.values())
    ]
    known = {"version": VERSION, "page": str(plan.page), "sessions": json.dumps(facts)}
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
        if version != VERSION:
            raise ValueError(f"version {version}")
        facts = [
            Facts(session, tokens, layers, heads, (widths[0], widths[1]), (dims[0], dims[1]), dtype, encoding)
            for session, tokens, layers, heads, widths, dims, dtype, encoding in json.loads(
                metadata["kvcache.sessions"]
            )
        ]
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


def seal_of(header: bytes, checksums: Array) -> bytes:
    """What binds a header and the checksums to each other's file."""
    return b"".join(hashlib.blake2b(part, digest_size=SEAL // 2).digest() for part in (header, checksums.tobytes()))
