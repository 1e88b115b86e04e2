"""Models whose layers differ, share or slide say the same with their cache in a session, which keeps no more than they need."""

from __future__ import annotations

import gc
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `transformers` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

pytestmark = pytest.mark.slow
torch.set_num_threads(1)

from kvcache import SYSTEM_PAGE, InvalidSizeError, KVCacheManager, KVLayout, LayerShape, PrefixIndex, save  # noqa: E402
from kvcache.integrations.transformers import PooledCache, layout_of  # noqa: E402
from kvcache.snapshots.restoring import restore  # noqa: E402

COMMON = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "max_position_embeddings": 1024,
    "pad_token_id": 0,
    "eos_token_id": None,
    "bos_token_id": None,
    "sliding_window": 16,
}


def config_of(name: str) -> Any:
    """A tiny model; rows of its layers have 32 or 16 tokens in a page."""
    if name == "gemma4":  # global layers have other heads and widths, and the last two layers share what others keep
        kinds = ["sliding_attention", "sliding_attention", "full_attention", "sliding_attention", "full_attention"]
        return transformers.Gemma4TextConfig(
            **COMMON,
            num_hidden_layers=5,
            num_key_value_heads=2,
            head_dim=32,
            global_head_dim=64,
            num_global_key_value_heads=1,
            attention_k_eq_v=True,
            layer_types=kinds,
            num_kv_shared_layers=2,
            vocab_size_per_layer_input=97,
            hidden_size_per_layer_input=8,
        )
    if name == "gemma3":
        kinds = ["sliding_attention", "sliding_attention", "full_attention"]
        return transformers.Gemma3TextConfig(
            **COMMON, num_hidden_layers=3, num_key_value_heads=1, head_dim=32, layer_types=kinds
        )
    return transformers.MistralConfig(**COMMON, num_hidden_layers=3, num_key_value_heads=2, head_dim=32)


FAMILIES = ["gemma4", "gemma3", "mistral"]
SLIDING = {"gemma4": [0, 1], "gemma3": [0, 1], "mistral": [0, 1, 2]}
"""Layers of the layout that have a window."""


