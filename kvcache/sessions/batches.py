"""Write to many sessions and read many at once, as continuous batching does: sequences of different lengths, side by side."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kvcache.errors import InvalidSizeError, KVCacheError, ShapeError
from kvcache.sessions.entry import KVCacheEntry
from kvcache.values import Array


@dataclass(frozen=True, slots=True)
class Batch:
    """One layer of several sessions, filled up to the longest.

    Attributes:
        keys: shape [sessions, kv_heads, tokens of the longest, head_dim] as they are stored.
        values: the same with value_dim.
        lengths: tokens of each session that are there, shape [sessions].
        firsts: the first of them, shape [sessions]; not 0 where a layer has a window, see `KVCacheEntry.first_token`.
        mask: where there are tokens, shape [sessions, tokens of the longest].
    """

    keys: Array
    values: Array
    lengths: npt.NDArray[np.int64]
    firsts: npt.NDArray[np.int64]
    mask: npt.NDArray[np.bool_]


def write_batch(entries: Sequence[KVCacheEntry], layer: int, keys: Array, values: Array) -> None:
    """Write tokens of one layer to each session, see `KVCacheEntry.write`; `commit_batch` counts them. Either all get theirs or none.

    Args:
        entries: the sessions, each once; what they were given in this step and not committed is forgotten where it fails.
        layer: which one.
        keys: shape [sessions, kv_heads, tokens, head_dim].
        values: the same with value_dim.

    Raises:
        ShapeError, InvalidSizeError: not one row for each session, or a session twice; nothing was written.
        KVCacheError: as for `KVCacheEntry.write`.
    """
    _refuse_twice("write_batch", entries)
    for subject, rows in (("write_batch: keys", keys), ("write_batch: values", values)):
        if np.ndim(rows) != 4 or len(rows) != len(entries):
            expected = f"[{len(entries)}, kv_heads, tokens, width]"
            raise ShapeError(subject, expected=expected, got=np.shape(rows))
    try:
        for entry, key, value in zip(entries, keys, values, strict=True):
            entry.write(layer, key, value)
    except BaseException:
        for entry in entries:
            with suppress(KVCacheError):
                entry.truncate(len(entry))
        raise


def commit_batch(entries: Sequence[KVCacheEntry]) -> list[int]:
    """Count what was written to all layers of each session, and say how many tokens each has.

    Raises:
        KVCacheError: as for `KVCacheEntry.commit`; the sessions before the one that fails are counted.
    """
    return [entry.commit() for entry in entries]


def gather(
    entries: Sequence[KVCacheEntry], layer: int, *, left: bool = False, out: tuple[Array, Array] | None = None
) -> Batch:
    """Copy one layer of several sessions into one array, zeros where a session is shorter; what is not committed yet included.

    Args:
        entries: the sessions, of the same heads and dtype; pin them, or use this thread only.
        layer: which one.
        left: fill up before the tokens rather than behind them.
        out: arrays [at least as many sessions, kv_heads, at least as many tokens, width] to put keys and values into.

    Raises:
        InvalidSizeError: no sessions.
        ShapeError: sessions of different heads or dtypes, or arrays that are too small or of another dtype.
        StaleEntryError, OutOfBoundsError: as for `KVCacheEntry.keys`.
    """
    if not entries:
        raise InvalidSizeError("gather", expected="at least one session", got=0)
    seen = [(entry.keys(layer), entry.values(layer)) for entry in entries]
    firsts = np.array([entry.first_token(layer) for entry in entries], np.int64)
    lengths = np.array([keys.shape[1] for keys, _ in seen], np.int64)
    longest = int(lengths.max())
    starts = longest - lengths if left else np.zeros_like(lengths)
    sides = list[Array]()
    for side in (0, 1):
        first = seen[0][side]
        shape = len(seen), first.shape[0], longest, first.shape[2]
        rows = np.empty(shape, first.dtype) if out is None else _room(out[side], shape, first.dtype)
        for number, pair in enumerate(seen):
            tokens, start, end = pair[side], int(starts[number]), int(starts[number] + lengths[number])
            if (tokens.shape[0], tokens.shape[2], tokens.dtype) != (shape[1], shape[3], first.dtype):
                expected = f"sessions of {shape[1]} heads of {shape[3]} {first.dtype}"
                raise ShapeError("gather", expected=expected, got=(tokens.shape, str(tokens.dtype)))
            rows[number, :, :start], rows[number, :, end:] = 0, 0
            rows[number, :, start:end] = tokens
        sides.append(rows)
    places = np.arange(longest)
    mask = (places >= starts[:, np.newaxis]) & (places < (starts + lengths)[:, np.newaxis])
    return Batch(sides[0], sides[1], lengths, firsts, mask)


def _room(out: Array, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Array:
    if out.dtype != dtype or out.ndim != 4 or any(has < needs for has, needs in zip(out.shape, shape, strict=True)):
        raise ShapeError("gather: out", expected=f"{dtype} of at least {shape}", got=(str(out.dtype), out.shape))
    return out[: shape[0], : shape[1], : shape[2], : shape[3]]


def _refuse_twice(subject: str, entries: Sequence[KVCacheEntry]) -> None:
    if len(set(map(id, entries))) != len(entries):
        names = [entry.session_id for entry in entries]
        raise InvalidSizeError(subject, expected="each session once", got=names)
