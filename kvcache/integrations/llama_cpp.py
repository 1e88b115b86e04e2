"""Keep the states of llama-cpp-python in a pool: `llm.set_cache(PooledLlamaCache(2 << 30))`.

A state is what `Llama.save_state` gives: the bytes of llama.cpp, and the scores of tokens. Its bytes are copied once when it is stored, and
once when it is loaded; a look-up copies nothing. A `PooledLlama` does without these copies: llama.cpp writes and reads in the pool.
"""

from __future__ import annotations

import ctypes
import inspect
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, SupportsIndex

import llama_cpp
import numpy as np
from llama_cpp import BaseLlamaCache, Llama, LlamaState

from kvcache.errors import KVCacheError
from kvcache.integrations.states import KeptState, StateStatistics, StateStore
from kvcache.token_text import WIDTH, tokens_of
from kvcache.values import Array, Clock, Closing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kvcache.sessions.eviction import Policy

_NO_TOKEN: Final = -1
"""What the places behind the last token hold; what llama-cpp-python leaves there are tokens of earlier prompts, of anybody."""

_FIELDS: Final = ("input_ids", "scores", "n_tokens", "llama_state", "llama_state_size", "seed")
"""Of a `LlamaState`, as its constructor takes them."""


_COMPUTED_BY: Final = (
    "n_ctx", "n_batch", "logits_all", "lora_path", "lora_scale", "kv_overrides", "type_k", "type_v", "swa_full", "rope_scaling_type",
    "rope_freq_base", "rope_freq_scale", "yarn_ext_factor", "yarn_attn_factor", "yarn_beta_fast", "yarn_beta_slow", "yarn_orig_ctx",
)  # fmt: skip
"""Settings of a `Llama` that say what is in its state, besides the model."""


class UnfitStateError(KVCacheError, RuntimeError, KeyError):
    """A state is of another model, or of other settings. A `KeyError`, too, because llama-cpp-python takes that for a miss of the cache."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What belongs to a state besides its tokens and bytes."""

    size: int  # bytes of llama.cpp; those of the scores follow
    context: int
    ids: np.dtype[Any]
    scores: np.dtype[Any]
    shape: tuple[int, ...]
    scored: bool
    seed: int
    maker: tuple[object, ...] | None  # what `PooledLlama.maker` says; None: it was not said
    more: dict[str, Any]  # attributes that this module knows nothing of, as a later version may have them


class PooledState(LlamaState):  # type: ignore[misc]  # llama_cpp is not installed where types are checked
    """A `LlamaState` whose bytes are copied when they are first asked for; then the cache may have forgotten it long ago.

    For one thread: every look-up gives its own.
    """

    def __init__(self, states: StateStore, kept: KeptState, namespace: str) -> None:
        facts: _Facts = kept.facts
        self._states, self._namespace, self._facts = states, namespace, facts
        self._kept: KeptState | None = kept  # until all is read: what is held costs a copy when it makes room
        self.n_tokens = len(kept.text) // WIDTH
        self.input_ids = np.full(facts.context, _NO_TOKEN, facts.ids)
        self.input_ids[: self.n_tokens] = np.frombuffer(kept.text, ">i8")
        self.llama_state_size = facts.size
        self.seed = facts.seed
        if not facts.scored:
            self.scores = np.zeros(facts.shape, facts.scores)
        self.__dict__.update(facts.more)

    @cached_property
    def llama_state(self) -> bytes:
        """The bytes of llama.cpp."""
        return self._read("scores", 0, self._facts.size)

    @cached_property
    def scores(self) -> Array:
        """Of the tokens; all zero unless the model was made with `logits_all`."""
        return np.frombuffer(self._read("llama_state", self._facts.size), self._facts.scores).reshape(self._facts.shape)

    def _read(self, other: str, start: int, end: int | None = None) -> bytes:
        """Read one of the two parts, and let go of the state where the other one is read, too."""
        assert self._kept is not None, "a part that was not read"
        content = self._states.read(self._kept, start, end)
        if other in self.__dict__:
            self._kept = None
        return content

    @property
    def maker(self) -> tuple[object, ...] | None:
        """What model it is of; None where it was saved by a `Llama`, which does not say."""
        return self._facts.maker

    def is_in(self, states: StateStore, namespace: str) -> bool:
        """Whether it came from there, was not read, and is still there."""
        here = self._states is states and self._namespace == namespace and "llama_state" not in self.__dict__
        return here and self._kept is not None and states.holds(self._kept)

    def lend(self, load: Callable[[Any], object]) -> None:
        """Call `load` with a state whose bytes are where they are in the pool; it keeps no view of them."""
        names = ("n_tokens", "input_ids", "scores", "seed", "llama_state_size")
        plain = SimpleNamespace(**{name: getattr(self, name) for name in names}, **self._facts.more)

        def lent(content: Array) -> None:
            plain.llama_state = content[: self._facts.size]
            load(plain)

        if self._kept is None or "llama_state" in self.__dict__:  # it was read, or set to something else
            load(self)
        else:
            self._states.look(self._kept, lent)

    def __reduce__(self) -> tuple[Any, ...]:  # a copy, and what is pickled, is a state of its own
        return LlamaState, tuple(getattr(self, name) for name in _FIELDS), dict(self._facts.more)


