"""Check what a manager is asked for, beyond what single numbers and names have to be, and record it."""

from dataclasses import astuple
from typing import SupportsIndex

from kvcache import checks
from kvcache.errors import ContextOverflowError, InvalidSizeError
from kvcache.memory.arena import SYSTEM_PAGE
from kvcache.memory.pool import MemoryPool
from kvcache.records.receipts import Opening
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.eviction import Policy
from kvcache.sessions.layout import KVLayout
from kvcache.values import MAX_BYTES


def refuse_smaller(entry: KVCacheEntry, wanted: int) -> None:
    """Refuse a context that an entry cannot hold.

    Raises:
        ContextOverflowError: it was made for fewer tokens.
    """
    if wanted > entry.max_context_length:
        expected = f"at most the {entry.max_context_length} tokens it was made for"
        remedy = "evict it first to make it anew"
        raise ContextOverflowError(f"session {entry.session_id!r}", expected=expected, got=wanted, remedy=remedy)


def refuse_other_batch(entry: KVCacheEntry, layout: KVLayout, wanted: int) -> None:
    """Refuse another number of sequences than an entry has.

    Raises:
        InvalidSizeError: always.
    """
    has = entry.layout.sequences_of(layout)
    remedy = "evict it first to make it anew"
    raise InvalidSizeError(
        f"sequences of {entry.session_id!r}", expected=f"the {has} it was made for", got=wanted, remedy=remedy
    )


def memory_limit(memory_bytes: SupportsIndex, layout: KVLayout, pool: MemoryPool) -> int:
    """How many bytes of memory sessions may take, after checking that the pool can count and give back pages.

    Raises:
        InvalidSizeError: not a whole number of at least a page, or the layout or the pool are not for it.
    """
    limit = checks.whole_number("memory_bytes", memory_bytes, minimum=SYSTEM_PAGE)
    if layout.alignment % SYSTEM_PAGE:
        remedy = "make the layout with alignment=SYSTEM_PAGE"
        raise InvalidSizeError(
            "memory_bytes",
            expected=f"a layout aligned to pages of {SYSTEM_PAGE} bytes",
            got=layout.alignment,
            remedy=remedy,
        )
    if not pool.can_release:
        raise InvalidSizeError("memory_bytes", expected="a mapping that gives pages back, as on Linux", got="none")
    pool.use_small_pages()
    return limit


def time_to_live(seconds: float | None) -> float | None:
    """Seconds, or None for no limit.

    Raises:
        InvalidSizeError: not finite and above 0.
    """
    plain = None if seconds is None else checks.seconds("ttl_seconds", seconds)
    if plain is not None and plain <= 0:
        raise InvalidSizeError("ttl_seconds", expected="more than 0 seconds", got=seconds)
    return plain


def priority(number: SupportsIndex) -> int:
    """A plain int.

    Raises:
        InvalidSizeError: not a whole number.
    """
    return checks.whole_number("priority", number, minimum=-MAX_BYTES)


def opening(
    now: float, capacity: int, layout: KVLayout, policy: Policy, *, ttl_seconds: float | None, memory_bytes: int | None
) -> Opening:
    """The record that a trace begins with."""
    one = layout.shapes[0]
    plain = not (layout.is_mixed or one.window)
    return Opening(
        opened_at=now,
        capacity_bytes=capacity,
        layers=layout.layers,
        kv_heads=one.kv_heads,
        head_dim=one.head_dim,
        max_context=layout.max_context,
        dtype=str(layout.dtype),
        alignment=layout.alignment,
        ttl_seconds=ttl_seconds,
        policy=policy.name,
        memory_bytes=memory_bytes,
        value_dim=one.value_dim,
        encoding=layout.encoding,
        shapes=None if plain else tuple(astuple(shape) for shape in layout.shapes),
    )
