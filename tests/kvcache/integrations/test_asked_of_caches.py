"""What the tests of Hugging Face ask of its own caches, asked of ours: `tests/utils/test_cache_utils.py` in its repository."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `transformers` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

pytestmark = pytest.mark.slow

from kvcache import ContextOverflowError, KVCacheManager, KVLayout  # noqa: E402
from kvcache.integrations.transformers import PooledCache  # noqa: E402
from tests.kvcache.integrations.test_transformers import FAMILIES, generate, ids, manager_of, model_of  # noqa: E402


def synthetic(kinds: list[str], *, window: int, context: int = 8) -> PooledCache:
    """A cache whose layers have one head of one number each."""
    config = transformers.Gemma2Config(
        num_hidden_layers=len(kinds), num_key_value_heads=1, num_attention_heads=1, head_dim=1, hidden_size=1,
        sliding_window=window, layer_types=kinds,
    )  # fmt: skip
    layout = KVLayout(layers=len(kinds), kv_heads=1, head_dim=1, max_context=context)
    return PooledCache(KVCacheManager(layout, capacity_bytes=layout.block_bytes), "a", config=config)


def given(cache: PooledCache, layer: int, *numbers: float) -> list[list[float]]:
    """What a layer hands to attention after an update with these numbers: of keys, and of values less ten times as much."""
    tokens = torch.tensor(numbers, dtype=torch.float32)[None, None, :, None]
    keys, values = cache.update(tokens, 10 * tokens, layer)
    return [keys.flatten().tolist(), (values / 10).flatten().tolist()]


def test_a_layer_has_its_numbers_in_order_up_to_the_end_of_its_context() -> None:
    cache = synthetic(["full_attention"], window=4, context=4)
    assert given(cache, 0, 1, 2) == [[1, 2]] * 2
    assert given(cache, 0, 3) == [[1, 2, 3]] * 2
    assert given(cache, 0, 4) == [[1, 2, 3, 4]] * 2
    with pytest.raises(ContextOverflowError):
        given(cache, 0, 5)


def test_layers_are_filled_without_regard_to_each_other() -> None:
    cache = synthetic(["full_attention"] * 2, window=4)
    given(cache, 0, 1, 2)
    given(cache, 1, 10, 20)
    assert given(cache, 0, 3) == [[1, 2, 3]] * 2
    assert given(cache, 1, 30) == [[10, 20, 30]] * 2
    assert [cache.get_seq_length(layer) for layer in (0, 1)] == [3, 3]


@pytest.mark.parametrize(
    ("prefill", "then", "seen"),
    [
        pytest.param([1, 2], [3], [1, 2, 3], id="within the window"),
        pytest.param([1, 2, 3, 4], [5], [2, 3, 4, 5], id="the first slide"),
        pytest.param([1, 2, 3, 4, 5, 6], [7], [4, 5, 6, 7], id="behind a long prompt"),
        pytest.param([1, 2, 3, 4, 5], [6, 7], [3, 4, 5, 6, 7], id="two at once: the first one sees what the second does not"),
    ],
)  # fmt: skip
def test_a_window_slides(prefill: list[float], then: list[float], seen: list[float]) -> None:
    """A prefill sees itself whole, however long it is; after that a layer hands over what its new tokens attend to."""
    cache = synthetic(["sliding_attention"], window=4)
    assert given(cache, 0, *prefill) == [prefill] * 2
    assert given(cache, 0, *then) == [seen] * 2


def test_full_and_sliding_layers_stand_beside_each_other() -> None:
    cache = synthetic(["full_attention", "sliding_attention"], window=2)
    given(cache, 0, 1, 2, 3)
    given(cache, 1, 10, 20, 30)
    assert cache.is_sliding == [False, True]
    assert [cache.get_mask_sizes(1, layer) for layer in (0, 1)] == [(4, 0), (2, 2)]
    assert given(cache, 0, 5) == [[1, 2, 3, 5]] * 2
    assert given(cache, 1, 50) == [[30, 50]] * 2


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_on_the_left_changes_no_answer(family: str) -> None:
    model, prompt = model_of(family), ids(1, 5)
    padded = torch.cat([torch.zeros(1, 11, dtype=torch.long), prompt], dim=1)
    answers = [generate(model, text, 10, cache=PooledCache(manager_of(model), "a")) for text in (prompt, padded)]
    assert torch.equal(answers[0][:, 5:], answers[1][:, 16:])


@pytest.mark.parametrize("family", ["llama", "gemma"])
def test_beams_that_change_their_places_are_those_of_its_own_cache(family: str) -> None:
    model, prompt = model_of(family), ids(1, 6, seed=2)
    how: dict[str, Any] = {"num_beams": 4, "num_return_sequences": 4, "return_dict_in_generate": True}
    cache = PooledCache(manager_of(model), "a", config=model.config)
    ours, own = generate(model, prompt, 20, cache=cache, **how), generate(model, prompt, 20, **how)
    assert torch.equal(ours.sequences, own.sequences)
    assert any(len(set(places.tolist())) > 1 for places in ours.beam_indices), "no beam took another place"


def test_several_answers_go_on_from_one_prompt() -> None:
    """Where Hugging Face copies a cache deeply, ours is forked."""
    model, prompt = model_of("gemma"), ids(1, 40)
    manager = manager_of(model)
    asked = PooledCache(manager, "prompt", config=model.config)
    with torch.no_grad():
        model(prompt, cache=asked)
    for name in ("alice", "bob"):
        text = torch.cat([prompt, ids(1, 5, seed=len(name))], dim=1)
        cache = asked.fork(name)
        assert (cache.session, cache.get_seq_length(), cache.batch_size) == (name, 40, 1)
        assert cache.is_sliding == asked.is_sliding
        assert torch.equal(generate(model, text, cache=cache), generate(model, text))
    assert asked.get_seq_length() == 40
    text = torch.cat([prompt, ids(1, 3)], dim=1)
    assert torch.equal(generate(model, text, cache=asked), generate(model, text))
    manager.check()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_copy_is_refused(copied: Callable[[PooledCache], object]) -> None:
    with pytest.raises(TypeError, match="PooledCache objects cannot be copied or pickled"):
        copied(synthetic(["full_attention"], window=4))


def test_a_cache_tells_how_many_sequences_it_has() -> None:
    model = model_of("llama")
    cache = PooledCache(manager_of(model), "a")
    assert (cache.batch_size, len(cache), cache.is_compileable, cache.is_croppable) == (-1, 3, False, True)
    generate(model, ids(3, 5), 2, cache=cache)
    assert cache.batch_size == 3