class LlamaNamespace(BaseLlamaCache):  # type: ignore[misc]
    """A part of a `PooledLlamaCache` that sees no states but its own: for a tenant, a model or an adapter. Safe for threads.

    Attributes:
        capacity_bytes: of the whole cache.
    """

    def __init__(self, states: StateStore, namespace: str, *, scores: bool) -> None:
        super().__init__(states.capacity)
        self._states = states
        self._namespace = namespace
        self._scores = scores

    @property
    def cache_size(self) -> int:
        """Bytes of all states of the whole cache, their scores included."""
        return self.statistics().bytes_used

    def statistics(self) -> StateStatistics:
        """What the whole cache holds and has done until now."""
        return self._states.statistics()

    def __getitem__(self, key: Sequence[int]) -> PooledState:
        found = self._states.find(key, namespace=self._namespace)
        if found is None:
            raise KeyError("no state begins like these tokens")
        return PooledState(self._states, found[0], self._namespace)

    def __contains__(self, key: Sequence[int]) -> bool:
        return self._states.peek(key, namespace=self._namespace) is not None

    def __setitem__(self, key: Sequence[int], value: LlamaState) -> None:
        if isinstance(value, PooledState) and value.is_in(self._states, self._namespace):
            return
        blob = np.frombuffer(value.llama_state, np.uint8)

        def copy(block: Array) -> None:
            block[:] = blob

        # llama.cpp says that it failed by giving no bytes: to load these would change nothing, and claim to be right.
        size = len(blob) if len(blob) == value.llama_state_size else 0
        self._put(value, value.scores, value.seed, size, copy, scored=self._scores)

    def save(self, llm: PooledLlama) -> PooledState | None:
        """Let llama.cpp write the state of a model into the pool; None where it does not fit, or llama.cpp fails."""
        if tuple(inspect.signature(LlamaState).parameters) != _FIELDS:
            return None  # only `Llama` of that version knows what belongs to a state
        size, scores = int(llama_cpp.llama_state_get_size(llm.ctx)), llm.scores[: llm.n_tokens]
        # Without `logits_all` they are never written, and hold whatever was in that memory before.
        scored = self._scores and llm._logits_all  # noqa: SLF001
        if size + scored * scores.nbytes > self._states.capacity:
            return None  # and `__setitem__` counts it

        def write(block: Array) -> None:
            place = block.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
            if llama_cpp.llama_state_get_data(llm.ctx, place, size) != size:
                raise _NotWrittenError

        try:
            kept = self._put(llm, scores, llm._seed, size, write, scored=scored)  # noqa: SLF001 - as `save_state` does
        except _NotWrittenError:
            return None
        return None if kept is None else PooledState(self._states, kept, self._namespace)

    def _put(
        self, source: Any, scores: Array, seed: int, size: int, write: Callable[[Array], None], *, scored: bool
    ) -> KeptState | None:
        """Store `size` bytes of llama.cpp and, where they are wanted, the scores; refused where `size` is 0.

        What is there is what `source` says: the key may have a last token that was never evaluated, and lack drafted ones.
        """
        ids, bits = source.input_ids, np.empty(0, np.uint8)
        if scored and _any(scores):
            bits = np.ascontiguousarray(scores).reshape(-1).view(np.uint8)
        more = {} if isinstance(source, Llama) else _more(source)
        maker = getattr(source, "maker", None)
        facts = _Facts(size, len(ids), ids.dtype, scores.dtype, scores.shape, len(bits) > 0, seed, maker, more)

        def fill(block: Array) -> None:
            write(block[:size])
            block[size:] = bits

        tokens = ids[: source.n_tokens] if size else []
        return self._states.put(tokens, size + len(bits), fill, facts, namespace=self._namespace)

    def _find_longest_prefix_key(self, key: tuple[int, ...]) -> tuple[int, ...] | None:
        text = self._states.peek(key, namespace=self._namespace)
        return None if text is None else tuple(tokens_of(text))


