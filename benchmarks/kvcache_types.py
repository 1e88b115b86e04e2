"""Compare smaller types for keys and values with float32: the conversion, and a decode step of NumPy on what is stored."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds, timed
from kvcache import KVCacheManager, KVLayout
from kvcache.encodings.encoding import ENCODINGS
from kvcache.encodings.halves import BFloat16, round_to_bfloat16

if TYPE_CHECKING:
    from collections.abc import Callable

LAYERS, HEADS, WIDTH, CONTEXT = 16, 8, 64, 4096
SHAPE = f"{LAYERS} layers x {HEADS} heads x {WIDTH} at {CONTEXT:,} tokens"
NUMBERS = f"{HEADS} heads x {CONTEXT:,} tokens x {WIDTH}"
WRITE = Claim(
    name="kvcache-bfloat16",
    what=f"convert float32 numbers ({NUMBERS}) to bfloat16, against NumPy's conversion to float16",
    goal=0.33,
)
ALONE = Claim(name="kvcache-bfloat16-numpy", what="the same without the package ml_dtypes, by NumPy alone", goal=0.33)
STEPS = {
    name: Claim(
        name=f"kvcache-step-{name}",
        what=f"decode step in NumPy, write and attention of all layers ({SHAPE}), stored as {name}, against float32",
    )
    for name in ENCODINGS
}
BYTES = {
    name: Claim(
        name=f"kvcache-bytes-{name}",
        what=f"bytes of a token (heads of {WIDTH}) as {name}, against float32",
        unit="bytes",
    )
    for name in ENCODINGS
}


def conversions() -> dict[str, Callable[[], float]]:
    """Seconds of one conversion."""
    floats = np.random.default_rng(0).standard_normal((HEADS, CONTEXT, WIDTH), np.float32)
    stored, halves, coder = np.empty(floats.shape, np.uint16), np.empty(floats.shape, np.float16), BFloat16()
    return {
        "ours": lambda: timed(lambda: coder.encode(floats)),
        "alone": lambda: timed(lambda: round_to_bfloat16(floats, stored)),
        "float16": lambda: timed(lambda: np.copyto(halves, floats, casting="unsafe")),
    }


def layout_in(encoding: str | None) -> KVLayout:
    """The layout of the decode steps."""
    return KVLayout(layers=LAYERS, kv_heads=HEADS, head_dim=WIDTH, max_context=CONTEXT, encoding=encoding)


def decode_step(encoding: str | None) -> Callable[[], float]:
    """Seconds of one token: each layer is written and attends to all tokens."""
    layout = layout_in(encoding)
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes)
    source = np.random.default_rng(0)
    entry = manager.get_or_create("session")
    for _ in range(0, CONTEXT - 1, 273):
        tokens = source.standard_normal((273, *layout.token_shape), np.float32)
        entry.append(tokens, tokens)
    token = source.standard_normal((HEADS, 1, WIDTH), np.float32)
    room = np.empty((HEADS, CONTEXT, WIDTH), np.float32), np.empty((HEADS, CONTEXT, WIDTH), np.float32)

    def step() -> None:
        for layer in range(LAYERS):
            entry.write(layer, token, token)
            keys, values = entry.floats(layer, out=room)
            scores = token @ keys.transpose(0, 2, 1)
            scores -= scores.max(-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(-1, keepdims=True)
            scores @ values

    def measured() -> float:
        seconds = timed(step)
        entry.truncate(CONTEXT - 1)
        return seconds

    return measured


def measure(place: Workplace) -> dict[str, Figures]:
    """All."""
    converted = rounds(conversions(), place.patience / 3, count=21)
    steps = rounds({str(name): decode_step(name) for name in (None, *ENCODINGS)}, place.patience / 2)
    plain = 2 * layout_in(None).token_bytes
    note = "" if importlib.util.find_spec("ml_dtypes") else "ml_dtypes is not installed: the same as the next row"
    found = {
        WRITE.name: figures(converted, "float16", note=note),
        ALONE.name: figures(converted, "float16", ours="alone"),
    }
    for name in ENCODINGS:
        found[STEPS[name].name] = figures(steps, "None", ours=name)
        found[BYTES[name].name] = Figures(ours=2 * layout_in(name).token_bytes, other=plain, runs=1)
    return found


SUBJECT = Subject(name="kvcache-types", claims=(WRITE, ALONE, *STEPS.values(), *BYTES.values()), measure=measure)
