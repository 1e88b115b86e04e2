"""Choose what must go, from entries and a need; the result is a list of victims in order. Pure: nothing here is ever evicted.

An entry of a lower priority goes before any of a higher one; among those of the same, a policy says what losing an entry would cost.
The choice is a window: a run of entries and free spans that touch each other.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, Final, Literal, Protocol, TypeAlias

from kvcache import checks
from kvcache.errors import InvalidSizeError
from kvcache.values import EvictionReason, Span


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the choice must know of an entry.

    Attributes:
        session_id: whose entry it is.
        span: where its block lies.
        last_accessed: when it was last used, in seconds.
        tokens: that it holds.
        uses: how often it was made, got or appended to.
        expires_at: when its time to live ends, in seconds; infinite where it has none.
        priority: entries of a lower one go first.
    """

    session_id: str
    span: Span
    last_accessed: float
    tokens: int = 0
    uses: int = 1
    expires_at: float = math.inf
    priority: int = 0


class Policy(Protocol):
    """What losing an entry costs.

    Attributes:
        name: as in records and on the command line.
        reason: why its victims go.
        combine: whether a window costs as much as its dearest entry, or as all of them together. A sum needs costs of
            0 or more, and finite ones.
        monotone: whether the cost of an entry never falls while it lives; finding the cheapest is quicker then.
    """

    @property
    def name(self) -> str:
        """As in records and on the command line."""

    @property
    def reason(self) -> EvictionReason:
        """Why its victims go."""

    @property
    def combine(self) -> Literal["max", "sum"]:
        """How the costs of several entries come to one."""

    @property
    def monotone(self) -> bool:
        """Whether the cost of an entry never falls while it lives."""

    def cost(self, candidate: Candidate, now: float, /) -> float:
        """What losing `candidate` costs; larger is worth more to keep. Never NaN."""


@dataclass(frozen=True, slots=True)
class LRU:
    """The entry that was used last is the dearest."""

    name: ClassVar[str] = "lru"
    reason: ClassVar[EvictionReason] = EvictionReason.LRU
    combine: ClassVar[Literal["max", "sum"]] = "max"
    monotone: ClassVar[bool] = True

    def cost(self, candidate: Candidate, now: float, /) -> float:  # noqa: ARG002 - the signature is the protocol's
        """When it was used."""
        return candidate.last_accessed


@dataclass(frozen=True, slots=True)
class TTL:
    """The entry with the most time to live is the dearest; one without an end is dearer than any other."""

    name: ClassVar[str] = "ttl"
    reason: ClassVar[EvictionReason] = EvictionReason.PRESSURE
    combine: ClassVar[Literal["max", "sum"]] = "max"
    monotone: ClassVar[bool] = True

    def cost(self, candidate: Candidate, now: float, /) -> float:  # noqa: ARG002
        """When its time ends."""
        return candidate.expires_at


@dataclass(frozen=True, slots=True)
class LFU:
    """The entry that was used most often is the dearest; a window costs the uses of all its entries."""

    name: ClassVar[str] = "lfu"
    reason: ClassVar[EvictionReason] = EvictionReason.PRESSURE
    combine: ClassVar[Literal["max", "sum"]] = "sum"
    monotone: ClassVar[bool] = True

    def cost(self, candidate: Candidate, now: float, /) -> float:  # noqa: ARG002
        """How often it was used."""
        return float(candidate.uses)


def _linear(tokens: int) -> float:
    return float(tokens)


@dataclass(frozen=True, slots=True)
class RecomputeCost:
    """What it takes to compute the tokens again, times how recent they are, divided by the bytes they hold.

    Attributes:
        of_tokens: the cost of computing so many tokens; the number itself unless said otherwise. Attention makes long
            contexts dearer: `lambda n: a * n + b * n * n`.
        half_life: seconds without a use after which an entry is worth half.
    """

    of_tokens: Callable[[int], float] = _linear
    half_life: float = 300.0
    name: ClassVar[str] = "cost"
    reason: ClassVar[EvictionReason] = EvictionReason.PRESSURE
    combine: ClassVar[Literal["max", "sum"]] = "sum"
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if checks.seconds("half_life", self.half_life) <= 0:
            raise InvalidSizeError("half_life", expected="more than 0 seconds", got=self.half_life)

    def cost(self, candidate: Candidate, now: float, /) -> float:
        """Cost of computing it again, halved for every half-life without a use, per byte."""
        idle = max(0.0, now - candidate.last_accessed)
        recency = math.exp2(-idle / self.half_life)
        return self.of_tokens(candidate.tokens) * recency / candidate.span.length