class PooledLlamaCache(Closing, LlamaNamespace):
    """States of llama-cpp-python, in a number of bytes that is never passed: in place of a `LlamaRAMCache`.

    The one that was used least recently makes room; before it, those that another state goes on with: a conversation keeps its last turn.
    A state that is larger than the cache is not stored, and counted as `refused`.

    Args:
        capacity_bytes: of all states together. Memory is taken as it is first used.
        namespace: of this object; `within` gives others.
        whole: for models that cannot take tokens back (recurrent and hybrid ones): a state counts only where the prompt goes on with it.
        least: tokens that a prompt and a state must have in common: loading takes time, too.
        scores: whether scores are kept; they come back as zeros otherwise. Only models made with `logits_all` have any: what others save
            as such is memory that was never written. A `PooledLlama` knows that by itself.
        policy: which states make room; least recently used by default.
        clock: tells the time in seconds.

    Raises:
        InvalidSizeError: a number is not a whole one, or too small.
        OutOfMemoryError: the operating system has no such buffer to give.
    """

    def __init__(
        self,
        capacity_bytes: SupportsIndex = 2 << 30,
        *,
        namespace: str = "",
        whole: bool = False,
        least: SupportsIndex = 16,
        scores: bool = True,
        policy: Policy | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        states = StateStore(capacity_bytes, whole=whole, least=least, policy=policy, clock=clock)
        LlamaNamespace.__init__(self, states, namespace, scores=scores)

    def within(self, namespace: str) -> LlamaNamespace:
        """The part of the cache that has a namespace; its states never meet those of another."""
        return LlamaNamespace(self._states, namespace, scores=self._scores)

    def clear(self, namespace: str | None = None) -> int:
        """Forget all states, or those of a namespace, give their memory back, and return how many there were."""
        return self._states.clear(namespace)

    def close(self) -> None:
        """Forget all states and let go of the memory. From now on there is no hit, and nothing is stored."""
        self._states.close()


class PooledLlama(Llama):  # type: ignore[misc]
    """A `Llama` whose states are written into the pool by llama.cpp, and read there, if its cache is one of this module.

    `save_state` of `Llama` makes three copies, and `load_state` two; here it is one copy each, or two where a state is loaded.
    """

    def save_state(self) -> LlamaState:
        """The state; it is in the cache, too, from now on."""
        cache = self.cache
        return (cache.save(self) if isinstance(cache, LlamaNamespace) else None) or super().save_state()

    @cached_property
    def maker(self) -> tuple[object, ...]:
        """What says whether a state is one of this model with these settings: llama.cpp compares little more than sizes."""
        file = Path(self.model_path).stat()
        settings: Any = self.__getstate__()
        said = tuple(repr(settings.get(name)) for name in _COMPUTED_BY)
        return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, *said

    def load_state(self, state: LlamaState) -> None:
        """Go on from a state. After an error the model has no text.

        Raises:
            UnfitStateError: it is of another model, or of other settings; a completion takes that for a miss.
        """
        load = super().load_state
        pooled = isinstance(state, PooledState)
        if pooled and state.maker not in {None, self.maker}:
            raise UnfitStateError("load state", expected="one of this model and its settings", got=state.maker)
        try:
            state.lend(load) if pooled else load(state)
        except BaseException as problem:
            self.reset()  # it would claim to have tokens that it may not have
            if isinstance(problem, RuntimeError | ValueError):
                raise UnfitStateError("load state", expected="one that fits", got=str(problem)) from problem
            raise


class _NotWrittenError(Exception):
    """llama.cpp wrote another number of bytes than it said."""


def _more(state: LlamaState) -> dict[str, Any]:
    """What a state has besides what is known here."""
    return {name: value for name, value in vars(state).items() if name not in _FIELDS and not name.startswith("_")}


def _any(scores: Array) -> bool:
    """Whether any bit is set; most scores begin with one, or have none at all."""
    bits = np.dtype(f"u{scores.itemsize}")
    return any(row.view(bits).any() for row in scores)
