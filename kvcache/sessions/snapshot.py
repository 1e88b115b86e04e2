"""Write a session to a file, and make it again from one, so that a restart needs no prefill.

The file is one of safetensors (https://github.com/huggingface/safetensors), with the tensors `keys` and `values` of shape
[layers, kv_heads, tokens, width]; any reader of that format can look at it:

    8 bytes, little-endian    length of the header
    header                    JSON: the tensors, and under `__metadata__` what the session was
    data                      keys, then values

The metadata hold a digest for each `_CHUNK` tokens. What was damaged is named, and the tokens before it can be had all the same.
A file is complete or not there: it is written beside its place, and put there at the end.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from kvcache import checks
from kvcache.errors import KVCacheError, SnapshotError
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.manager import KVCacheManager
from kvcache.values import Array

VERSION: Final = "1"
_CHUNK: Final = 256
"""Tokens that share a digest."""

_LONGEST_HEADER: Final = 100_000_000
"""Bytes; as the format has it."""

_NAMES: Final = {"float16": "F16", "float32": "F32", "float64": "F64", "int8": "I8", "uint8": "U8", "uint16": "BF16"}
"""Of dtypes in the format. uint16 is what bfloat16 is carried in; uint8 is also what int8 and int4 with scales are stored in."""


def save(manager: KVCacheManager, session: str, path: str | os.PathLike[str]) -> int:
    """Write the tokens of a session to a file, which is replaced if there is one. The session stays; it is not evicted meanwhile.

    No other thread may append to the session or truncate it meanwhile: `restore` would find the changed tokens damaged.

    Returns:
        The count of tokens.

    Raises:
        SnapshotError: the session has no entry, or a dtype that the format does not know.
        ClosedError: the manager is closed.
        OSError: the file cannot be written; a file that was there before is as it was.
    """
    entry = manager.get(session)
    if entry is None:
        raise SnapshotError(f"save {session!r}", expected="a session that has an entry", got="none")
    with entry.pin():
        keys, values = (side.transpose(1, 2, 0, 3) for side in entry.key_and_value())
        header = _header(entry, keys, values)
        _write(Path(path), [len(header).to_bytes(8, "little"), header, *_pieces(keys), *_pieces(values)])
        return int(keys.shape[2])


def restore(
    manager: KVCacheManager,
    path: str | os.PathLike[str],
    session: str | None = None,
    *,
    salvage: bool = False,
    ttl_seconds: float | None = None,
) -> KVCacheEntry:
    """Make a session with the tokens of a file; whatever it had is evicted.

    Args:
        manager: where it shall live; its layout must have the shape and dtype of the file's.
        path: the file.
        session: its id; None: the one that was saved.
        salvage: take the tokens before the first damaged ones, rather than refuse the file.
        ttl_seconds: the session's own time to live; None: the manager's.

    Raises:
        SnapshotError: not such a file, of another layout, or damaged; the session that was there stays.
        PinnedEntryError: the session is there, and somebody has pinned it.
        OutOfMemoryError: there is no room and no way to make it.
        ClosedError: the manager is closed.
        OSError: the file cannot be read.
    """
    place = os.fspath(path)
    facts, keys, values = _read(place, manager.layout)
    digests, whole = facts["digests"], keys.shape[2]
    for number, digest in enumerate(_digests(keys, values)):
        if digest != digests[number]:
            first = number * _CHUNK
            if not salvage:
                last = min(first + _CHUNK, whole) - 1
                remedy = f"restore(..., salvage=True) takes the {first} tokens before them"
                raise SnapshotError(place, expected=f"tokens {first} to {last} as saved", got="damaged", remedy=remedy)
            whole = first
            break
    name = checks.session_name(facts["session"] if session is None else session)
    manager.evict(name)
    entry = manager.get_or_create(name, ttl_seconds=ttl_seconds, sequences=facts["sequences"])
    try:
        entry.append(keys[:, :, :whole].transpose(2, 0, 1, 3), values[:, :, :whole].transpose(2, 0, 1, 3))
    except BaseException:
        with suppress(KVCacheError):
            manager.evict(name)
        raise
    return entry


def _header(entry: KVCacheEntry, keys: Array, values: Array) -> bytes:
    dtype = _NAMES.get(str(entry.layout.dtype))
    if dtype is None:
        expected = f"a dtype of {', '.join(_NAMES)}"
        raise SnapshotError(f"save {entry.session_id!r}", expected=expected, got=entry.layout.dtype)
    facts = {
        "version": VERSION,
        "session": entry.session_id,
        "encoding": entry.layout.encoding or "",
        "digests": json.dumps(list(_digests(keys, values))),
    }
    tensors = {
        "keys": {"dtype": dtype, "shape": keys.shape, "data_offsets": [0, keys.nbytes]},
        "values": {"dtype": dtype, "shape": values.shape, "data_offsets": [keys.nbytes, keys.nbytes + values.nbytes]},
    }
    metadata = {f"kvcache.{name}": text for name, text in facts.items()}
    header = json.dumps({"__metadata__": metadata, **tensors}).encode()
    return header + b" " * (-len(header) % 8)


def _digests(keys: Array, values: Array) -> Iterator[str]:
    """Of each `_CHUNK` tokens, keys and values together."""
    for first in range(0, keys.shape[2], _CHUNK):
        digest = hashlib.blake2b(digest_size=16)
        for rows in (keys, values):
            digest.update(np.ascontiguousarray(rows[:, :, first : first + _CHUNK]).view(np.uint8).data)
        yield digest.hexdigest()


def _pieces(rows: Array) -> Iterator[bytes]:
    """The bytes of a region's tokens, a layer at a time."""
    for layer in rows:
        yield np.ascontiguousarray(layer).tobytes()


