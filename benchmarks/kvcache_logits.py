"""What smaller types for keys and values do to a model: a small Llama that is trained on this repository's texts, byte by byte. Needs torch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import need_modules
from kvcache import KVCacheManager, KVLayout
from kvcache.encodings.encoding import ENCODINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYERS, HEADS, WIDTH, CONTEXT, STEPS = 2, 4, 32, 192, 900
CLAIMS = {
    name: Claim(
        name=f"kvcache-logits-{name}",
        what=f"loss on texts that it was not trained on, of a small Llama ({LAYERS} layers, {HEADS} heads of {WIDTH}) that reads keys and values"
        f" stored as {name}, against float32",
        unit="times",
    )
    for name in ENCODINGS
}


def texts() -> tuple[bytes, bytes]:
    """What is trained on, and what is not."""
    pages = sorted((Path(__file__).parents[1] / "docs").rglob("*.md"))
    contents = [page.read_bytes() for page in pages]
    return b"\n".join(contents[1::8] + contents[2:]), b"\n".join(contents[0::8])


def batches(text: bytes, source: np.random.Generator) -> Iterator[Any]:
    """Pieces of a text."""
    import torch

    numbers = np.frombuffer(text, np.uint8)
    while True:
        starts = source.integers(0, len(numbers) - CONTEXT, 8)
        yield torch.from_numpy(np.stack([numbers[start : start + CONTEXT] for start in starts]).astype(np.int64))


def trained(seconds: float) -> Any:
    """A model that has learned for so long, or for all steps."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=256,
        hidden_size=HEADS * WIDTH,
        intermediate_size=2 * HEADS * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=CONTEXT,
        eos_token_id=None,
    )
    model = LlamaForCausalLM(config).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    end = time.monotonic() + seconds
    for _, batch in zip(range(STEPS), batches(texts()[0], np.random.default_rng(0)), strict=False):
        loss = model(batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if time.monotonic() > end:
            break
    return model.eval()


def _encoded_cache(encoding: str | None, config: Any) -> Any:
    """A cache whose keys and values go through a session."""
    import torch
    from transformers import DynamicCache

    layout = KVLayout(layers=LAYERS, kv_heads=HEADS, head_dim=WIDTH, max_context=CONTEXT, encoding=encoding)
    entry = KVCacheManager(layout, capacity_bytes=layout.block_bytes).get_or_create("session")

    class Encoded(DynamicCache):  # type: ignore[misc]
        def update(self, keys: Any, values: Any, layer: int, *rest: Any, **more: Any) -> Any:
            super().update(keys, values, layer, *rest, **more)  # which counts the tokens
            entry.write(layer, keys[0].numpy(), values[0].numpy())
            return tuple(torch.from_numpy(np.array(side))[None] for side in entry.floats(layer))

    return Encoded(config=config)


def logits(model: Any, piece: Any, encoding: str | None) -> Any:
    """The logits of every byte of a text, behind the first half, one decode step after the other."""
    import torch

    cache, found, half = _encoded_cache(encoding, model.config), [], CONTEXT // 2
    with torch.no_grad():
        found.append(model(piece[:, :half], cache=cache).logits[:, -1:])
        found += [model(piece[:, at : at + 1], cache=cache).logits for at in range(half, CONTEXT - 1)]
    return torch.cat(found, dim=1)


def measure(place: Workplace) -> dict[str, Figures]:
    """Of each encoding: the loss, how far probabilities move, and how often the likeliest byte stays the same."""
    need_modules("torch", "transformers", extra="transformers")
    import torch

    torch.set_num_threads(1)
    model, source = trained(max(150.0, place.patience)), np.random.default_rng(1)
    pieces = [
        piece for _, batch in zip(range(1), batches(texts()[1], source), strict=False) for piece in batch.split(1)
    ]
    loss: dict[str | None, list[float]] = {name: [] for name in (None, *ENCODINGS)}
    moved: dict[str | None, list[float]] = {name: [] for name in ENCODINGS}
    same: dict[str | None, list[float]] = {name: [] for name in ENCODINGS}
    for piece in pieces:
        right = piece[0, CONTEXT // 2 :]
        plain = torch.log_softmax(logits(model, piece, None)[0], -1)
        loss[None].append(float(torch.nn.functional.nll_loss(plain, right)))
        for name in ENCODINGS:
            other = torch.log_softmax(logits(model, piece, name)[0], -1)
            loss[name].append(float(torch.nn.functional.nll_loss(other, right)))
            moved[name].append(float((plain.exp() * (plain - other)).sum(-1).mean()))
            same[name].append(float((plain.argmax(-1) == other.argmax(-1)).float().mean()))
    return {
        CLAIMS[name].name: Figures(
            ours=float(np.mean(loss[name])),
            other=float(np.mean(loss[None])),
            runs=len(pieces),
            note=f"{np.mean(loss[name]):.4f} and {np.mean(loss[None]):.4f} nats per byte; divergence {np.mean(moved[name]):.1e} nats, same likeliest byte {np.mean(same[name]):.1%}",
        )
        for name in ENCODINGS
    }


SUBJECT = Subject(name="kvcache-logits", claims=tuple(CLAIMS.values()), measure=measure)
