"""A small transformer that decodes several sessions through the pool while there is room for half of them only.

    python docs/kvcache/transformer.py

Weights are random and seeded; grouped-query attention, rotary positions, RMS norm, two layers. What the cache evicts is
computed again from the session's tokens, so the logits are those of a model without a cache.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kvcache import KVCacheEntry, KVCacheManager, KVLayout

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """How large the model is."""

    vocabulary: int = 101
    width: int = 64
    layers: int = 2
    heads: int = 8
    kv_heads: int = 2
    head_dim: int = 8
    hidden: int = 96
    context: int = 48


class Transformer:
    """Weights, and what they do to tokens."""

    def __init__(self, shape: Shape, seed: int = 0) -> None:
        self.shape = shape
        source = np.random.default_rng(seed)

        def weights(rows: int, columns: int) -> Floats:
            return (source.standard_normal((rows, columns)) / math.sqrt(rows)).astype(np.float32)

        queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.embedding = weights(shape.vocabulary, shape.width) * math.sqrt(shape.vocabulary)
        self.layers = [
            {
                "query": weights(shape.width, queries),
                "key": weights(shape.width, keys),
                "value": weights(shape.width, keys),
                "out": weights(queries, shape.width),
                "up": weights(shape.width, shape.hidden),
                "down": weights(shape.hidden, shape.width),
            }
            for _ in range(shape.layers)
        ]
        self.layout = KVLayout(
            layers=shape.layers, kv_heads=shape.kv_heads, head_dim=shape.head_dim, max_context=shape.context
        )

    def forward(self, tokens: list[int], entry: KVCacheEntry | None = None) -> Floats:
        """Run new tokens behind those that the cache holds, and leave theirs there.

        Args:
            tokens: the new ones.
            entry: the session's; None: there are no tokens before, and none are kept.

        Returns:
            Logits of the last token, shape [vocabulary].
        """
        shape = self.shape
        before = len(entry) if entry else 0
        places = np.arange(before, before + len(tokens))
        x = self.embedding[tokens]
        for number, layer in enumerate(self.layers):
            normal = rms_norm(x)
            query = rotate((normal @ layer["query"]).reshape(-1, shape.heads, shape.head_dim), places)
            key = rotate((normal @ layer["key"]).reshape(-1, shape.kv_heads, shape.head_dim), places)
            value = (normal @ layer["value"]).reshape(-1, shape.kv_heads, shape.head_dim)
            keys, values = key.transpose(1, 0, 2), value.transpose(1, 0, 2)
            if entry:
                keys, values = entry.write(number, keys, values)  # all of them, without a copy
            x = x + attention(query, keys, values, places) @ layer["out"]
            x = x + np.maximum(rms_norm(x) @ layer["up"], 0) @ layer["down"]
        if entry:
            entry.commit()
        logits: Floats = rms_norm(x)[-1] @ self.embedding.T
        return logits


def rms_norm(x: Floats) -> Floats:
    """Scale each row to a root mean square of 1."""
    scaled: Floats = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(1e-6))
    return scaled


def rotate(x: Floats, places: npt.NDArray[np.int64]) -> Floats:
    """Rotary positions: Su et al., "RoFormer", 2021. Shape [tokens, heads, head_dim]."""
    half = x.shape[-1] // 2
    angles = places[:, None] * (10000.0 ** (-np.arange(half) / half))[None, :]
    cosine, sine = (f(angles).astype(np.float32)[:, None, :] for f in (np.cos, np.sin))
    first, second = x[..., :half], x[..., half:]
    return np.concatenate([first * cosine - second * sine, first * sine + second * cosine], axis=-1)


def attention(query: Floats, keys: Floats, values: Floats, places: npt.NDArray[np.int64]) -> Floats:
    """Causal attention in which each key head serves a group of query heads.

    Args:
        query: shape [tokens, heads, head_dim].
        keys: shape [kv_heads, all tokens, head_dim].
        values: the same shape as `keys`.
        places: of the queries.

    Returns:
        Shape [tokens, heads * head_dim].
    """
    count, heads, head_dim = query.shape
    grouped = query.reshape(count, keys.shape[0], heads // keys.shape[0], head_dim)
    scores = np.einsum("tkgd,ksd->tkgs", grouped, keys) / np.float32(math.sqrt(head_dim))
    scores[:, :, :, :] = np.where(np.arange(keys.shape[1]) <= places[:, None, None, None], scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    mixed: Floats = np.einsum("tkgs,ksd->tkgd", weights, values).reshape(count, heads * head_dim)
    return mixed


def decode_step(model: Transformer, manager: KVCacheManager, session: str, tokens: list[int]) -> Floats:
    """Logits behind `tokens`, computing only those that the cache does not hold; shape [vocabulary]."""
    entry = manager.get_or_create(session)
    with entry.pin():  # it is not evicted while its views are read
        return model.forward(tokens[len(entry) :], entry)


def main(sessions: int = 6, steps: int = 24) -> None:
    """Decode, compare each step with a model without a cache, and tell what the cache did."""
    model = Transformer(Shape())
    source = np.random.default_rng(1)
    texts = {f"session-{number}": [int(source.integers(101))] * 3 for number in range(sessions)}
    worst = 0.0
    with KVCacheManager(model.layout, capacity_bytes=sessions // 2 * model.layout.block_bytes) as manager:
        for step in range(steps):
            # Two sessions are talked to all the time, the others in turns.
            for name in ("session-0", "session-1", f"session-{2 + step % (sessions - 2)}"):
                logits = decode_step(model, manager, name, texts[name])
                plain = model.forward(texts[name])
                worst = max(worst, float(np.abs(logits - plain).max()))
                texts[name].append(int(logits.argmax()))
        statistics = manager.statistics()
        manager.check()
    print(f"{statistics.hits} hits, {statistics.misses} misses, {statistics.evictions.total} evictions")
    print("logits as without a cache:", worst < 1e-4)


if __name__ == "__main__":
    main()