POLICIES: dict[str, Policy] = {policy.name: policy for policy in (LRU(), TTL(), LFU(), RecomputeCost())}
"""By name, with their defaults."""

_Tile: TypeAlias = tuple[Span, Candidate | None]

Rank: TypeAlias = tuple[float, float]
"""A priority, and a cost by the policy: the lowest goes first."""

_FREE: Final[Rank] = (-math.inf, -math.inf)


def rank(policy: Policy, candidate: Candidate, now: float) -> Rank:
    """What losing an entry costs, its priority first."""
    return candidate.priority, policy.cost(candidate, now)


def choose_window(
    candidates: Iterable[Candidate],
    free: Iterable[Span],
    *,
    size: int,
    alignment: int,
    policy: Policy | None = None,
    now: float = 0.0,
) -> tuple[str, ...] | None:
    """Choose the contiguous run of entries and free spans whose removal makes room for `size` bytes in one piece.

    Bytes count only where they touch each other: freed spans with a live one between them serve no request. Of the runs that
    suffice it takes the one whose highest priority is the lowest, then the one that costs least by the policy, then the one with
    the fewest entries, then the one that lies lowest. A block that is neither a candidate nor free ends a run. Takes O(n log n) for n candidates and free spans.

    Args:
        candidates: the entries that may go.
        free: the free spans.
        size: bytes needed in one piece, above 0.
        alignment: bytes; a power of two that the offset of the piece must be a multiple of.
        policy: what losing an entry costs; least recently used goes first when it is None.
        now: in seconds, for the policy.

    Returns:
        Session ids, the cheapest first; empty when a free span suffices already; None when no run suffices, so that none
        should go.
    """
    rule = policy or LRU()
    tiles: list[_Tile] = [(span, None) for span in free]
    tiles += [(candidate.span, candidate) for candidate in candidates]
    tiles.sort(key=lambda tile: tile[0].offset)
    ranks = [_FREE if candidate is None else rank(rule, candidate, now) for _, candidate in tiles]
    sums = list(accumulate((0.0 if cost == -math.inf else cost for _, cost in ranks), initial=0.0))
    counts = list(accumulate((candidate is not None for _, candidate in tiles), initial=0))
    adding = rule.combine == "sum"

    best: tuple[Rank, int, int] | None = None
    window = range(0)
    left = 0
    dearest: deque[int] = deque()  # indices of tiles in the window by falling rank: the head is its maximum
    for right, (span, _) in enumerate(tiles):
        if right and tiles[right - 1][0].end != span.offset:
            left = right
            dearest.clear()
        while dearest and ranks[dearest[-1]] <= ranks[right]:
            dearest.pop()
        dearest.append(right)
        # Fewer tiles never cost more, so for each right end only the shortest window is worth a look.
        while left < right and _fits(tiles[left + 1][0].offset, span.end, size, alignment):
            if dearest[0] == left:
                dearest.popleft()
            left += 1
        start = tiles[left][0].offset
        if _fits(start, span.end, size, alignment):
            top, cost = ranks[dearest[0]]
            total = top, sums[right + 1] - sums[left] if adding else cost
            price = total, counts[right + 1] - counts[left], start
            if best is None or price < best:
                best, window = price, range(left, right + 1)
    if best is None:
        return None
    chosen = [(ranks[at], tiles[at][1]) for at in window]
    return _cheapest_first([(ranked, candidate) for ranked, candidate in chosen if candidate is not None])


def choose_expired(candidates: Iterable[Candidate], *, now: float) -> tuple[str, ...]:
    """Choose the entries whose time to live has ended.

    Returns:
        Session ids, least recently used first.
    """
    return _cheapest_first([((0, each.last_accessed), each) for each in candidates if each.expires_at <= now])


def _cheapest_first(ranked: Sequence[tuple[Rank, Candidate]]) -> tuple[str, ...]:
    return tuple(candidate.session_id for _, candidate in sorted(ranked, key=_by_rank))


def _by_rank(ranked: tuple[Rank, Candidate]) -> tuple[Rank, float, int]:
    own, candidate = ranked
    return own, candidate.last_accessed, candidate.span.offset


def _fits(start: int, end: int, size: int, alignment: int) -> bool:
    return start + (-start & (alignment - 1)) + size <= end
