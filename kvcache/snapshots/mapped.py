"""Look at the sessions of a file without reading it: the file is mapped, and each page is checked when it is first looked at."""

from __future__ import annotations

import mmap
import os
import zlib
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np

from kvcache import checks
from kvcache.encodings.encoding import encoding_of
from kvcache.encodings.reading import numbers_of
from kvcache.errors import ClosedError, OutOfBoundsError, SnapshotError
from kvcache.memory.arena import SYSTEM_PAGE
from kvcache.memory.sealed import FileRows
from kvcache.sessions.sharing import WORTH, Beginning, Piece
from kvcache.snapshots.format import LONGEST_HEADER, Facts, Side, Stored, plan_in, seal_of
from kvcache.values import Array, Closing, Unique


@dataclass(frozen=True, slots=True, order=True)
class Damage:
    """A page of a file that is not as it was written.

    Attributes:
        first: the first of its tokens.
        last: the last of its tokens; below `first` where the page holds none.
        side: "keys" or "values".
        layer: whose.
        head: whose.
    """

    first: int
    last: int
    side: str
    layer: int
    head: int

    def __str__(self) -> str:
        tokens = f"tokens {self.first} to {self.last}" if self.first <= self.last else "zeros beside the tokens"
        return f"{tokens} of the {self.side} of layer {self.layer}, head {self.head}"


