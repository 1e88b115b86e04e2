"""Find and store states of llama-cpp-python: our cache compared with `LlamaRAMCache`.

It is compiled where it is installed, so its published search of all keys, token by token, is reimplemented here. Where it is installed (and
gguf, which writes the model), states of a real context are saved and loaded.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import need_modules
from benchmarks.kvcache_rounds import figures, rounds, timed
from kvcache.integrations.states import StateStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kvcache.values import Array

STATES, SHARED, OWN = 64, 1024, 512
PLACES, SIZE = 16, 16 << 20
LAYERS, WIDTH, TOKENS = 16, 512, 512
SETTINGS: dict[str, Any] = {"n_ctx": 2 * TOKENS, "n_threads": 1, "n_threads_batch": 1, "verbose": False}
FIND = Claim(
    name="kvcache-state-find",
    what=f"find the state with the longest beginning among {STATES} of {SHARED + OWN:,} tokens that share {SHARED:,}, against LlamaRAMCache's search of all",
    goal=0.02,
)
STORE = Claim(
    name="kvcache-state-store",
    what=f"store a state of {SIZE >> 20} MiB, one of {PLACES} others making room, against a bare copy to as many places",
    goal=1.3,
)
SHAPE = f"{TOKENS} tokens of {LAYERS} layers x {WIDTH} in float16, {TOKENS * LAYERS * WIDTH * 4 >> 20} MiB"
SAVE = Claim(
    name="kvcache-llama-save",
    what=f"PooledLlama saves a state ({SHAPE}) to PooledLlamaCache, against Llama and LlamaRAMCache",
    goal=0.5,
)
LOAD = Claim(name="kvcache-llama-load", what="the same, to find it and to load it", goal=1.25)


def search(states: OrderedDict[tuple[int, ...], bytes], tokens: list[int]) -> bytes | None:
    """What `LlamaRAMCache` of llama-cpp-python 0.3.36 does to find a state, which is used last from now on."""
    key, most, best = tuple(tokens), 0, None
    for known in states:
        count = 0
        for one, other in zip(known, key, strict=False):
            if one != other:
                break
            count += 1
        if count > most:
            most, best = count, known
    if best is None:
        return None
    states.move_to_end(best)
    return states[best]


def conversations() -> list[list[int]]:
    """A long beginning that is the same for all, and an end that is not."""
    random = np.random.default_rng(0)
    shared = random.integers(0, 100_000, SHARED).tolist()
    return [shared + random.integers(0, 100_000, OWN).tolist() for _ in range(STATES + 1)]


def sides() -> dict[str, Callable[[], float]]:
    """Seconds of one call."""
    texts, source, targets = conversations(), np.ones(SIZE, np.uint8), np.ones((PLACES, SIZE), np.uint8)
    ours, full = StateStore(2 * STATES * 64), StateStore(PLACES * SIZE)
    theirs: OrderedDict[tuple[int, ...], bytes] = OrderedDict()

    def fill(block: Array) -> None:
        block[:] = source[: len(block)]

    for text in texts:
        ours.put(text, 64, fill)
        full.put(text, SIZE, fill)
        theirs[tuple(text)] = b""
    asked = [*texts[5], 1, 2, 3]
    turn = itertools.count()
    assert ours.find(asked) is not None
    assert search(theirs, asked) is not None
    return {
        "find": lambda: timed(lambda: ours.find(asked), 20),
        "search": lambda: timed(lambda: search(theirs, asked)),
        "store": lambda: timed(lambda: full.put([*texts[next(turn) % STATES], next(turn)], SIZE, fill), 4),
        "copy": lambda: timed(lambda: np.copyto(targets[next(turn) % PLACES], source), 4),
    }


def measure(place: Workplace) -> dict[str, Figures]:
    """What needs no model."""
    samples = rounds(sides(), place.patience)
    return {
        FIND.name: figures(samples, "search", ours="find"),
        STORE.name: figures(samples, "copy", ours="store"),
    }


def model_sides(folder: Path) -> dict[str, Callable[[], float]]:
    """Seconds of one save or load of a model that has evaluated a prompt."""
    import llama_cpp  # not installed everywhere

    from kvcache.integrations.llama_cpp import PooledLlama, PooledLlamaCache
    from tests.kvcache.integrations import tiny_gguf

    path = str(tiny_gguf.write(folder / "model.gguf", layers=LAYERS, width=WIDTH))
    tokens = np.random.default_rng(0).integers(259, 350, TOKENS).tolist()
    ours, theirs = PooledLlamaCache(256 << 20), llama_cpp.LlamaRAMCache(256 << 20)
    return _model_sides("ours", PooledLlama(path, **SETTINGS), ours, tokens) | _model_sides(
        "theirs", llama_cpp.Llama(path, **SETTINGS), theirs, tokens
    )


def _model_sides(name: str, llm: Any, cache: Any, tokens: list[int]) -> dict[str, Callable[[], float]]:
    llm.set_cache(cache)
    llm.eval(tokens)

    def save() -> None:
        cache[tokens] = llm.save_state()

    return {
        f"{name}: save": lambda: timed(save, 3),
        f"{name}: load": lambda: timed(lambda: llm.load_state(cache[tokens]), 3),
    }


def measure_model(place: Workplace) -> dict[str, Figures]:
    """What needs llama-cpp-python."""
    need_modules("llama_cpp", "gguf", extra="llama-cpp")
    folder = place.folder / "kvcache-llama"
    folder.mkdir()
    samples = rounds(model_sides(folder), place.patience)
    return {
        SAVE.name: figures(samples, "theirs: save", ours="ours: save"),
        LOAD.name: figures(samples, "theirs: load", ours="ours: load"),
    }


SUBJECT = Subject(name="kvcache-states", claims=(FIND, STORE), measure=measure)
LLAMA = Subject(name="kvcache-llama", claims=(SAVE, LOAD), measure=measure_model)
