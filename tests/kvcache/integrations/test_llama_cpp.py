"""States of llama-cpp-python come back as they were stored. With a stand-in for the package; `test_llama_cpp_models` takes the real one."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from kvcache import InvalidSizeError, KVCacheError
from tests.kvcache.integrations.fake_llama_cpp import CONTEXT, stand_in
from tests.kvcache.threads import run_threads

VOCABULARY = 5


@pytest.fixture(scope="module")
def module() -> Iterator[Any]:
    with stand_in() as found:
        yield found


def state_of(module: Any, tokens: list[int], *, blob: bytes | None = None, scores: Any = None, seed: int = 7) -> Any:
    """What `Llama.save_state` would give after these tokens; behind them are tokens of somebody else's prompt."""
    ids = np.full(CONTEXT, 99, np.intc)
    ids[: len(tokens)] = tokens
    blob = bytes(tokens) * 50 if blob is None else blob
    if scores is None:
        scores = np.zeros((len(tokens), VOCABULARY), np.single)
    return module.LlamaState(ids, scores, len(tokens), blob, len(blob), seed)


def cache_of(module: Any, capacity: int = 1 << 16, **more: Any) -> Any:
    return module.PooledLlamaCache(capacity, **({"least": 1} | more))


@pytest.mark.parametrize("marked", [False, True], ids=["no scores", "scores"])
def test_a_state_comes_back_as_it_was_stored(module: Any, marked: bool) -> None:
    cache = cache_of(module)
    scores = np.arange(3 * VOCABULARY, dtype=np.single).reshape(3, VOCABULARY) * marked
    cache[[1, 2, 3]] = state_of(module, [1, 2, 3], scores=scores, seed=4)
    state = cache[(1, 2, 3, 9)]
    assert isinstance(state, module.LlamaState)
    assert (state.n_tokens, state.seed, state.llama_state_size) == (3, 4, 150)
    assert (type(state.llama_state), state.llama_state) == (bytes, bytes([1, 2, 3]) * 50)
    assert (state.scores.dtype, state.scores.tolist()) == (np.single, scores.tolist())
    assert (state.input_ids.dtype, len(state.input_ids)) == (np.intc, CONTEXT)
    assert state.input_ids[:3].tolist() == [1, 2, 3]


def test_tokens_that_are_not_of_the_state_are_not_kept(module: Any) -> None:
    cache = cache_of(module)
    cache[[1, 2]] = state_of(module, [1, 2])
    assert set(cache[[1, 2]].input_ids[2:].tolist()) == {-1}


def test_a_score_that_is_minus_zero_or_none_stays_one(module: Any) -> None:
    cache = cache_of(module)
    for text, score in ([1], -0.0), ([2], np.nan):
        scores = np.zeros((1, VOCABULARY), np.single)
        scores[0, -1] = score
        cache[text] = state_of(module, text, scores=scores)
        assert cache[text].scores.tobytes() == scores.tobytes()


def test_the_state_says_which_tokens_it_has_whatever_the_key_says(module: Any) -> None:
    cache = cache_of(module)
    cache[[1, 2, 3]] = state_of(module, [1, 2])  # the last token was sampled, and not evaluated
    assert cache._find_longest_prefix_key((1, 2, 3)) == (1, 2)
    cache[[5, 6]] = state_of(module, [5, 7, 8])  # drafts, the first of which was not taken
    assert cache._find_longest_prefix_key((5, 7, 8)) == (5, 7, 8)


def test_it_is_asked_as_a_mapping(module: Any) -> None:
    cache = cache_of(module)
    assert cache, "llama-cpp-python does not ask a cache that is false, as an empty one with a length would be"
    assert [1] not in cache
    with pytest.raises(KeyError):
        cache[[1]]
    cache[[1, 2]] = state_of(module, [1, 2])
    assert [1, 5] in cache
    assert (2,) not in cache
    assert cache._find_longest_prefix_key((3,)) is None
    assert cache.cache_size == 128  # 100 bytes in whole units
    assert cache.capacity_bytes == 1 << 16
    assert (cache.statistics().hits, cache.statistics().misses) == (0, 1)


def test_scores_count_for_the_size(module: Any) -> None:
    cache = cache_of(module)
    cache[[1]] = state_of(module, [1], blob=b"x" * 64, scores=np.ones((64, 4), np.single))
    assert cache.cache_size == 64 + 64 * 4 * 4