def _write(path: Path, pieces: list[bytes]) -> None:
    """Put a whole file into its place, or leave everything as it is."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _read(place: str, layout: KVLayout) -> tuple[dict[str, Any], Array, Array]:
    """What a file says of its session, and its keys and values."""

    def refuse(expected: str, got: object) -> SnapshotError:
        return SnapshotError(place, expected=expected, got=got)

    size = Path(place).stat().st_size
    with Path(place).open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _LONGEST_HEADER):
            raise refuse("a file of safetensors", f"{size} bytes without a whole header")
        try:
            header = json.loads(file.read(length))
            metadata = header["__metadata__"]
            facts = {name: metadata[f"kvcache.{name}"] for name in ("version", "session")}
            encoding = metadata.get("kvcache.encoding") or None
            digests = json.loads(metadata["kvcache.digests"])
            shapes = [tuple(map(int, header[name]["shape"])) for name in ("keys", "values")]
            dtypes = {header[name]["dtype"] for name in ("keys", "values")}
            offsets = [list(map(int, header[name]["data_offsets"])) for name in ("keys", "values")]
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise refuse("a header that kvcache wrote", f"{type(problem).__name__}: {problem}") from problem
    if facts["version"] != VERSION:
        raise refuse(f"version {VERSION}", facts["version"])
    heads, tokens = (shapes[0][1], shapes[0][2]) if len(shapes[0]) == 4 else (0, 0)
    expected = [(layout.layers, heads, tokens, width) for width in (layout.keys.shape[3], layout.values.shape[3])]
    if shapes != expected or heads < 1 or heads % layout.kv_heads or dtypes != {_NAMES.get(str(layout.dtype))}:
        known = (
            f"{layout.layers} layers, {layout.kv_heads} heads, {layout.head_dim} and {layout.value_dim} {layout.dtype}"
        )
        raise refuse(f"a session of {known}", f"{shapes} of {sorted(map(str, dtypes))}")
    if encoding != layout.encoding:
        raise refuse(f"numbers in {layout.encoding or layout.dtype}", encoding or "numbers that are not encoded")
    if tokens > layout.max_context:
        raise refuse(f"at most {layout.max_context} tokens", tokens)
    counts = [int(np.prod(shape)) * layout.dtype.itemsize for shape in shapes]
    if offsets != [[0, counts[0]], [counts[0], sum(counts)]] or size != 8 + length + sum(counts):
        raise refuse(f"{8 + length + sum(counts)} bytes, keys before values", f"{size}, {offsets}")
    if not isinstance(digests, list) or len(digests) != -(-tokens // _CHUNK):
        raise refuse(f"a digest for each {_CHUNK} tokens", digests)
    # Read, not mapped: what was checked is what is used, whatever happens to the file.
    elements = np.fromfile(place, layout.dtype, offset=8 + length)
    if elements.nbytes != sum(counts):
        raise refuse(f"{sum(counts)} bytes of tokens", elements.nbytes)
    middle = counts[0] // layout.dtype.itemsize
    keys, values = elements[:middle].reshape(shapes[0]), elements[middle:].reshape(shapes[1])
    return {**facts, "digests": digests, "sequences": heads // layout.kv_heads}, keys, values
