"""Stand in for llama-cpp-python where it is not installed: what our cache needs of it, as its version 0.3.36 has it."""

from __future__ import annotations

import importlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

MODULE = "kvcache.integrations.llama_cpp"


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
    """No model: only what a class can be derived from."""

    cache: Any = None


@contextmanager
def integration() -> Iterator[Any]:
    """The module under test: with the real package where it is, and otherwise with this one for as long as the context lasts."""
    try:
        importlib.import_module("llama_cpp")
    except ImportError:
        package = ModuleType("llama_cpp")
        package.__dict__.update(BaseLlamaCache=BaseLlamaCache, LlamaState=LlamaState, Llama=Llama)
        sys.modules["llama_cpp"] = package
        try:
            yield importlib.import_module(MODULE)
        finally:
            del sys.modules["llama_cpp"]
            sys.modules.pop(MODULE, None)
    else:
        yield importlib.import_module(MODULE)
