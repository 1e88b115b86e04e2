"""Give back what is in front of the windows of a session's layers, and say what may be done without it.

    row     [ given back | pages that are there, from `front` on: ... | first ... last token ]
    front <= first, in bytes; front is a multiple of a page; both are 0 in layers without a window

A token keeps its place in the row. It is there for as long as the window of the next token needs it, and `SLACK` tokens longer, so that
a session can be shortened a little. Tokens go `step` at a time, when the session is next written to: a view that was handed out is
right until then, and for as long as the entry is pinned.
"""

from __future__ import annotations

from kvcache.errors import OutOfBoundsError
from kvcache.memory.dirty_pages import PAGE
from kvcache.sessions.regions import SLACK
from kvcache.sessions.sharing import SharingEntry


class WindowedEntry(SharingEntry):
    """What is kept of layers with a window; taking tokens away is added by `ShorteningEntry`."""

    @property
    def shortest(self) -> int:
        """The fewest tokens, besides none, that the session can be shortened to, or another one can begin with."""
        if not self._passed:
            return 0
        groups = zip(self._layout.groups, self._firsts, strict=True)
        return max((first + group.window - 1 for group, first in groups if group.window and first), default=0)

    def pass_windows(self) -> int:
        """The manager's: give back what no window needs, if that is worth it; the lock is held.

        Returns:
            How many bytes less the cache takes.
        """
        if self._tokens < self._due or self._pins or self._gone:
            return 0
        before = self._pool.resident
        for number, group in enumerate(self._layout.groups):
            first = group.needed(self._tokens) - SLACK
            if group.window is not None and first - self._firsts[number] >= group.step:
                self._firsts[number], self._passed = first, True
                for side in (2 * number, 2 * number + 1):
                    self._give_front_back(side, first)
        self._set_due()
        return before - self._pool.resident

    def _give_front_back(self, number: int, first: int) -> None:
        """Give the pages of a region's rows back that are in front of a token, as far as they show no piece that is needed behind it."""
        region, pool = self._layout.regions[number], self._pool
        start, end = self._fronts[number], first * region.token_bytes // PAGE * PAGE
        needed = tuple(piece for piece in self._pieces[number] if piece.start + piece.length > end)
        passed = [piece for piece in self._pieces[number] if piece not in needed]
        end = min([end, *(piece.start for piece in needed)])
        for row in range(region.rows if start < end else 0):
            pool.release(self._span.offset + region.offset + row * region.row_bytes + start, end - start)
        for piece in passed:
            pool.shown_no_more(piece.rows)
            pool.drop(piece.rows)
            self._held.remove(piece.rows)
        self._put_pieces(number, needed)
        self._fronts[number] = max(start, end)

    def _refuse_lost(self, subject: str, count: int) -> None:
        """Refuse to keep so few tokens that what their windows need is not there any more.

        Raises:
            OutOfBoundsError: it is not.
        """
        if 0 < count < self.shortest:
            remedy = "make the layout without windows to go back further"
            expected = f"at least {self.shortest} tokens, or 0: those in front of a window were given back"
            raise OutOfBoundsError(subject, expected=expected, got=count, remedy=remedy)

    def _begin_again(self) -> None:
        """There is no token: take the places in front of the windows again; both locks are held."""
        if self._passed:
            self.give_back()
            self._marked = 0
            self._firsts = [0] * len(self._firsts)
            self._fronts = [0] * len(self._fronts)
            self._set_due()
