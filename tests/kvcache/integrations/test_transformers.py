"""Models of Hugging Face say the same with their cache in a session as with their own."""

from __future__ import annotations

import gc
import runpy
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `transformers` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `transformers` is not installed")

pytestmark = pytest.mark.slow
torch.set_num_threads(1)

from kvcache import (  # noqa: E402
    SYSTEM_PAGE,
    ContextOverflowError,
    DtypeError,
    InvalidSizeError,
    KVCacheManager,
    KVLayout,
    OutOfMemoryError,
    ShapeError,
    StaleEntryError,
    restore,
    save,
)
from kvcache.integrations.transformers import PooledCache, layout_of  # noqa: E402

SIZES = {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
COMMON = SIZES | {"intermediate_size": 48, "max_position_embeddings": 160, "pad_token_id": 0, "eos_token_id": None}


def config_of(name: str) -> Any:
    """A configuration of a tiny model of some family."""
    if name == "gpt2":
        return transformers.GPT2Config(
            vocab_size=97, n_embd=32, n_layer=3, n_head=4, n_positions=160, bos_token_id=None, eos_token_id=None
        )
    if name == "gemma":  # every second layer has a sliding window
        return transformers.Gemma2Config(**COMMON, num_key_value_heads=2, head_dim=8, sliding_window=8)
    if name == "mistral":  # every layer has one
        return transformers.MistralConfig(**COMMON, num_key_value_heads=2, sliding_window=8)
    if name == "deepseek":  # multi-head latent attention: keys and values of different widths
        return transformers.DeepseekV2Config(
            **COMMON,
            num_key_value_heads=4,
            kv_lora_rank=16,
            q_lora_rank=None,
            qk_nope_head_dim=8,
            qk_rope_head_dim=4,
            v_head_dim=8,
            first_k_dense_replace=3,
        )
    return transformers.LlamaConfig(**COMMON, num_key_value_heads=2)


FAMILIES = ["llama", "gpt2", "gemma", "mistral", "deepseek"]


def model_of(name: str, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return transformers.AutoModelForCausalLM.from_config(config_of(name)).eval()


def manager_of(model: Any, *, steps: int = 4096, **more: Any) -> KVCacheManager:
    layout = layout_of(model.config, **more)
    return KVCacheManager(layout, capacity_bytes=256 * layout.block_bytes, memory_bytes=steps * SYSTEM_PAGE)


def ids(*shape: int, seed: int = 1) -> Any:
    return torch.randint(1, 97, shape, generator=torch.Generator().manual_seed(seed))


def update(cache: PooledCache, count: int) -> Any:
    """Write ones to all layers of a small model, and return the keys of the last one."""
    ones = torch.ones(1, 2, count, 8)
    return [cache.update(ones, ones, layer)[0] for layer in range(3)][-1]


def generate(model: Any, tokens: Any, count: int = 24, **more: Any) -> Any:
    mask = (tokens != 0).long()
    return model.generate(tokens, attention_mask=mask, max_new_tokens=count, do_sample=False, pad_token_id=0, **more)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("windows", [pytest.param(True, id="config"), pytest.param(False, id="no-config")])
def test_a_model_generates_the_same(family: str, windows: bool) -> None:
    model, prompt = model_of(family), ids(1, 12)
    manager = manager_of(model)
    cache = PooledCache(manager, "alice", config=model.config if windows else None)
    torch.testing.assert_close(generate(model, prompt, cache=cache), generate(model, prompt))
    assert len(manager.get_or_create("alice")) == 12 + 24 - 1
    manager.check()


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_its_own_cache(family: str) -> None:
    model, prompt = model_of(family), ids(1, 20)
    ours, theirs = (
        PooledCache(manager_of(model), "a", config=model.config),
        transformers.DynamicCache(config=model.config),
    )
    with torch.no_grad():
        for piece in prompt.split([7, 1, 5, 1, 1, 5], dim=1):
            torch.testing.assert_close(model(piece, cache=ours).logits, model(piece, cache=theirs).logits)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_with_padding_generates_the_same(family: str) -> None:
    model, prompt = model_of(family), ids(3, 12)
    prompt[0, :5] = prompt[1, :1] = 0
    cache = PooledCache(manager_of(model), "batch", config=model.config)
    torch.testing.assert_close(generate(model, prompt, cache=cache), generate(model, prompt))


@pytest.mark.parametrize("family", FAMILIES)
def test_beams_are_the_same(family: str) -> None:
    model, prompt = model_of(family), ids(2, 9)
    cache = PooledCache(manager_of(model), "beams", config=model.config)
    torch.testing.assert_close(generate(model, prompt, cache=cache, num_beams=3), generate(model, prompt, num_beams=3))


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma"])
def test_assisted_decoding_is_the_same(family: str) -> None:
    model, assistant, prompt = model_of(family), model_of(family, seed=5), ids(1, 12)
    cache = PooledCache(manager_of(model), "a", config=model.config)
    assert torch.equal(generate(model, prompt, cache=cache, assistant_model=assistant), generate(model, prompt))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_conversation_goes_on_where_it_was(family: str) -> None:
    model, manager = model_of(family), manager_of(model_of(family))
    first = generate(model, ids(1, 12), 10, cache=PooledCache(manager, "alice", config=model.config))
    longer = torch.cat([first, ids(1, 5, seed=2)], dim=1)
    cache = PooledCache(manager, "alice", config=model.config)
    assert cache.get_seq_length() == 21
    torch.testing.assert_close(generate(model, longer, 10, cache=cache), generate(model, longer, 10))


def test_a_session_that_was_evicted_begins_anew() -> None:
    model, manager = model_of("llama"), manager_of(model_of("llama"))
    first = generate(model, ids(1, 12), 10, cache=PooledCache(manager, "alice"))
    gc.collect()
    assert manager.evict("alice")
    cache = PooledCache(manager, "alice")
    assert cache.get_seq_length() == 0
    assert torch.equal(generate(model, first, 10, cache=cache), generate(model, first, 10))


def test_a_session_of_a_high_priority_stays_when_memory_runs_short() -> None:
    model = model_of("llama")
    manager = manager_of(model, steps=3 * 2 * 3 * 2)  # three sessions of one page in each row
    for name, priority in (("system", 1), ("first", None), ("second", None), ("third", None)):
        generate(model, ids(1, 8), 4, cache=PooledCache(manager, name, priority=priority))
        gc.collect()
    assert manager.sessions() == ("system", "second", "third")
    PooledCache(manager, "system", priority=3)
    assert [block.priority for block in manager.snapshot().blocks] == [3, 0, 0]


def test_many_sessions_in_little_memory_say_the_same_as_alone() -> None:
    model = model_of("llama")
    manager = manager_of(model, steps=3 * 2 * 3 * 2 * 2)  # six sessions of one page in each row
    texts = {name: ids(1, 8, seed=number) for number, name in enumerate("abcdefghi")}
    for _ in range(2):
        for name, text in texts.items():
            texts[name] = generate(model, text, 4, cache=PooledCache(manager, name))
            gc.collect()
            assert torch.equal(texts[name], generate(model, text, 4))
    assert manager.statistics().evictions.lru > 6
    manager.check()


def test_sessions_share_a_prompt_that_was_computed_once() -> None:
    model, manager, prompt = model_of("llama"), manager_of(model_of("llama")), ids(1, 40)
    with torch.no_grad():
        model(prompt, cache=PooledCache(manager, "prompt"))
    for number in range(3):
        text = torch.cat([prompt, ids(1, 6, seed=number)], dim=1)
        manager.fork("prompt", f"user-{number}")
        cache = PooledCache(manager, f"user-{number}")
        assert cache.get_seq_length() == 40
        assert torch.equal(generate(model, text, cache=cache), generate(model, text))
    assert len(manager.get_or_create("prompt")) == 40


@pytest.mark.parametrize("family", FAMILIES)
def test_a_crop_takes_tokens_back(family: str) -> None:
    model, prompt = model_of(family), ids(1, 30)
    cache = PooledCache(manager_of(model), "a", config=model.config)
    with torch.no_grad():
        model(prompt, cache=cache)
        cache.crop(-12)
        assert cache.get_seq_length() == 18
        again = model(prompt[:, 18:], cache=cache).logits
        torch.testing.assert_close(again, model(prompt).logits[:, 18:])
    cache.crop(-100)
    assert cache.get_seq_length() == 0
    with pytest.raises(ValueError, match="expected 0 or less"):
        cache.crop(3)


def test_sequences_of_a_batch_are_repeated_selected_and_reordered() -> None:
    model, prompt = model_of("llama"), ids(2, 10)
    cache = PooledCache(manager_of(model), "a")
    more = ids(6, 1, seed=3)
    with torch.no_grad():
        model(prompt, cache=cache)
        cache.batch_repeat_interleave(3)
        whole = torch.cat([prompt.repeat_interleave(3, dim=0), more], dim=1)
        torch.testing.assert_close(model(more, cache=cache).logits[:, -1], model(whole).logits[:, -1])
        cache.batch_select_indices(torch.tensor([4, 0]))
        whole = torch.cat([whole[[4, 0]], more[:2]], dim=1)
        torch.testing.assert_close(model(more[:2], cache=cache).logits[:, -1], model(whole).logits[:, -1])
        cache.reorder_cache(torch.tensor([1, 1]))
        whole = torch.cat([whole[[1, 1]], more[:2]], dim=1)
        torch.testing.assert_close(model(more[:2], cache=cache).logits[:, -1], model(whole).logits[:, -1])


def test_bfloat16_is_kept_bit_by_bit() -> None:
    model, prompt = model_of("llama").to(torch.bfloat16), ids(1, 12)
    manager = manager_of(model, dtype="bfloat16")
    assert torch.equal(generate(model, prompt, cache=PooledCache(manager, "a")), generate(model, prompt))


def test_what_attention_sees_is_not_a_copy() -> None:
    manager = manager_of(model_of("llama"))
    cache = PooledCache(manager, "a")
    keys = update(cache, 5)
    seen, _ = cache.update(torch.ones(1, 2, 1, 8), torch.ones(1, 2, 1, 8), 0)
    assert seen.data_ptr() != keys.data_ptr()
    assert cache.update(torch.ones(1, 2, 1, 8), torch.ones(1, 2, 1, 8), 2)[0].data_ptr() == keys.data_ptr()


def test_a_window_hands_over_no_more_than_itself() -> None:
    model = model_of("mistral")
    cache = PooledCache(manager_of(model), "a", config=model.config)
    update(cache, 20)
    assert cache.is_sliding == [True] * 3
    assert cache.get_mask_sizes(1, 0) == (8, 13)
    assert cache.update(torch.ones(1, 2, 1, 8), torch.ones(1, 2, 1, 8), 0)[0].shape[2] == 8


def test_a_session_is_kept_while_its_cache_is_held_and_no_longer() -> None:
    manager = manager_of(model_of("llama"), steps=3 * 2 * 2)
    cache = PooledCache(manager, "a")
    update(cache, 5)
    other = manager.get_or_create("b")
    with pytest.raises(OutOfMemoryError):
        other.reserve(1)
    cache.release()
    gc.collect()
    other.reserve(1)
    assert manager.sessions() == ("b",)
    assert cache.get_seq_length() == 0


def test_an_eviction_by_name_is_told_and_nobody_sees_the_bytes() -> None:
    manager = manager_of(model_of("llama"))
    cache = PooledCache(manager, "a")
    keys = update(cache, 5)
    manager.evict("a")
    with pytest.raises(StaleEntryError):
        update(cache, 40)
    assert not manager.get_or_create("b").key(whole=True).any()
    assert (keys == 1).all()


def test_what_does_not_fit_is_refused() -> None:
    model = model_of("llama")
    manager = manager_of(model, max_context=16)
    with pytest.raises(ContextOverflowError):
        generate(model, ids(1, 12), cache=PooledCache(manager, "a"))
    gc.collect()
    manager.clear()
    cache = PooledCache(manager, "b")
    with torch.no_grad():
        model(ids(2, 4), cache=cache)
        with pytest.raises(ShapeError, match="a batch of 2"):
            model(ids(1, 4), cache=cache)
    small = KVLayout(layers=1, kv_heads=2, head_dim=8, max_context=8)
    with pytest.raises(InvalidSizeError, match="expected 1 layers, got 3"):
        PooledCache(KVCacheManager(small, capacity_bytes=small.block_bytes), "a", config=model.config)


@pytest.mark.parametrize(
    ("family", "shape"),
    [
        pytest.param("llama", (3, 2, 8, 8), id="grouped-query"),
        pytest.param("gpt2", (3, 4, 8, 8), id="multi-head"),
        pytest.param("gemma", (3, 2, 8, 8), id="head-dim-of-its-own"),
        pytest.param("deepseek", (3, 1, 16, 4), id="latent"),
    ],
)
def test_a_layout_is_read_from_the_configuration(family: str, shape: tuple[int, ...]) -> None:
    layout = layout_of(config_of(family), windows=False)
    assert (layout.layers, layout.kv_heads, layout.head_dim, layout.value_dim) == shape
    assert layout.max_context == 160
    assert layout.alignment == SYSTEM_PAGE


def test_a_model_that_keeps_something_else_is_refused() -> None:
    config = transformers.LlamaConfig(**COMMON)
    config.layer_types = ["linear_attention"] * 3
    with pytest.raises(InvalidSizeError, match="linear_attention"):
        layout_of(config)


def test_the_example_of_the_page_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    pages = Path(__file__).parents[3] / "docs" / "kvcache"
    runpy.run_path(str(pages / "hugging_face.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert printed.count("True") == 2
    assert printed in (pages / "hugging_face.md").read_text(encoding="utf-8")


def test_the_small_model_goes_on_after_a_restart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few steps only: what it says is no text, but it is the same with and without a session."""
    script = Path(__file__).parents[3] / "docs" / "kvcache" / "small_model.py"
    monkeypatch.setattr("sys.argv", [str(script), "5"])
    runpy.run_path(str(script), run_name="__main__")
    printed = capsys.readouterr().out
    assert "after the restart 82 of 83 tokens are there" in printed
    assert "as without a session: True" in printed


def test_another_dtype_than_the_layout_has_is_refused() -> None:
    cache = PooledCache(manager_of(model_of("llama")), "a")
    half = torch.ones(1, 2, 1, 8, dtype=torch.bfloat16)
    with pytest.raises(DtypeError, match=r"expected torch\.float32, got torch\.bfloat16"):
        cache.update(half, half, 0)


@pytest.mark.parametrize(
    ("keys", "values", "got"),
    [
        pytest.param((1, 1, 1, 8), (1, 2, 1, 8), r"\(1, 1, 1, 8\)", id="one-head-of-keys"),
        pytest.param((1, 2, 1, 8), (1, 1, 1, 8), r"\(1, 1, 1, 8\)", id="one-head-of-values"),
        pytest.param((1, 2, 1, 1), (1, 2, 1, 8), r"\(1, 2, 1, 1\)", id="narrow-keys"),
        pytest.param((1, 2, 3, 8), (1, 2, 1, 8), r"\(1, 2, 1, 8\)", id="fewer-values"),
    ],
)
def test_keys_and_values_that_would_be_repeated_are_refused(
    keys: tuple[int, ...], values: tuple[int, ...], got: str
) -> None:
    cache = PooledCache(manager_of(model_of("llama")), "a")
    for _ in range(2):
        with pytest.raises(ShapeError, match=f"got {got}"):
            cache.update(torch.ones(keys), torch.ones(values), 0)
    assert cache.get_seq_length() == 0


@pytest.mark.parametrize("family", ["llama", "mistral"])
def test_a_layer_that_is_given_tokens_twice_keeps_both(family: str) -> None:
    model = model_of(family)
    cache = PooledCache(manager_of(model), "a", config=model.config)
    first, second = torch.full((1, 2, 1, 8), 1.0), torch.full((1, 2, 1, 8), 2.0)
    cache.update(first, first, 0)
    keys, values = cache.update(second, second, 0)
    assert keys[0, 0, :, 0].tolist() == values[0, 0, :, 0].tolist() == [1, 2]
    assert cache.update(second, first, 1)[0].shape[2] == 1


def test_gradients_are_not_kept() -> None:
    model = model_of("llama")
    manager = manager_of(model)
    loss = model(ids(1, 6), cache=PooledCache(manager, "a")).logits.sum()
    assert loss.requires_grad
    assert not PooledCache(manager, "a").update(torch.ones(1, 2, 1, 8), torch.ones(1, 2, 1, 8), 0)[0].requires_grad


def test_a_restart_needs_no_prefill(tmp_path: Path) -> None:
    model, prompt = model_of("llama"), ids(1, 40)
    before = manager_of(model)
    with torch.no_grad():
        model(prompt, cache=PooledCache(before, "prompt"))
    save(before, "prompt", tmp_path / "prompt.safetensors")
    before.close()
    manager = manager_of(model)
    restore(manager, tmp_path / "prompt.safetensors")
    text = torch.cat([prompt, ids(1, 6, seed=2)], dim=1)
    cache = PooledCache(manager, "prompt")
    assert cache.get_seq_length() == 40
    assert torch.equal(generate(model, text, cache=cache), generate(model, text))


def test_the_library_of_the_format_reads_a_session(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    manager = manager_of(model_of("llama"), dtype="bfloat16")
    ones = torch.ones(1, 2, 5, 8, dtype=torch.bfloat16)
    cache = PooledCache(manager, "a")
    for layer in range(3):
        cache.update(ones, 2 * ones, layer)
    save(manager, "a", tmp_path / "a.safetensors")
    read = safetensors.load_file(tmp_path / "a.safetensors")
    keys, values = read["a/keys"], read["a/values"]
    assert keys.dtype == torch.bfloat16
    assert keys.shape[:2] == (3, 2)
    assert keys.shape[3] == 8
    assert (keys[:, :, :5] == 1).all()
    assert (values[:, :, :5] == 2).all()
    assert not values[:, :, 5:].any()