def model_of(name: str, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return transformers.AutoModelForCausalLM.from_config(config_of(name)).eval()


def manager_of(model: Any, **more: Any) -> KVCacheManager:
    layout = layout_of(model.config, **more)
    return KVCacheManager(layout, capacity_bytes=16 * layout.block_bytes, memory_bytes=4096 * SYSTEM_PAGE)


def ids(*shape: int, seed: int = 1) -> Any:
    return torch.randint(1, 97, shape, generator=torch.Generator().manual_seed(seed))


def generate(model: Any, tokens: Any, count: int, **more: Any) -> Any:
    mask = torch.ones_like(tokens)
    return model.generate(tokens, attention_mask=mask, max_new_tokens=count, do_sample=False, pad_token_id=0, **more)


def adds_up(manager: KVCacheManager) -> None:
    gc.collect()
    statistics = manager.statistics()
    manager.check()
    assert statistics.bytes_resident == sum(entry.resident_bytes for entry in manager._entries.values())


def test_a_layout_has_the_layers_that_keep_something() -> None:
    sliding, whole = LayerShape(2, 32, window=16), LayerShape(1, 64)
    layout = layout_of(config_of("gemma4"))
    assert layout == KVLayout.of_layers([sliding, sliding, whole], max_context=1024, alignment=SYSTEM_PAGE)
    assert layout_of(config_of("gemma4"), windows=False).shapes[0] == LayerShape(2, 32)
    assert layout_of(config_of("mistral")).window == 16


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("windows", [True, False])
def test_a_long_text_is_the_same_and_takes_memory_for_its_windows(family: str, windows: bool) -> None:
    model, prompt = model_of(family), ids(1, 12)
    manager = manager_of(model, windows=windows)
    cache = PooledCache(manager, "alice", config=model.config)
    assert torch.equal(generate(model, prompt, 300, cache=cache), generate(model, prompt, 300))
    entry = manager.get_or_create("alice")
    firsts = [entry.first_token(layer) for layer in range(entry.layout.layers)]
    assert [layer for layer, first in enumerate(firsts) if first] == (SLIDING[family] if windows else [])
    assert all(311 - first < 16 + 64 + 64 for first in firsts if first)
    adds_up(manager)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prefill_in_pieces_gives_the_logits_of_its_own_cache(family: str) -> None:
    model, prompt = model_of(family), ids(1, 400)
    ours, theirs = (
        PooledCache(manager_of(model), "a", config=model.config),
        transformers.DynamicCache(config=model.config),
    )
    with torch.no_grad():
        for piece in prompt.split([150, 1, 1, 90, 30, 1, 127], dim=1):
            torch.testing.assert_close(model(piece, cache=ours).logits, model(piece, cache=theirs).logits)


@pytest.mark.parametrize("family", FAMILIES)
def test_beams_are_the_same_when_windows_were_given_back(family: str) -> None:
    model, prompt = model_of(family), ids(1, 250)
    manager = manager_of(model)
    cache = PooledCache(manager, "beams", config=model.config)
    ours = generate(model, prompt, 12, cache=cache, num_beams=3)
    assert torch.equal(ours, generate(model, prompt, 12, num_beams=3))
    assert manager.get_or_create("beams", sequences=3).first_token(0) > 0
    adds_up(manager)


@pytest.mark.parametrize("family", FAMILIES)
def test_sequences_are_repeated_selected_and_reordered_when_windows_were_given_back(family: str) -> None:
    model, prompt, more = model_of(family), ids(2, 250), ids(6, 1, seed=3)
    manager = manager_of(model)
    cache = PooledCache(manager, "a", config=model.config)

    def agrees(new: Any, whole: Any) -> None:
        torch.testing.assert_close(model(new, cache=cache).logits[:, -1], model(whole).logits[:, -1])

    with torch.no_grad():
        model(prompt[:, :249], cache=cache)
        model(prompt[:, 249:], cache=cache)
        first = manager.get_or_create("a", sequences=2).first_token(0)
        assert first > 0
        cache.batch_repeat_interleave(3)
        assert manager.get_or_create("a", sequences=6).first_token(0) == first
        whole = torch.cat([prompt.repeat_interleave(3, dim=0), more], dim=1)
        agrees(more, whole)
        cache.batch_select_indices(torch.tensor([4, 0]))
        whole = torch.cat([whole[[4, 0]], more[:2]], dim=1)
        agrees(more[:2], whole)
        cache.reorder_cache(torch.tensor([1, 1]))
        agrees(more[:2], torch.cat([whole[[1, 1]], more[:2]], dim=1))
    cache.release()
    adds_up(manager)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_crop_goes_back_a_little_and_says_where_it_cannot(family: str) -> None:
    model, prompt = model_of(family), ids(1, 300)
    manager = manager_of(model)
    cache = PooledCache(manager, "a", config=model.config)
    with torch.no_grad():
        for piece in prompt.split([299, 1], dim=1):
            model(piece, cache=cache)
        cache.crop(-60)
        torch.testing.assert_close(model(prompt[:, 240:], cache=cache).logits, model(prompt).logits[:, 240:])
        with pytest.raises(RuntimeError, match="in front of a window were given back"):
            cache.crop(-200)
        assert cache.get_seq_length() == 300
        cache.reset()
        assert manager.statistics().bytes_resident == 0
        torch.testing.assert_close(model(prompt, cache=cache).logits, model(prompt).logits)
    adds_up(manager)


@pytest.mark.parametrize("family", ["gemma3", "mistral"])
def test_assisted_decoding_is_the_same_beyond_the_window(family: str) -> None:
    model, assistant, prompt = model_of(family), model_of(family, seed=5), ids(1, 12)
    cache = PooledCache(manager_of(model), "a", config=model.config)
    ours = generate(model, prompt, 200, cache=cache, assistant_model=assistant)
    assert torch.equal(ours, generate(model, prompt, 200))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_session_is_forked_found_by_its_text_saved_and_restored(family: str, tmp_path: Any) -> None:
    model, manager = model_of(family), manager_of(model_of(family))
    index, text = PrefixIndex(manager), ids(1, 250)
    cache = PooledCache(manager, "a", config=model.config)
    asked = generate(model, text, 10, cache=cache)
    index.record("a", asked[0].tolist())
    fork = cache.fork("b")
    longer = torch.cat([asked, ids(1, 5, seed=2)], dim=1)
    expected = generate(model, longer, 100)
    assert torch.equal(generate(model, longer, 100, cache=fork), expected)
    assert index.begin("c", longer[0].tolist()) == 259
    assert torch.equal(generate(model, longer, 100, cache=PooledCache(manager, "c", config=model.config)), expected)
    assert index.begin("d", text[0, :60].tolist()) == 0
    save(manager, "a", tmp_path / "file")
    restore(manager, tmp_path / "file", "e", mapped=True)
    assert torch.equal(generate(model, longer, 100, cache=PooledCache(manager, "e", config=model.config)), expected)


def test_windows_of_the_layout_and_of_the_model_must_go_together() -> None:
    model = model_of("mistral")
    narrow = KVLayout(layers=3, kv_heads=2, head_dim=32, max_context=64, window=8, alignment=SYSTEM_PAGE)
    manager = KVCacheManager(narrow, capacity_bytes=narrow.block_bytes)
    with pytest.raises(InvalidSizeError, match="layer 0: expected a window of at most 8, got 'a window of 16'"):
        PooledCache(manager, "a", config=model.config)
    cache = PooledCache(manager_of(model), "a")  # without a configuration, the windows are those of the layout
    assert cache.is_sliding == [True] * 3
    prompt = ids(1, 12)
    assert torch.equal(generate(model, prompt, 200, cache=cache), generate(model, prompt, 200))


def test_a_model_of_shared_layers_is_told_from_one_of_another_number() -> None:
    model = model_of("gemma4")
    cache = PooledCache(manager_of(model), "a", config=model.config)
    assert len(cache.layers) == 5
    with pytest.raises(NotImplementedError):
        cache.update(torch.ones(1, 1, 1, 64), torch.ones(1, 1, 1, 64), 4)
    other = layout_of(config_of("mistral"))
    with pytest.raises(InvalidSizeError, match="layer 2: expected a window of at most 16, got 'all tokens'"):
        PooledCache(KVCacheManager(other, capacity_bytes=other.block_bytes), "a", config=config_of("gemma4"))