class Snapshot(Closing):
    """A file of sessions, mapped. Replace such a file, never change it: what is mapped would change, too.

    Args:
        path: the file.

    Raises:
        SnapshotError: not such a file, or its header or its checksums are damaged.
        OSError: it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        size = os.fstat(self._file).st_size
        if size < 8:
            raise self._refuse("a file of sessions", f"{size} bytes")
        self._map = mmap.mmap(self._file, 0, access=mmap.ACCESS_READ)
        length = 8 + int.from_bytes(self._map[:8], "little")
        if length > min(size, LONGEST_HEADER):
            raise self._refuse("a file of sessions", f"{size} bytes without a whole header")
        header = self._map[:length]
        try:
            self._plan = plan_in(header)
        except ValueError as problem:
            raise self._refuse("a header that this version of kvcache wrote", str(problem)) from problem
        if size != length + self._plan.data_bytes:
            raise self._refuse(f"{length + self._plan.data_bytes} bytes", size)
        self._start = length
        table = length + self._plan.checksums
        self._bytes: Array | None = np.frombuffer(self._map, np.uint8, offset=length)
        self._checksums = np.frombuffer(self._map, "<u4", self._plan.pages, table)
        if self._map[size - 32 :] != seal_of(header, self._checksums):
            raise self._refuse("the header and the checksums as they were written", "damaged")
        self._good = bytearray(self._plan.pages)

    def __repr__(self) -> str:
        return f"<Snapshot {self._path!r} of {len(self._plan.sessions)} sessions>"

    @property
    def path(self) -> str:
        """The file."""
        return self._path

    def sessions(self) -> tuple[str, ...]:
        """The ids of the sessions, in the order in which they were saved."""
        return tuple(self._plan.sessions)

    def session(self, session: str | None = None, *, copied: bool = False) -> MappedSession:
        """Look at one session.

        Args:
            session: its id; None: the only one.
            copied: read all its bytes now, so that what was checked is what is used, even if the file changes.

        Raises:
            SnapshotError: it is not in the file.
            ClosedError: the snapshot is closed.
        """
        names = self.sessions()
        if session is None and len(names) != 1:
            raise self._refuse("the id of a session: the file does not have just one", names)
        name = names[0] if session is None else session
        if name not in self._plan.sessions:
            raise self._refuse(f"a session of {names}", name)
        if self._bytes is None:
            raise ClosedError("snapshot", expected="an open snapshot", got="closed")
        stored, page = self._plan.sessions[name], self._plan.page
        if not copied:
            return MappedSession(self._path, page, stored, self._bytes, 0, self._checksums, self._good)
        first, last = stored.sides[0].offset, stored.sides[-1].offset + stored.sides[-1].length
        content = self._bytes[first:last].copy()
        return MappedSession(self._path, page, stored, content, first, self._checksums, bytearray(self._plan.pages))

    def beginning(self, mapped: MappedSession, tokens: int) -> Beginning | None:
        """The first tokens of a session of this file, to be shown in a block, copy-on-write; None where a row is too short for that.

        Raises:
            OSError: the process has no descriptors left.
        """
        copied = mapped.contents(tokens)
        pieces, tails = list[tuple[Piece, ...]](), list[Array]()
        for side, tail in zip(mapped.sides(), copied.tails, strict=True):
            # In bytes of a row in memory, where the first place of a row in the file is `begin`.
            begin, end = side.begin * side.token_bytes, tokens * side.token_bytes
            whole = (end - begin) // SYSTEM_PAGE * SYSTEM_PAGE
            if whole < WORTH or self._bytes is None:
                return None
            place = self._start + side.offset
            pieces.append((Piece(FileRows(self._file, place, side.row_bytes, whole, side.rows), begin, whole),))
            tails.append(tail[:, max(begin + whole - side.first * side.token_bytes, 0) :].copy())
        return Beginning(tokens, copied.firsts, pieces, tails)

    def close(self) -> None:
        """Let go of the file. Views that are still held keep it mapped, so that none of them dangles."""
        self._bytes = None
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            os.close(self._file)
            self._file = -1

    def _refuse(self, expected: str, got: object) -> SnapshotError:
        return SnapshotError(self._path, expected=expected, got=got)


class MappedSession(Unique):
    """A session in a file, read-only; it is read from the disk where it is looked at, and not before."""

    def __init__(
        self,
        path: str,
        page: int,
        stored: Stored,
        content: Array,
        base: int,
        checksums: Array,
        good: bytearray,
    ) -> None:
        self._path = path
        self._page = page
        self._stored = stored
        self._content = content
        self._base = base  # bytes of the data before the content
        self._checksums = checksums
        self._good = good  # 1 for each page that was found as written

    def __repr__(self) -> str:
        return f"<MappedSession {self.session_id!r} of {len(self)} tokens in {self._path!r}>"

    def __len__(self) -> int:
        return self._stored.facts.tokens

    def __bool__(self) -> bool:
        """True, without tokens too."""
        return True

    @property
    def session_id(self) -> str:
        """Whose tokens they are."""
        return self._stored.facts.session

    def sides(self) -> tuple[Side, ...]:
        """Where its keys and its values lie in the file."""
        return self._stored.sides

    @property
    def facts(self) -> Facts:
        """What the session was."""
        return self._stored.facts

    def keys(
        self, layer: SupportsIndex, head: SupportsIndex | None = None, *, tokens: SupportsIndex | None = None
    ) -> Array:
        """Look at the keys of a layer, or of one of its heads, without a copy.

        Args:
            layer: which one.
            head: of one head only.
            tokens: of the first so many tokens only; None: of all.

        Returns:
            Shape [kv_heads, tokens, width as stored]; of a head, [tokens, width as stored].

        Raises:
            OutOfBoundsError: no such layer or head, or fewer tokens.
            SnapshotError: one of their pages is damaged; it is named.
        """
        return self._look(0, layer, head, tokens)

    def values(
        self, layer: SupportsIndex, head: SupportsIndex | None = None, *, tokens: SupportsIndex | None = None
    ) -> Array:
        """The same for the values."""
        return self._look(1, layer, head, tokens)

    def floats(self, layer: SupportsIndex, out: tuple[Array, Array] | None = None) -> tuple[Array, Array]:
        """The keys and values of a layer as float32 numbers, see `KVCacheEntry.floats`."""
        facts = self.facts
        coder = None if facts.encoding is None else encoding_of(facts.encoding)
        at = checks.index("layer", layer, count=facts.layers)
        dims = next(group.dims for group in facts.groups if at in group.layers)
        return numbers_of((self.keys(at), self.values(at)), coder, dims, out)

    def contents(self, tokens: int) -> Beginning:
        """The first tokens, to begin a session with: their bytes, which are not checked here."""
        tails = list[Array]()
        for side in self.sides():
            start = side.offset - self._base
            rows = self._content[start : start + side.length].reshape(side.rows, side.row_bytes)
            first, last = ((token - side.begin) * side.token_bytes for token in (side.first, tokens))
            tails.append(rows[:, first:last] if tokens else rows[:, :0])
        firsts = [group.first if tokens else 0 for group in self.facts.groups]
        return Beginning(tokens, firsts, ((),) * len(tails), tails)

    def damage(self) -> tuple[Damage, ...]:
        """Look at all pages, and name those that are damaged: those of the first tokens first."""
        found = list[Damage]()
        for side in self.sides():
            for row in range(side.rows):
                found += self._damaged(side, row, side.row_bytes)
        return tuple(sorted(found))

    def _look(
        self, which: int, layer: SupportsIndex, head: SupportsIndex | None, tokens: SupportsIndex | None
    ) -> Array:
        side, at = self._stored.side_of(which, checks.index("layer", layer, count=self.facts.layers))
        _, heads, places, width = side.shape
        first, last = at * heads, (at + 1) * heads
        if head is not None:
            first += checks.index("head", head, count=heads)
            last = first + 1
        count = len(self) if tokens is None else checks.whole_number("tokens", tokens, minimum=0)
        if count > len(self):
            raise OutOfBoundsError("tokens", expected=f"at most the {len(self)} tokens there are", got=count)
        end = max(count - side.begin, 0)
        for row in range(first, last):
            for damage in self._damaged(side, row, end * side.token_bytes):
                if damage.first > damage.last:  # no token is in it
                    continue
                remedy = "restore(..., salvage=True) takes the tokens before it"
                raise SnapshotError(self._subject, expected=f"{damage} as saved", got="damaged", remedy=remedy)
        start = side.offset - self._base + first * side.row_bytes
        rows: Array = np.ndarray((last - first, places, width), self.facts.dtype, self._content, start)
        rows = rows[:, side.first - side.begin : end]
        found: Array = rows if head is None else rows[0]
        return found

    @property
    def _subject(self) -> str:
        return f"{self._path}: session {self.session_id!r}"

    def _damaged(self, side: Side, row: int, length: int) -> list[Damage]:
        """The damaged pages in the first `length` bytes of a row; those that were found as written are not looked at again."""
        pages = -(-length // self._page)
        number = side.first_page + row * (side.row_bytes // self._page)
        if self._good.count(1, number, number + pages) == pages:
            return []
        found = list[Damage]()
        start = side.offset - self._base + row * side.row_bytes
        content = self._content[start : start + pages * self._page].data
        for page in range(pages):
            first = page * self._page
            if self._good[number + page]:
                continue
            if zlib.crc32(content[first : first + self._page]) == self._checksums[number + page]:
                self._good[number + page] = 1
                continue
            at, head = divmod(row, side.shape[1])
            start_token = max(side.begin + first // side.token_bytes, side.first)
            last_token = min(side.begin + (first + self._page - 1) // side.token_bytes, len(self) - 1)
            name = side.name.partition(".")[0]
            found.append(Damage(start_token, last_token, name, side.layers[at], head))
        return found
