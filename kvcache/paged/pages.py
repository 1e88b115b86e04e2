"""Hand out numbered pages, many at once, and count the holders of each.

    free + held == count      held: pages with a holder
    the free pages are those of the stack and of the short list, each once, and have no holder

Whole calls work on arrays of page numbers. One page at a time is quicker through `get_one` and `drop_one`, which keep a short list.
A call that fails leaves every count as it was.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, SupportsIndex

import numpy as np
import numpy.typing as npt

from kvcache import checks
from kvcache.errors import DoubleFreeError, IntegrityError, InvalidSizeError, OutOfBoundsError, OutOfMemoryError
from kvcache.values import Unique

Pages = npt.NDArray[np.int64]

_SHORT: Final = 64
"""Pages that go from the stack to the short list at once, and back where it has twice as many and more."""

_FEW: Final = 4096
"""Pages that can be dropped in the quick way."""

_ORDER: Final = np.arange(_FEW)
_ORDER_BYTES: Final = _ORDER.tobytes()
_ONES: Final = np.ones(_FEW, np.int64).tobytes()


class PagePool(Unique):
    """`count` pages, numbered from 0 on. Not thread-safe: its owner has the lock.

    Args:
        count: pages.
        reclaim: asked for so many more free pages when there are too few; frees them all and says True, or changes nothing.

    Raises:
        InvalidSizeError: `count` is not a whole number above 0.
    """

    def __init__(self, count: SupportsIndex, *, reclaim: Callable[[int], bool] | None = None) -> None:
        self.count: Final = checks.whole_number("pages", count, minimum=1)
        self.reclaim = reclaim
        # Twice as many as there are pages: a negative number finds a place behind them, where no page has a holder.
        self._holders = np.zeros(2 * self.count, np.int64)
        self._holders_of = self._holders.data  # the same, quicker for one page
        self._stack = np.arange(self.count)[::-1].copy()
        self._top = self.count
        self._short: list[int] = []

    @property
    def free(self) -> int:
        """Pages without a holder."""
        return self._top + len(self._short)

    def get(self, count: SupportsIndex) -> Pages:
        """Hand out pages, each with one holder.

        Raises:
            InvalidSizeError: not a whole number, or negative.
            OutOfMemoryError: there are not so many free ones, and none can be made; the fields count pages.
        """
        top = self._top - count if type(count) is int and count >= 0 else -1
        if top < 0:
            count = self._make_room(checks.whole_number("get", count, minimum=0))
            top = self._top - count
        pages = self._stack[top : self._top].copy()
        self._top = top
        self._holders[pages] = 1
        return pages

    def get_one(self) -> int:
        """Hand out one page with one holder.

        Raises:
            OutOfMemoryError: as for `get`.
        """
        short = self._short
        if not short:
            few = min(_SHORT, self._top) or self._make_room(1)
            self._top -= few
            short += self._stack[self._top : self._top + few].tolist()
        page = short.pop()
        self._holders_of[page] = 1
        return page

    def hold(self, pages: npt.ArrayLike) -> None:
        """Count one more holder of pages that have some; a page that is listed twice has two more.

        Raises:
            OutOfBoundsError, InvalidSizeError: not pages of the pool.
            DoubleFreeError: one has no holder.
        """
        numbers = self._numbers("hold", pages)
        if not self._holders[numbers].all():
            raise self._free_already("hold", numbers)
        np.add.at(self._holders, numbers, 1)

    def drop(self, pages: npt.ArrayLike) -> None:
        """Count one holder less; a page without any is free.

        Raises:
            OutOfBoundsError, InvalidSizeError: not pages of the pool.
            DoubleFreeError: one has fewer holders than it is listed times.
        """
        holders, few = self._holders, len(pages) if type(pages) is np.ndarray else _FEW + 1
        if few <= _FEW and type(pages) is np.ndarray and pages.dtype == np.int64 and pages.ndim == 1:
            with suppress(IndexError):
                # Usually each has one holder, and is listed once: then all are free. Bytes are compared in a tenth of the time.
                if holders[pages].tobytes() == _ONES[: 8 * few]:
                    holders[pages] = _ORDER[:few]
                    unlike = holders[pages].tobytes() == _ORDER_BYTES[: 8 * few]
                    holders[pages] = 0 if unlike else 1
                    if unlike:
                        self._stack[self._top : self._top + few] = pages
                        self._top += few
                        return
        numbers = self._numbers("drop", pages)
        np.subtract.at(holders, numbers, 1)
        left = holders[numbers]
        if left.any():  # some have other holders, or were listed once too often
            if left.min() < 0:
                np.add.at(holders, numbers, 1)
                raise self._free_already("drop", numbers)
            numbers = numbers[left == 0]
        end = self._top + len(numbers)
        if end > self.count - len(self._short) or not self._unlike(numbers):
            numbers = np.unique(numbers)
            end = self._top + len(numbers)
        self._stack[self._top : end] = numbers
        self._top = end

    def drop_one(self, page: int) -> None:
        """The same for one page.

        Raises:
            OutOfBoundsError: not a page of the pool.
            DoubleFreeError: it has no holder.
        """
        holders = self._holders_of
        left = holders[page] - 1 if type(page) is int and 0 <= page < self.count else -1
        if left < 0:
            self.drop([page])
            return
        holders[page] = left
        if not left:
            short = self._short
            short.append(page)
            if len(short) >= 2 * _SHORT:
                self._put_back(_SHORT)

    def holders(self, pages: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """How many holders each page has.

        Raises:
            OutOfBoundsError, InvalidSizeError: not pages of the pool.
        """
        answer: npt.NDArray[np.int64] = self._holders[self._numbers("holders", pages)]
        return answer

    def check(self) -> None:
        """Prove the invariants of the module.

        Raises:
            IntegrityError: one of them does not hold.
        """
        free = np.sort(np.concatenate([self._stack[: self._top], np.array(self._short, np.int64)]))
        expected = np.flatnonzero(self._holders[: self.count] == 0)
        if self._holders[self.count :].any() or not np.array_equal(free, expected) or self._holders.min() < 0:
            raise IntegrityError("pages", expected=f"the free pages {expected}", got=free)

    def _make_room(self, count: int) -> int:
        """See to it that `count` pages are on the stack, and return it."""
        self._put_back(len(self._short))
        missing = count - self._top
        if missing > 0 and not (self.reclaim is not None and count <= self.count and self.reclaim(missing)):
            raise OutOfMemoryError(
                "get pages", needed=count, free=self._top, largest=self._top, capacity=self.count, whole="pool of pages"
            )
        self._put_back(len(self._short))
        return count

    def _put_back(self, count: int) -> None:
        """Move pages from the short list to the stack."""
        if count:
            self._stack[self._top : self._top + count] = self._short[-count:]
            self._top += count
            del self._short[-count:]

    def _unlike(self, numbers: Pages) -> bool:
        """Whether no page is listed twice; those are free, so their places in the counts can be used and are restored."""
        if len(numbers) < 2:
            return True
        marks = self._holders
        marks[numbers] = order = np.arange(len(numbers))
        unlike = bool((marks[numbers] == order).all())
        marks[numbers] = 0
        return unlike

    def _numbers(self, subject: str, pages: npt.ArrayLike) -> Pages:
        numbers: npt.NDArray[Any] = np.asarray(pages)
        if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
            raise InvalidSizeError(subject, expected="a row of page numbers", got=pages)
        numbers = numbers.astype(np.int64, copy=False)
        if numbers.size and (numbers.min() < 0 or numbers.max() >= self.count):
            raise OutOfBoundsError(subject, expected=f"pages from 0 to {self.count - 1}", got=numbers.tolist())
        return numbers

    def _free_already(self, subject: str, numbers: Pages) -> DoubleFreeError:
        unlike, times = np.unique(numbers, return_counts=True)
        short = unlike[self._holders[unlike] < (times if subject == "drop" else 1)]
        return DoubleFreeError(f"{subject} pages", expected="pages that have a holder", got=short.tolist())
