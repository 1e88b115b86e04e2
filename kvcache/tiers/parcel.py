"""Pack a session into bytes for a store, and unpack it again, after checking that it is whole and the one that was asked for.

magic, length and CRC-32 of the header | header, JSON | keys | values
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from kvcache.sessions.entry import KVCacheEntry
from kvcache.snapshots.format import DTYPES, Facts
from kvcache.values import Array

_MAGIC: Final = b"kvparcl1"
_START: Final = struct.Struct("<8sII")


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """A session that is on its way.

    Attributes:
        facts: what it was.
        keys: as stored, [layers, kv_heads, tokens, width].
        values: the same for values.
        max_context: tokens that it had room for.
        ttl_seconds: its own time to live; None: the manager's.
        run: of which process.
        number: how many were packed before by that process.
        priority: that it had.
    """

    facts: Facts
    keys: Array
    values: Array
    max_context: int
    ttl_seconds: float | None
    run: str
    number: int
    priority: int = 0

    @property
    def size(self) -> int:
        """Bytes of the tokens."""
        return self.keys.nbytes + self.values.nbytes


def key_of(namespace: str, session: str) -> str:
    """What a store calls a session: letters and digits, for any characters in both names; no two pairs of names have the same."""
    name = b"%d:%b%b" % (len(namespace.encode()), namespace.encode(), session.encode())
    return hashlib.blake2b(name, digest_size=20).hexdigest()


def pack(entry: KVCacheEntry, *, run: str, number: int) -> Parcel | None:
    """Copy a session's tokens; None where it has none, or a dtype that has no name here."""
    keys, values = (side.transpose(1, 2, 0, 3) for side in entry.key_and_value())
    dtype = str(entry.layout.dtype)
    layers, heads, tokens, width = keys.shape
    if not tokens or dtype not in DTYPES:
        return None
    widths, dims = (width, values.shape[3]), (entry.layout.head_dim, entry.layout.value_dim)
    facts = Facts(entry.session_id, tokens, layers, heads, widths, dims, dtype, entry.layout.encoding)
    own = [np.array(side, order="C") for side in (keys, values)]
    return Parcel(facts, own[0], own[1], entry.max_context_length, entry.ttl_seconds, run, number, entry.priority)


def to_bytes(parcel: Parcel, namespace: str) -> bytes:
    """What a store keeps."""
    checksum = zlib.crc32(parcel.values.data, zlib.crc32(parcel.keys.data))
    header = json.dumps(
        {
            "namespace": namespace,
            "facts": asdict(parcel.facts),
            "max_context": parcel.max_context,
            "ttl_seconds": parcel.ttl_seconds,
            "run": parcel.run,
            "number": parcel.number,
            "priority": parcel.priority,
            "checksum": checksum,
        }
    ).encode()
    start = _START.pack(_MAGIC, len(header), zlib.crc32(header))
    return b"".join([start, header, parcel.keys.data, parcel.values.data])


def from_bytes(content: bytes, namespace: str, session: str) -> Parcel:
    """Unpack what a store gave.

    Raises:
        ValueError: it is damaged, or another session, or another namespace's.
    """
    try:
        magic, length, checksum = _START.unpack_from(content)
        header = content[_START.size : _START.size + length]
        if magic != _MAGIC or len(header) != length or zlib.crc32(header) != checksum:
            raise ValueError("a header that is not whole")
        known = json.loads(header)
        plain = known["facts"]
        facts = Facts(**{**plain, "widths": tuple(plain["widths"]), "dims": tuple(plain["dims"])})
        if (known["namespace"], facts.session) != (namespace, session):
            raise ValueError("another session")
        shapes = [(facts.layers, facts.heads, facts.tokens, width) for width in facts.widths]
        counts = [int(np.prod(shape)) for shape in shapes]
        body = memoryview(content)[_START.size + length :]
        if len(body) != sum(counts) * np.dtype(facts.dtype).itemsize or zlib.crc32(body) != known["checksum"]:
            raise ValueError("tokens that are not as they were packed")
        elements = np.frombuffer(body, facts.dtype)
        keys, values = elements[: counts[0]].reshape(shapes[0]), elements[counts[0] :].reshape(shapes[1])
        origin = known["run"], known["number"], known.get("priority", 0)
        return Parcel(facts, keys, values, known["max_context"], known["ttl_seconds"], *origin)
    except (struct.error, KeyError, TypeError, AttributeError, OverflowError) as problem:
        raise ValueError(f"{type(problem).__name__}: {problem}") from problem
