"""Find a shared beginning: the index of `kvcache` compared with chained hashes of blocks.

vLLM cannot be installed on every CPU, so its published method is reimplemented here: SHA-256 over the hash of the previous block, and the
tokens of a block, pickled; one dictionary look-up per block.
"""

from __future__ import annotations

import hashlib
import pickle
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds, timed
from kvcache import KVCacheManager, KVLayout, PrefixIndex

if TYPE_CHECKING:
    from collections.abc import Callable

TOKENS, BLOCK = 1024, 16
LAYOUT = KVLayout(layers=1, kv_heads=1, head_dim=1, max_context=2 * TOKENS)
ARRAY = Claim(
    name="kvcache-prefix-array",
    what=f"find the session that has all of {TOKENS:,} tokens, given as an array, against chained hashes of blocks of {BLOCK} (vLLM's way)",
    goal=0.12,
)
LIST = Claim(name="kvcache-prefix-list", what="the same, given as a list", goal=0.25)


def chained(tokens: list[int], known: dict[bytes, int]) -> int:
    """How many tokens are known, in whole blocks."""
    before, count = b"", 0
    for start in range(0, len(tokens), BLOCK):
        block = pickle.dumps((before, tuple(tokens[start : start + BLOCK]), None), protocol=pickle.HIGHEST_PROTOCOL)
        before = hashlib.sha256(block).digest()
        if before not in known:
            break
        count += BLOCK
    return count


def sides() -> dict[str, Callable[[], float]]:
    """Seconds of one look-up."""
    array = np.random.default_rng(0).integers(0, 100_000, TOKENS)
    tokens = array.tolist()
    manager = KVCacheManager(LAYOUT, capacity_bytes=LAYOUT.block_bytes)
    manager.get_or_create("session").commit(TOKENS)
    index = PrefixIndex(manager, page=BLOCK)
    index.record("session", array)
    known: dict[bytes, int] = {}
    before = b""
    for start in range(0, TOKENS, BLOCK):
        block = pickle.dumps((before, tuple(tokens[start : start + BLOCK]), None), protocol=pickle.HIGHEST_PROTOCOL)
        before = hashlib.sha256(block).digest()
        known[before] = start
    assert index.longest(array) == ("session", TOKENS)
    assert chained(tokens, known) == TOKENS
    return {
        "array": lambda: timed(lambda: index.longest(array), 50),
        "list": lambda: timed(lambda: index.longest(tokens), 50),
        "chained": lambda: timed(lambda: chained(tokens, known), 50),
    }


def measure(place: Workplace) -> dict[str, Figures]:
    """Both."""
    samples = rounds(sides(), place.patience, count=21)
    return {
        ARRAY.name: figures(samples, "chained", ours="array"),
        LIST.name: figures(samples, "chained", ours="list"),
    }


SUBJECT = Subject(name="kvcache-prefixes", claims=(ARRAY, LIST), measure=measure)