@pytest.mark.parametrize(
    ("blob", "size"), [(b"", 0), (b"half", 8), (b"x" * 70_000, 70_000)], ids=["failed", "cut off", "too large"]
)
def test_a_state_that_cannot_serve_is_refused_and_counted(module: Any, blob: bytes, size: int) -> None:
    cache = cache_of(module)
    cache[[1]] = state_of(module, [1])
    state = state_of(module, [2], blob=blob)
    state.llama_state_size = size
    cache[[2]] = state
    assert [2] not in cache
    assert [1] in cache
    assert (cache.statistics().refused, cache.statistics().evictions) == (1, 0)


def test_a_short_common_beginning_is_not_worth_a_load(module: Any) -> None:
    cache = module.PooledLlamaCache(1 << 16)
    cache[list(range(20))] = state_of(module, list(range(20)))
    assert [*range(15), 99] not in cache
    assert [*range(16), 99] in cache


def test_namespaces_share_the_bytes_and_nothing_else(module: Any) -> None:
    with cache_of(module) as cache:
        alice, bob = cache.within("alice"), cache.within("bob")
        alice[[1, 2]] = state_of(module, [1, 2])
        assert [[1, 2] in part for part in (alice, bob, cache)] == [True, False, False]
        assert bob.cache_size == cache.cache_size > 0
        assert bob.capacity_bytes == cache.capacity_bytes
        assert cache.clear("bob") == 0
        assert cache.clear("alice") == 1
    alice[[1]] = state_of(module, [1])
    assert [1] not in alice


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_copy_of_a_state_is_one_of_its_own(module: Any, way: Callable[[Any], Any]) -> None:
    cache = cache_of(module)
    cache[[1, 2]] = state_of(module, [1, 2])
    other = way(cache[[1, 2]])
    cache.close()
    assert type(other) is module.LlamaState
    assert (other.llama_state, other.n_tokens, other.seed) == (bytes([1, 2]) * 50, 2, 7)
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        way(cache)


def test_a_state_that_is_held_is_whole_after_its_bytes_went_to_another(module: Any) -> None:
    cache = cache_of(module, 128)
    cache[[1]] = state_of(module, [1], blob=b"1" * 128)
    state = cache[[1]]
    cache[[2]] = state_of(module, [2], blob=b"2" * 128)
    assert [1] not in cache
    assert (state.llama_state, state.input_ids[0]) == (b"1" * 128, 1)


@pytest.mark.parametrize("marked", [False, True], ids=["no scores", "scores"])
def test_a_state_that_was_read_is_not_copied_when_it_makes_room(module: Any, marked: bool) -> None:
    cache = cache_of(module, 320)
    scores = np.full((1, VOCABULARY), float(marked), np.single)
    cache[[1]] = state_of(module, [1], blob=b"1" * 256, scores=scores)
    read, unread = cache[[1]], cache[[1]]
    expected = [b"1" * 256, scores.tolist()]
    assert [read.llama_state, read.scores.tolist()] == expected
    assert read._kept is None
    cache[[2]] = state_of(module, [2], blob=b"2" * 256)
    for state in (read, unread, copy.copy(read), copy.copy(unread)):
        assert [state.llama_state, state.scores.tolist()] == expected
    llm = module.PooledLlama([9])
    llm.load_state(read)
    assert llm.state == b"1" * 256


def test_where_states_cannot_be_cut_the_prompt_has_to_go_on_with_them(module: Any) -> None:
    cache = cache_of(module, whole=True)
    cache[[1, 2]] = state_of(module, [1, 2])
    assert [[1, 2, 3] in cache, [1, 2] in cache, [1, 5] in cache] == [True, False, False]


def test_numbers_that_make_no_sense_are_refused(module: Any) -> None:
    with pytest.raises(InvalidSizeError):
        module.PooledLlamaCache(0)


def test_four_threads_get_states_of_their_own_tokens(module: Any) -> None:
    cache, wrong = cache_of(module, 1 << 11), list[object]()

    def work(worker: int) -> None:
        part = cache.within(str(worker % 2))
        for number in range(100):
            tokens = [1 + worker % 2, 1 + number % 5, worker]
            part[tokens] = state_of(module, tokens)
            try:
                state = part[tokens]
            except KeyError:
                continue
            if state.llama_state != bytes(state.input_ids[:3].tolist()) * 50 or state.input_ids[0] != 1 + worker % 2:
                wrong.append(state.input_ids)

    run_threads(work)
    assert not wrong


