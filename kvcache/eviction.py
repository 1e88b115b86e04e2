"""Choose who must go: entries and a need in, ordered victims out. Pure; nothing here is ever evicted."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from kvcache.values import Span


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the choice must know of an entry.

    Attributes:
        session_id: whose entry it is.
        span: where its block lies.
        last_accessed: when it was last used, in seconds.
    """

    session_id: str
    span: Span
    last_accessed: float


def choose_window(
    candidates: Iterable[Candidate], free: Iterable[Span], *, size: int, alignment: int
) -> tuple[str, ...] | None:
    """Choose the contiguous run of entries and free spans whose removal makes room for `size` bytes in one piece.

    Bytes count only where they touch each other: freed spans with a live one between them serve no request. Of the runs that
    suffice it takes the one whose most recently used entry is the oldest, then the one with the fewest entries, then the
    one that lies lowest. A block that is neither a candidate nor free ends a run.

    Args:
        candidates: the entries that may go.
        free: the free spans.
        size: bytes needed in one piece, above 0.
        alignment: bytes; a power of two that the offset of the piece must be a multiple of.

    Returns:
        Session ids, least recently used first; empty when a free span suffices already; None when no run suffices, so that
        nobody should go.
    """
    tiles: list[tuple[Span, Candidate | None]] = [(span, None) for span in free]
    tiles += [(candidate.span, candidate) for candidate in candidates]
    tiles.sort(key=lambda tile: tile[0].offset)

    best: tuple[tuple[float, int, int], int, int] | None = None
    left = victims = 0
    newest: deque[int] = deque()  # indices of entries in the window, most recent use first: the head is its maximum
    for right, (span, candidate) in enumerate(tiles):
        if right and tiles[right - 1][0].end != span.offset:
            left, victims = right, 0
            newest.clear()
        if candidate is not None:
            victims += 1
            while newest and _last_use(tiles[newest[-1]]) <= candidate.last_accessed:
                newest.pop()
            newest.append(right)
        # Fewer tiles never cost more, so for each right end only the shortest window is worth a look.
        while left < right and _fits(tiles[left + 1][0].offset, span.end, size, alignment):
            victims -= tiles[left][1] is not None
            if newest and newest[0] == left:
                newest.popleft()
            left += 1
        start = tiles[left][0].offset
        if _fits(start, span.end, size, alignment):
            cost = (_last_use(tiles[newest[0]]) if newest else float("-inf"), victims, start)
            if best is None or cost < best[0]:
                best = cost, left, right
    if best is None:
        return None
    chosen = [candidate for _, candidate in tiles[best[1] : best[2] + 1] if candidate is not None]
    return _oldest_first(chosen)


def choose_expired(candidates: Iterable[Candidate], *, now: float, ttl: float) -> tuple[str, ...]:
    """Choose the entries that nobody has used for `ttl` seconds or longer.

    Returns:
        Session ids, least recently used first.
    """
    return _oldest_first(candidate for candidate in candidates if now - candidate.last_accessed >= ttl)


def _oldest_first(candidates: Iterable[Candidate]) -> tuple[str, ...]:
    ordered = sorted(candidates, key=lambda candidate: (candidate.last_accessed, candidate.span.offset))
    return tuple(candidate.session_id for candidate in ordered)


def _fits(start: int, end: int, size: int, alignment: int) -> bool:
    return start + (-start & (alignment - 1)) + size <= end


def _last_use(tile: tuple[Span, Candidate | None]) -> float:
    _, candidate = tile
    return candidate.last_accessed if candidate is not None else float("-inf")
