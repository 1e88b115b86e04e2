"""Pack a session into bytes for a store, and unpack it again, after checking that it is whole and the one that was asked for.

magic, length and CRC-32 of the header | header, JSON | keys | values | keys of the next group of layers | ...

What was packed before layers could differ has another magic, and a header of one group; it is still unpacked.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.sharing import Beginning
from kvcache.snapshots.format import Facts, group_facts, plain_facts
from kvcache.snapshots.writing import facts_of
from kvcache.token_text import WIDTH
from kvcache.values import Array

_PLAIN_MAGIC: Final = b"kvparcl1"
_MAGIC: Final = b"kvparcl2"
_START: Final = struct.Struct("<8sII")


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """A session that is on its way.

    Attributes:
        facts: what it was.
        contents: its tokens.
        max_context: tokens that it had room for.
        ttl_seconds: its own time to live; None: the manager's.
        run: of which process.
        number: how many were packed before by that process.
        priority: that it had.
        text: namespace and tokens that it was computed from, as a `PrefixIndex` knew them; None: that is not known.
    """

    facts: Facts
    contents: Beginning
    max_context: int
    ttl_seconds: float | None
    run: str
    number: int
    priority: int = 0
    text: tuple[str, bytes] | None = None

    @property
    def size(self) -> int:
        """Bytes of the tokens."""
        return self.contents.size


def key_of(namespace: str, session: str) -> str:
    """What a store calls a session: letters and digits, for any characters in both names; no two pairs of names have the same."""
    name = b"%d:%b%b" % (len(namespace.encode()), namespace.encode(), session.encode())
    return hashlib.blake2b(name, digest_size=20).hexdigest()


def pack(entry: KVCacheEntry, *, run: str, number: int, text: tuple[str, bytes] | None = None) -> Parcel | None:
    """Copy a session's tokens; None where it has none, or a dtype that has no name here."""
    seen = entry.contents()
    facts = facts_of(entry, seen)
    if not seen.tokens or facts is None:
        return None
    own = Beginning(seen.tokens, seen.firsts, seen.pieces, [np.array(tail, order="C") for tail in seen.tails])
    return Parcel(facts, own, entry.max_context_length, entry.ttl_seconds, run, number, entry.priority, text)


def to_bytes(parcel: Parcel, namespace: str) -> bytes:
    """What a store keeps."""
    facts, tails, checksum = parcel.facts, [tail.data for tail in parcel.contents.tails], 0
    for tail in tails:
        checksum = zlib.crc32(tail, checksum)
    header = json.dumps(
        {
            "namespace": namespace,
            "facts": asdict(facts) | {"groups": [group.row for group in facts.groups]},
            "max_context": parcel.max_context,
            "ttl_seconds": parcel.ttl_seconds,
            "run": parcel.run,
            "number": parcel.number,
            "priority": parcel.priority,
            "text": parcel.text and (parcel.text[0], b64encode(parcel.text[1]).decode()),
            "checksum": checksum,
        }
    ).encode()
    start = _START.pack(_MAGIC, len(header), zlib.crc32(header))
    return b"".join([start, header, *tails])


def from_bytes(content: bytes, namespace: str, session: str) -> Parcel:
    """Unpack what a store gave.

    Raises:
        ValueError: it is damaged, or another session, or another namespace's.
    """
    try:
        magic, length, checksum = _START.unpack_from(content)
        header = content[_START.size : _START.size + length]
        if magic not in {_PLAIN_MAGIC, _MAGIC} or len(header) != length or zlib.crc32(header) != checksum:
            raise ValueError("a header that is not whole")
        known = json.loads(header)
        facts = _facts_in(known["facts"])
        if (known["namespace"], facts.session) != (namespace, session):
            raise ValueError("another session")
        body = np.frombuffer(content, np.uint8, offset=_START.size + length)
        tails, start = list[Array](), 0
        for group in facts.groups:
            for width in group.widths:
                row = (facts.tokens - group.first) * width * np.dtype(facts.dtype).itemsize
                rows = len(group.layers) * group.heads
                tails.append(body[start : start + rows * row].reshape(rows, row))
                start += rows * row
        if len(body) != start or zlib.crc32(body.data) != known["checksum"]:
            raise ValueError("tokens that are not as they were packed")
        firsts = [group.first for group in facts.groups]
        contents = Beginning(facts.tokens, firsts, ((),) * len(tails), tails)
        origin = known["run"], known["number"], known.get("priority", 0)
        text = (known["text"][0], b64decode(known["text"][1])) if known.get("text") else None
        if text is not None and (len(text[1]) % WIDTH or len(text[1]) > facts.tokens * WIDTH):
            raise ValueError("a text of more tokens than there are")
        return Parcel(facts, contents, known["max_context"], known["ttl_seconds"], *origin, text)
    except (struct.error, KeyError, TypeError, AttributeError, OverflowError) as problem:
        raise ValueError(f"{type(problem).__name__}: {problem}") from problem


def _facts_in(known: dict[str, Any]) -> Facts:
    """The facts of a header; one without groups was packed before there were any."""
    if "groups" not in known:
        return plain_facts(**known)
    groups = tuple(group_facts(row) for row in known["groups"])
    return Facts(known["session"], known["tokens"], groups, known["dtype"], known["encoding"])
