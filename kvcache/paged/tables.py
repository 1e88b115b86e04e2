"""List the pages of one sequence: longer, shorter, forked, with a window. It says which tokens to copy; the bytes belong to its user.

pages that the table lists are held by it once each; those before a window are given back and listed as `NONE`
"""

from collections.abc import Sequence
from typing import Final, SupportsIndex

import numpy as np
import numpy.typing as npt

from kvcache import checks
from kvcache.errors import InvalidSizeError, OutOfBoundsError
from kvcache.paged.index import Match
from kvcache.paged.pages import PagePool, Pages
from kvcache.values import Unique

NONE: Final = -1
"""In the place of a page that was given back."""


class PageTable(Unique):
    """The pages of a sequence of tokens. Not thread-safe: its owner has the lock.

    Args:
        pool: whose pages.
        page: tokens of a page.
        match: what is known of the sequence's text; its pages are the table's from now on, but not the tail.
    """

    def __init__(self, pool: PagePool, *, page: SupportsIndex = 16, match: Match | None = None) -> None:
        self.page: Final = checks.whole_number("page", page, minimum=1)
        self._pool = pool
        self._pages: list[int] = [] if match is None else match.pages.tolist()
        self._tokens = 0 if match is None else match.tokens

    def __len__(self) -> int:
        """Tokens."""
        return self._tokens

    @property
    def pages(self) -> Pages:
        """The pages in order; `NONE` for those that were given back."""
        return np.array(self._pages, np.int64)

    def extend(self, count: SupportsIndex) -> tuple[tuple[int, int], ...]:
        """Make place for tokens behind those that there are.

        Returns:
            Which pages to copy to which before anything is written. It is the last one, where others hold it, too.

        Raises:
            InvalidSizeError: not a whole number, or negative.
            OutOfMemoryError: there are not enough pages; nothing was changed.
        """
        tokens = self._tokens + checks.whole_number("extend", count, minimum=0)
        filled = self._tokens % self.page
        shared = tokens > self._tokens and filled and self._pool.holders([self._pages[-1]])[0] > 1
        new = self._pool.get(-(-tokens // self.page) - len(self._pages) + bool(shared)).tolist()
        copies: tuple[tuple[int, int], ...] = ()
        if shared:
            copies = ((self._pages[-1], new[0]),)
            self._pool.drop_one(self._pages[-1])
            self._pages[-1] = new.pop(0)
        self._pages += new
        self._tokens = tokens
        return copies

    def slots(self, first: SupportsIndex, count: SupportsIndex) -> npt.NDArray[np.int64]:
        """Where tokens lie: page times `page`, and the place in it.

        Raises:
            OutOfBoundsError: there are no such tokens, or their page was given back.
        """
        start, number = checks.whole_number("slots", first, minimum=0), checks.whole_number("slots", count, minimum=0)
        if start + number > self._tokens:
            raise OutOfBoundsError("slots", expected=f"tokens of the {self._tokens} there are", got=(start, number))
        at = np.arange(start, start + number)
        pages = self.pages[at // self.page]
        if (pages == NONE).any():
            raise OutOfBoundsError("slots", expected="tokens that were not given back", got=(start, number))
        answer: npt.NDArray[np.int64] = pages * self.page + at % self.page
        return answer

    def fork(self) -> "PageTable":
        """Another table with the same pages."""
        self._pool.hold([page for page in self._pages if page != NONE])
        heir = PageTable(self._pool, page=self.page)
        heir._pages, heir._tokens = list(self._pages), self._tokens
        return heir

    def truncate(self, count: SupportsIndex) -> None:
        """Keep the first tokens; pages behind them are given back.

        Raises:
            InvalidSizeError: not a whole number, or negative.
            OutOfBoundsError: there are fewer tokens than that, or the last page of those that are kept was given back.
        """
        kept = checks.whole_number("truncate", count, minimum=0)
        pages = -(-kept // self.page)
        if kept > self._tokens or (kept % self.page and self._pages[pages - 1] == NONE):
            raise OutOfBoundsError("truncate", expected=f"at most {self._tokens} tokens, the last one kept", got=kept)
        self._give(self._pages[pages:])
        del self._pages[pages:]
        self._tokens = kept

    def slide(self, window: SupportsIndex, *, sinks: SupportsIndex = 0) -> int:
        """Give back the pages that lie wholly before the last `window` tokens and behind the first `sinks`, and say how many.

        Raises:
            InvalidSizeError: not whole numbers, or negative.
        """
        first = -(-checks.whole_number("sinks", sinks, minimum=0) // self.page)
        last = max(self._tokens - checks.whole_number("window", window, minimum=0), 0) // self.page
        gone = [page for page in self._pages[first:last] if page != NONE]
        self._give(gone)
        self._pages[first:last] = [NONE] * max(last - first, 0)
        return len(gone)

    def release(self) -> None:
        """Give all pages back; a second time does nothing."""
        self._give(self._pages)
        self._pages, self._tokens = [], 0

    def _give(self, pages: Sequence[int]) -> None:
        self._pool.drop([page for page in reversed(pages) if page != NONE])


def select(tables: Sequence[PageTable], order: Sequence[SupportsIndex]) -> list[PageTable]:
    """Put other sequences into the places of a batch, as beam search does; the given tables are empty from then on.

    Args:
        tables: of a batch.
        order: for each place of the new batch, whose sequence it gets; some may come twice (beams) or never.

    Raises:
        OutOfBoundsError, InvalidSizeError: not places of the batch; nothing was changed.
    """
    places = [checks.index("select", place, count=len(tables)) for place in order]
    heirs = [tables[place].fork() for place in places]
    for table in tables:
        table.release()
    return heirs


def padded(tables: Sequence[PageTable], *, fill: int = NONE) -> tuple[Pages, npt.NDArray[np.int64]]:
    """The tables of a batch as kernels take them.

    Returns:
        Pages, shape [sequences, pages of the longest], filled up with `fill`; and the tokens of each, shape [sequences].

    Raises:
        InvalidSizeError: no tables.
    """
    if not tables:
        raise InvalidSizeError("padded", expected="at least one table", got=0)
    rows = [table.pages for table in tables]
    answer = np.full((len(rows), max(map(len, rows))), fill, np.int64)
    for number, row in enumerate(rows):
        answer[number, : len(row)] = row
    return answer, np.array([len(table) for table in tables], np.int64)
