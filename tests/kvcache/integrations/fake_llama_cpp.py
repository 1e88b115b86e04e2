"""Stand in for llama-cpp-python, which is not installed everywhere: what our cache needs of it, as its version 0.3.36 has it."""

from __future__ import annotations

import ctypes
import importlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

MODULE = "kvcache.integrations.llama_cpp"
CONTEXT = 32


class BaseLlamaCache(ABC):
    def __init__(self, capacity_bytes: int = 2 << 30) -> None:
        self.capacity_bytes = capacity_bytes

    @property
    @abstractmethod
    def cache_size(self) -> int: ...

    @abstractmethod
    def __getitem__(self, key: Any) -> Any: ...

    @abstractmethod
    def __contains__(self, key: Any) -> bool: ...

    @abstractmethod
    def __setitem__(self, key: Any, value: Any) -> None: ...


class LlamaState:
    def __init__(
        self, input_ids: Any, scores: Any, n_tokens: int, llama_state: bytes, llama_state_size: int, seed: int
    ) -> None:
        self.input_ids = input_ids
        self.scores = scores
        self.n_tokens = n_tokens
        self.llama_state = llama_state
        self.llama_state_size = llama_state_size
        self.seed = seed


class Llama:
    """A context without a model: its state is as many bytes as it has tokens, 50 times."""

    def __init__(self, tokens: list[int], *, logits_all: bool = False) -> None:
        self.cache: Any = None
        self.model_path = __file__
        self.evaluate(tokens)
        self.scores = np.ones((CONTEXT, 5), np.single)  # what was in the memory before, unless there are scores
        self._logits_all = logits_all
        self._seed = 7

    @property
    def ctx(self) -> bytes:
        return self.state

    def evaluate(self, tokens: list[int]) -> None:
        self.input_ids = np.full(CONTEXT, 99, np.intc)
        self.input_ids[: len(tokens)] = tokens
        self.n_tokens = len(tokens)
        self.state = bytes(tokens) * 50

    def __getstate__(self) -> dict[str, Any]:
        return {"logits_all": self._logits_all}

    def reset(self) -> None:
        self.n_tokens = 0

    def save_state(self) -> LlamaState:
        scores = self.scores[: self.n_tokens].copy()
        return LlamaState(self.input_ids.copy(), scores, self.n_tokens, self.state, len(self.state), self._seed)

    def load_state(self, state: Any) -> None:
        self.scores[: state.n_tokens] = state.scores.copy()
        self.input_ids, self.n_tokens, self._seed = state.input_ids.copy(), state.n_tokens, state.seed
        kind = ctypes.c_uint8 * state.llama_state_size
        self.state = bytes(kind.from_buffer_copy(state.llama_state))


def llama_state_get_size(context: bytes) -> int:
    return len(context)


def llama_state_get_data(context: bytes, place: Any, size: int) -> int:
    ctypes.memmove(place, context, size)
    return size


@contextmanager
def stand_in() -> Iterator[Any]:
    """The module under test with this one in place of the real package, for as long as the context lasts."""
    names = ("llama_cpp", MODULE)
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    package = sys.modules["llama_cpp"] = ModuleType("llama_cpp")
    for each in (BaseLlamaCache, LlamaState, Llama, llama_state_get_size, llama_state_get_data):
        setattr(package, each.__name__, each)
    try:
        yield importlib.import_module(MODULE)
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)
