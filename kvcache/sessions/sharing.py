"""Begin a session with the tokens of another one without a copy: both show the same sealed rows, copy-on-write.

What two sessions share are the whole pages at the beginning of each row. The rest of the last page is copied, because the page goes
its own way in both. A piece that is sealed stays as it is for as long as any session shows it; the session that it was made from shows
it, too, in place of its earlier pages. Pages that are written to (after a truncation, say) become the session's own again.

    shown bytes of a row: pieces behind each other, from its first page on; each is held by every block that shows it
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Final, SupportsIndex

import numpy as np

from kvcache import checks
from kvcache.errors import InvalidSessionError, OutOfBoundsError
from kvcache.memory.dirty_pages import PAGE
from kvcache.memory.sealed import SealedRows
from kvcache.sessions.readable import ReadableEntry
from kvcache.sessions.regions import Region
from kvcache.values import Array

WORTH: Final = 4 * PAGE
"""Bytes of a row from which on showing it takes less time than copying it: a mapping and its faults cost some 10 microseconds."""

_PIECES: Final = 8
"""That a row may be shown in; each takes its own mappings."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The first `length` bytes of sealed rows, shown from byte `start` on of each row of a region."""

    rows: SealedRows
    start: int
    length: int

    def until(self, end: int) -> "Piece | None":
        """The part before the byte `end` of a row, if there is one."""
        length = min(self.length, end - self.start)
        return Piece(self.rows, self.start, length) if length > 0 else None


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first tokens of a session, to begin another one with.

    Attributes:
        tokens: how many.
        firsts: the first token that is there, for each group of layers; those before it are in front of the window.
        pieces: what is shown, for each region of the layout.
        tails: what has to be copied, for each region: the bytes of each row from the first token, or from behind the pieces, up to
            the last token; shape [rows, bytes].
    """

    tokens: int
    firsts: Sequence[int]
    pieces: Sequence[tuple[Piece, ...]]
    tails: Sequence[Array]

    @property
    def shows(self) -> bool:
        """Whether anything need not be copied."""
        return any(self.pieces)

    @property
    def size(self) -> int:
        """Bytes that have to be copied."""
        return sum(tail.nbytes for tail in self.tails)


class SharingEntry(ReadableEntry):
    """What a session shares with others; writing is added by `KVCacheEntry`."""

    @property
    def shared_bytes(self) -> int:
        """Bytes of the tokens that lie in sealed rows, which other sessions may show, too."""
        return sum(piece.rows.rows * piece.length for pieces in self._pieces for piece in pieces)

    @property
    def held(self) -> tuple[SealedRows, ...]:
        """The sealed rows that the block shows, whose memory goes with the last block that shows them."""
        return tuple(self._held)

    @property
    def can_show(self) -> bool:
        """Whether rows of elsewhere can be shown in the block: each begins at a page, and the system knows how to."""
        places = ((self._span.offset + region.offset) | region.row_bytes for region in self._layout.regions)
        return self._pool.can_share and not any(place % PAGE for place in places)

    def contents(self, tokens: SupportsIndex | None = None) -> Beginning:
        """The manager's: look at the first tokens (None: all), to copy them elsewhere; pin the entry for as long as that takes.

        Raises:
            StaleEntryError: the block is gone.
            InvalidSizeError, OutOfBoundsError: it has not so many tokens.
        """
        with self._ledger.lock:
            self._refuse_if_stale()
            count = self._counted(tokens)
            regions = self._layout.regions
            firsts = self._firsts if count else [0] * len(self._firsts)
            rows = [
                self._row_bytes(region)[:, firsts[region.group] * region.token_bytes : count * region.token_bytes]
                for region in regions
            ]
            return Beginning(count, tuple(firsts), ((),) * len(regions), rows)

    def beginning(self, tokens: SupportsIndex | None = None) -> Beginning:
        """The manager's: get ready to show the first tokens (None: all) elsewhere, too; `let_go` of it in the end.

        Raises:
            StaleEntryError: the block is gone.
            InvalidSizeError, OutOfBoundsError: it has not so many tokens.
        """
        ledger, regions = self._ledger, self._layout.regions
        with self._writing:
            with ledger.lock:
                self._refuse_if_stale()
                count = self._counted(tokens)
                self._start(ledger.latest)
            try:
                with suppress(OSError):  # where the system gives no more of what it takes, more is copied
                    for number, region in enumerate(regions):
                        self._seal(number, region, count * region.token_bytes // PAGE * PAGE)
                with ledger.lock:
                    ends = [count * region.token_bytes for region in regions]
                    pieces = [_until(shown, end // PAGE * PAGE) for shown, end in zip(self._pieces, ends, strict=True)]
                    for piece in chain(*pieces):
                        self._pool.hold(piece.rows)
                firsts = self._firsts if count else [0] * len(self._firsts)
                starts = (firsts[region.group] * region.token_bytes for region in regions)
                rows = zip(map(self._row_bytes, regions), pieces, starts, ends, strict=True)
                tails = [content[:, max(_end(shown), start) : end] for content, shown, start, end in rows]
                if any(pieces):  # a copy: the session may go on while another one begins
                    tails = [tail.copy() for tail in tails]
            finally:
                with ledger.lock:
                    self._end()
                    self._trace_end("zeroed")
        return Beginning(count, tuple(firsts), pieces, tails)

    def let_go(self, beginning: Beginning) -> None:
        """The manager's: a beginning of this session is needed no more."""
        with self._ledger.lock:
            for piece in chain(*beginning.pieces):
                self._pool.drop(piece.rows)

    def begin(self, beginning: Beginning) -> None:
        """The manager's: begin a new session with a beginning; where it fails, the session is of no use.

        Raises:
            InvalidSessionError: it has tokens already; nothing was changed.
            StaleEntryError: the block is gone, or went meanwhile.
            OutOfMemoryError: there is no memory for what has to be copied.
            OSError: the system has no mappings left.
        """
        ledger, count = self._ledger, beginning.tokens
        with self._writing:
            if not self._ready:
                self._make_ready()
            with ledger.lock:
                self._refuse_if_stale()
                if self._tokens or self._ahead:
                    expected = "a session that is not written to meanwhile"
                    raise InvalidSessionError(f"fork to {self._session_id!r}", expected=expected, got=self._session_id)
                regions = self._layout.regions
                for number, region in enumerate(regions):
                    for piece in beginning.pieces[number]:
                        self._show(number, region, piece)
                self._begin_at(beginning.firsts, beginning.pieces)
                self._mark(count, list(map(max, map(_end, beginning.pieces), self._fronts)))
                now = ledger.now()
                self._touch(now)
                self._start(now)
            try:
                for region, tail in zip(regions, beginning.tails, strict=True):
                    end = count * region.token_bytes
                    self._row_bytes(region)[:, end - tail.shape[1] : end] = tail
            except BaseException:
                with ledger.lock:
                    self._end()
                    self._trace_end("end")
                raise
            with ledger.lock:
                self._end()
                if self._gone:
                    self._trace_end("end")
                    self._refuse_if_stale()
                self._advance(count)
        ledger.deliver()

    def _begin_at(self, firsts: Sequence[int], pieces: Sequence[tuple[Piece, ...]] | None = None) -> None:
        """Say that the tokens before the first ones (of each group) are not there; both locks are held."""
        self._firsts, self._passed = list(firsts), self._passed or any(firsts)
        for number, region in enumerate(self._layout.regions):
            front = firsts[region.group] * region.token_bytes // PAGE * PAGE
            shown = () if pieces is None else pieces[number]
            self._fronts[number] = min([front, *(piece.start for piece in shown)])
        self._set_due()

    def unshare(self) -> None:
        """Take memory for all tokens, so that those that are counted may be changed through `rows_mut`.

        Raises:
            StaleEntryError: the block is gone.
            OutOfMemoryError: there is no memory for them.
        """
        with self._alone():
            self._own()
        self._ledger.deliver()

    def give_back(self) -> None:
        """The manager's: the block is used no more; the lock is held."""
        for rows in self._held:
            self._pool.shown_no_more(rows)
            self._pool.drop(rows)
        # Those who write by themselves may have written in front of a window, too.
        if (self._held or self._passed) and not self._pool.closed:
            self._pool.release(self._span.offset, self._span.length)
        self._held = []
        self._show_nothing()

    def _show_nothing(self) -> None:
        """Every page is the session's own."""
        self._pieces = ((),) * len(self._layout.regions)

    def _own(self) -> None:
        """Take memory for all that is shown, so that any of it may be written to; both locks are held."""
        if self._held:
            self._marked = 0
            self._mark(self._tokens)
            self._show_nothing()

    def _keep(self, tokens: int) -> None:
        """Only the first tokens are left, so that the pages behind them may be written to; both locks are held."""
        if self._held:
            self._marked = min(self._marked, tokens)
            self._pieces = tuple(
                _until(pieces, tokens * region.token_bytes // PAGE * PAGE)
                for pieces, region in zip(self._pieces, self._layout.regions, strict=True)
            )

    def _write_again(self, first: int, end: int) -> None:
        """Take memory for the tokens from `first` up to `end` that are shown, which are about to be written; both locks are held.

        Raises:
            OutOfMemoryError: there is none; nothing was changed.
        """
        if self._held:
            marked = self._marked
            self._marked = min(first, marked)
            try:
                self._mark(max(end, first))
            except BaseException:
                self._marked = marked
                raise
            again = self._marked
            self._keep(first)
            self._marked = max(again, first)

    def _seal(self, number: int, region: Region, end: int) -> None:
        """Seal the bytes of a region's rows up to `end`, as far as that is worth it; `_writing` is held, the manager's lock not.

        Raises:
            OSError: the system gives no memory, or no mappings.
        """
        pool, ledger, start = self._pool, self._ledger, max(_end(self._pieces[number]), self._fronts[number])
        in_pages = (self._span.offset + region.offset) % PAGE == 0 and region.row_bytes % PAGE == 0
        if end - start < WORTH or len(self._pieces[number]) == _PIECES or not (in_pages and pool.can_share):
            return
        bytes_of_rows = self._row_bytes(region)
        with ledger.lock:
            rows = pool.sealed_rows(end - start)
            pool.hold(rows)
        try:
            for row in bytes_of_rows:
                rows.keep(row[start:end])
            rows.seal()
            with ledger.lock:
                self._show(number, region, Piece(rows, start, end - start))
        finally:
            with ledger.lock:
                pool.drop(rows)

    def _show(self, number: int, region: Region, piece: Piece) -> None:
        """Show a piece in each row of a region; both locks are held.

        Raises:
            OSError: the system has no mappings left.
        """
        first = self._span.offset + region.offset + piece.start
        taken = self._pool.mapped_rows
        try:
            self._pool.show(piece.rows, first, piece.length, stride=region.row_bytes)
        finally:
            if self._pool.mapped_rows > taken:  # some rows are shown, even where the system refused others
                self._pool.hold(piece.rows)
                self._held.append(piece.rows)
        self._put_pieces(number, (*self._pieces[number], piece))

    def _put_pieces(self, number: int, pieces: tuple[Piece, ...]) -> None:
        """Say what a region shows."""
        self._pieces = (*self._pieces[:number], pieces, *self._pieces[number + 1 :])

    def _counted(self, tokens: SupportsIndex | None) -> int:
        """The number of tokens to begin with, after checking that there are so many; the manager's lock is held."""
        count = self._tokens if tokens is None else checks.whole_number("fork", tokens, minimum=0)
        if count > self._tokens:
            raise OutOfBoundsError("fork", expected=f"at most the {self._tokens} tokens there are", got=count)
        self._refuse_lost("fork", count)
        return count

    def _refuse_lost(self, subject: str, count: int) -> None:
        """Refuse a number of tokens whose windows are not there any more, see `windows`."""
        raise NotImplementedError

    def _row_bytes(self, region: Region) -> Array:
        """A region as bytes, shape [rows, bytes of a row]; the caller marks it before it writes."""
        start, length = self._span.offset + region.offset, region.rows * region.row_bytes
        return self._pool.view_unmarked(start, length, np.uint8).reshape(region.rows, region.row_bytes)


def enough_of(entries: Iterable[SharingEntry], short: int) -> list[SharingEntry] | None:
    """The first entries whose blocks give `short` bytes of memory back together; None where all of them give less.

    Sealed rows are given back with the last block that shows them. A block that adds nothing to what the others give is left out.
    """
    chosen, shown = list[SharingEntry](), Counter[SealedRows]()
    for entry in entries:
        if short <= 0:
            break
        chosen.append(entry)
        shown.update(entry.held)
        short -= entry.resident_bytes + sum(rows.size for rows in entry.held if shown[rows] == rows.holders)
    if short > 0:
        return None
    given = {rows for rows, count in shown.items() if count == rows.holders}
    return [entry for entry in chosen if entry.resident_bytes or not given.isdisjoint(entry.held)]


def _end(pieces: Sequence[Piece]) -> int:
    """The byte of a row behind the last piece; 0 where there is none."""
    return pieces[-1].start + pieces[-1].length if pieces else 0


def _until(pieces: Iterable[Piece], end: int) -> tuple[Piece, ...]:
    """The parts of pieces before the byte `end` of a row."""
    return tuple(part for piece in pieces if (part := piece.until(end)) is not None)