def test_a_pooled_llama_writes_into_the_pool_and_reads_there(module: Any) -> None:
    with cache_of(module) as cache:
        llm = module.PooledLlama([1, 2, 3])
        llm.cache = cache
        state = llm.save_state()
        assert isinstance(state, module.PooledState)
        before = cache.statistics()
        cache[[1, 2, 3]] = state  # it is there
        assert cache.statistics() == before
        other = module.PooledLlama([9])
        other.load_state(cache[[1, 2, 3, 4]])
        assert (other.state, other.n_tokens, other.input_ids[:3].tolist()) == (bytes([1, 2, 3]) * 50, 3, [1, 2, 3])
        cache.clear()
        other.evaluate([9])
        other.load_state(state)  # it is held, and stays whole
        assert other.state == bytes([1, 2, 3]) * 50


@pytest.mark.parametrize("logits_all", [False, True])
def test_a_pooled_llama_keeps_scores_only_where_it_has_some(module: Any, logits_all: bool) -> None:
    with cache_of(module) as cache:
        llm = module.PooledLlama([1, 2, 3], logits_all=logits_all)
        llm.cache = cache
        assert llm.save_state().scores.tolist() == np.full((3, VOCABULARY), float(logits_all)).tolist()


def test_a_pooled_llama_without_a_cache_of_ours_is_a_llama(module: Any) -> None:
    llm = module.PooledLlama([1, 2])
    for other_cache in (None, [1]):
        llm.cache = other_cache
        state = llm.save_state()
        assert type(state) is module.LlamaState
        llm.load_state(state)


@pytest.mark.parametrize(("capacity", "written"), [(64, 100), (1 << 16, 0)], ids=["no room", "llama.cpp fails"])
def test_what_cannot_be_written_into_the_pool_is_saved_as_ever(
    module: Any, monkeypatch: pytest.MonkeyPatch, capacity: int, written: int
) -> None:
    monkeypatch.setattr(module.llama_cpp, "llama_state_get_data", lambda *_: written)
    with cache_of(module, capacity) as cache:
        llm = module.PooledLlama([1, 2])
        llm.cache = cache
        assert type(llm.save_state()) is module.LlamaState
        assert (cache.cache_size, cache.statistics().refused) == (0, 0)


def test_a_state_of_another_namespace_is_stored_again(module: Any) -> None:
    with cache_of(module) as cache:
        cache[[1, 2]] = state_of(module, [1, 2])
        part = cache.within("alice")
        part[[1, 2]] = cache[[1, 2]]
        assert cache.statistics().states == 2
        assert part[[1, 2]].llama_state == bytes([1, 2]) * 50


def test_what_a_later_version_adds_to_a_state_comes_back(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with cache_of(module) as cache:
        state = state_of(module, [1, 2])
        state.mood = "good"
        cache[[1, 2]] = state
        assert cache[[1, 2]].mood == "good"
        llm = module.PooledLlama([1, 2])
        llm.cache = cache
        monkeypatch.setattr(module.LlamaState, "__init__", lambda self, mood: None)
        with pytest.raises(TypeError):
            llm.save_state()  # as `Llama` says it: it alone knows what belongs to such a state


def test_bytes_that_were_set_are_the_ones_that_are_loaded_and_stored(module: Any) -> None:
    with cache_of(module) as cache:
        cache[[1]] = state_of(module, [1], blob=b"ab")
        state = cache[[1]]
        state.llama_state = b"cd"
        llm = module.PooledLlama([9])
        llm.load_state(state)
        assert llm.state == b"cd"
        cache[[1]] = state
        assert cache[[1]].llama_state == b"cd"


def test_a_state_of_another_model_is_never_loaded_and_a_miss_for_llama_cpp(module: Any) -> None:
    with cache_of(module) as cache:
        one, other = module.PooledLlama([1, 2]), module.PooledLlama([9], logits_all=True)
        one.cache = other.cache = cache
        one.save_state()
        for kind in (KeyError, RuntimeError, KVCacheError):
            with pytest.raises(kind, match="expected one of this model and its settings"):
                other.load_state(cache[[1, 2]])
        assert (other.n_tokens, other.state) == (1, bytes([9]) * 50)  # as it was


@pytest.mark.parametrize("problem", [RuntimeError("Failed to set"), KeyboardInterrupt()], ids=["unfit", "interrupted"])
def test_after_a_load_that_failed_a_model_claims_no_tokens(
    module: Any, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    def fail(llm: Any, state: Any) -> None:
        llm.n_tokens = state.n_tokens
        raise problem

    with cache_of(module) as cache:
        cache[[1, 2]] = state_of(module, [1, 2])
        llm = module.PooledLlama([9])
        monkeypatch.setattr(module.Llama, "load_state", fail)
        for state in (cache[[1, 2]], state_of(module, [1, 2])):
            with pytest.raises((module.UnfitStateError, KeyboardInterrupt)):
                llm.load_state(state)
            assert llm.n_tokens == 0
