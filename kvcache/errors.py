"""Name every error that can happen, with fields that say what was expected and what came.

Each kind is also the built-in error it resembles, so that `except MemoryError` and `except IndexError` work as one would think.
"""

from __future__ import annotations

from typing import TypeVar

_E = TypeVar("_E", bound="KVCacheError")


class KVCacheError(Exception):
    """Base of every error of the package.

    Attributes:
        subject: what was being done, and to what.
        expected: what would have been right.
        got: what came instead.
        remedy: what to do about it; empty when that is obvious.
    """

    def __init__(self, subject: str, *, expected: object, got: object, remedy: str = "") -> None:
        super().__init__(subject)
        self.subject = subject
        self.expected = expected
        self.got = got
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.subject}: expected {self.expected}, got {self.got!r}"
        return f"{text} ({self.remedy})" if self.remedy else text

    def __reduce__(self) -> tuple[object, ...]:
        # The default would call __init__ with positional arguments only and fail in the process that unpickles.
        return _rebuild, (type(self), self.args, self.__dict__)


class OutOfMemoryError(KVCacheError, MemoryError):
    """No free span is large enough, and no eviction that was allowed would make one.

    Attributes:
        needed: bytes asked for, in one piece.
        free: bytes free altogether.
        largest: bytes of the largest free span.
        pinned: bytes of blocks that may not be evicted now: pinned, being written, or with a writable view that is still held.
        capacity: bytes of the whole arena, or of the memory that sessions may take.
    """

    def __init__(
        self,
        subject: str,
        *,
        needed: int,
        free: int,
        largest: int,
        capacity: int,
        pinned: int = 0,
        whole: str = "arena",
    ) -> None:
        remedy = (
            f"{free} of {capacity} bytes are free, {pinned} are pinned; "
            f"evict or unpin a session, let go of writable views, ask for less, or enlarge the {whole}"
        )
        piece = " in one piece" if whole == "arena" else ""
        if needed > capacity:  # no eviction helps
            remedy = f"the whole {whole} has {capacity} bytes; ask for less, or enlarge the {whole}"
        super().__init__(subject, expected=f"{needed} free bytes{piece}", got=largest, remedy=remedy)
        self.pinned = pinned
        self.needed = needed
        self.free = free
        self.largest = largest
        self.capacity = capacity


class OutOfBoundsError(KVCacheError, IndexError):
    """An offset, a range or an index lies outside of what exists."""


class MisalignedError(KVCacheError, ValueError):
    """An offset is not a multiple of what its dtype needs."""


class DoubleFreeError(KVCacheError, ValueError):
    """A span was given back that had been given back before."""


class ForeignSpanError(KVCacheError, ValueError):
    """A span was given back that this allocator never handed out in that form."""


class InvalidSizeError(KVCacheError, ValueError):
    """A size, count or duration is zero, negative, not a number, not whole, or too large to compute with."""


class InvalidSessionError(KVCacheError, ValueError):
    """A session id is not a string, or is empty."""


class UnknownSessionError(KVCacheError, LookupError):
    """No entry exists for this session id."""


class StaleEntryError(KVCacheError, LookupError):
    """A handle was used after its block had been taken away."""


class PinnedEntryError(KVCacheError, RuntimeError):
    """A pinned entry was to be evicted."""


class ChainError(KVCacheError, ValueError):
    """A file of records is cut off, or was altered: its chain of digests is broken.

    Attributes:
        line: where, counted from 1.
    """

    def __init__(self, subject: str, *, expected: object, got: object, remedy: str = "", line: int = 0) -> None:
        super().__init__(subject, expected=expected, got=got, remedy=remedy)
        self.line = line


class ContextOverflowError(KVCacheError, ValueError):
    """More tokens were asked for or appended than the context holds."""


class ShapeError(KVCacheError, ValueError):
    """An array has another shape than one token or several tokens of the model."""


class DtypeError(KVCacheError, TypeError):
    """An array or a specification has another dtype than the cache can hold; nothing is converted silently."""


class SnapshotError(KVCacheError, ValueError):
    """A file of a session cannot be written, or is no such file, damaged, or of another layout."""


class TraceError(KVCacheError, ValueError):
    """A line of a trace is no request."""


class SharedMemoryError(KVCacheError, RuntimeError):
    """A file is no segment of shared memory, or another writer has it."""


class ClosedError(KVCacheError, RuntimeError):
    """The pool or manager was closed before."""


class IntegrityError(KVCacheError, AssertionError):
    """An invariant of the package itself is broken: a bug in here, never a mistake of the caller."""


def _rebuild(kind: type[_E], args: tuple[object, ...], fields: dict[str, object]) -> _E:
    """Make an error again from its pickled parts."""
    error = Exception.__new__(kind, *args)  # kind.__new__ could be MemoryError's, which refuses classes with two bases
    error.__dict__.update(fields)
    return error
