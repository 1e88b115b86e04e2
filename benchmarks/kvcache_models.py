"""Compare the cost of a `kvcache` session for a Hugging Face model with the caches of `transformers`. Needs torch, on one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import need_modules
from benchmarks.kvcache_rounds import figures, rounds, timed
from kvcache import HUGE_PAGE, KVCacheManager

if TYPE_CHECKING:
    from collections.abc import Callable

LAYERS, HEADS, WIDTH, CONTEXT, STEPS = 16, 8, 64, 4096, 8
SHAPE = f"{LAYERS} layers x {HEADS} heads x {WIDTH} in float32 at {CONTEXT:,} tokens"
PROMPT, NEW = 2048, 256
TINY = {
    "vocab_size": 256,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "max_position_embeddings": 4096,
    "eos_token_id": None,
}
STEP_STATIC = Claim(
    name="kvcache-step-static",
    what=f"decode step, update and attention of all layers ({SHAPE}), against transformers' StaticCache of the same length",
    goal=0.9,
)
STEP_HUGE = Claim(
    name="kvcache-step-huge",
    what="the same in huge pages, of a manager without memory_bytes that reserves the whole context as StaticCache does (only told)",
)
STEP_READ = Claim(
    name="kvcache-step-read",
    what="the same with nothing but adding up all keys and values instead of attention: what a step cannot be quicker than (only told)",
)
STEP_DYNAMIC = Claim(name="kvcache-step-dynamic", what="decode step, the same against DynamicCache", goal=0.45)
UPDATE_STATIC = Claim(name="kvcache-update-static", what=f"update alone ({SHAPE}), against StaticCache", goal=0.5)
UPDATE_DYNAMIC = Claim(name="kvcache-update-dynamic", what="the same against DynamicCache", goal=0.004)
GENERATE = Claim(
    name="kvcache-generate",
    what=f"generate {NEW} tokens with a Llama of 4 layers x 4 heads x 64 behind 64, against DynamicCache",
    goal=1.0,
)
FIRST = Claim(
    name="kvcache-first-token",
    what=f"first token of a second session on a shared prompt of {PROMPT:,} tokens (the same Llama), against a prefill of all",
    goal=0.1,
)


def _steps(*, attend: bool) -> dict[str, Callable[[], float]]:
    """Seconds of one step of each cache; all of them begin with the same number of tokens."""
    import torch  # not installed everywhere
    from transformers import DynamicCache, LlamaConfig, StaticCache

    from kvcache.integrations.transformers import PooledCache, layout_of

    config = LlamaConfig(
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        hidden_size=HEADS * WIDTH,
        max_position_embeddings=CONTEXT,
    )
    layout = layout_of(config)
    prompt, token = (torch.rand(1, HEADS, count, WIDTH) for count in (CONTEXT - STEPS, 1))
    query = torch.rand(1, HEADS, 1, WIDTH)
    attention = torch.nn.functional.scaled_dot_product_attention

    def pooled(*, huge: bool = False) -> PooledCache:
        capacity = layout.block_bytes
        if huge:
            return PooledCache(KVCacheManager(layout, capacity_bytes=capacity, base_alignment=HUGE_PAGE), "session")
        return PooledCache(KVCacheManager(layout, capacity_bytes=capacity, memory_bytes=2 * capacity), "session")

    def add_up(_query: Any, keys: Any, values: Any, **_mask: Any) -> None:
        keys.sum(), values.sum()

    def run(make: Callable[[], Any], again: Callable[[Any], None], look: Any = attention) -> Callable[[], float]:
        cache = make()
        for layer in range(LAYERS):
            cache.update(prompt, prompt, layer)

        def steps() -> None:
            for number in range(STEPS):
                seen = CONTEXT - STEPS + number + 1
                mask = None
                if isinstance(cache, StaticCache) and attend:  # it returns places that are not used yet
                    mask = torch.zeros(1, 1, 1, CONTEXT)
                    mask[..., seen:] = -torch.inf
                for layer in range(LAYERS):
                    keys, values = cache.update(token, token, layer)
                    if attend:
                        look(query, keys, values, attn_mask=mask)

        def measured() -> float:
            again(cache)
            return timed(steps) / STEPS

        return measured

    def rewind(cache: Any) -> None:
        for layer in cache.layers:
            layer.cumulative_length.fill_(CONTEXT - STEPS)

    def crop(cache: Any) -> None:
        cache.crop(min(CONTEXT - STEPS - cache.get_seq_length(), 0))

    sides = {
        "ours": run(pooled, crop),
        "static": run(lambda: StaticCache(config=config, max_cache_len=CONTEXT), rewind),
        "dynamic": run(lambda: DynamicCache(config=config), crop),
    }
    if attend:
        sides |= {"huge": run(lambda: pooled(huge=True), crop), "read": run(pooled, crop, add_up)}
    return sides


def tiny_llama() -> Any:
    """A Llama with random weights, the same each time."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**TINY)).eval()


def _generations() -> dict[str, Callable[[], float]]:
    """Seconds of whole calls of `generate`."""
    import torch
    from transformers import DynamicCache

    from kvcache.integrations.transformers import PooledCache, layout_of

    model, prompt = tiny_llama(), torch.randint(1, 256, (1, 64))
    layout = layout_of(model.config)
    manager = KVCacheManager(layout, capacity_bytes=4 * layout.block_bytes, memory_bytes=2 * layout.block_bytes)

    def generate(cache: Any) -> None:
        model.generate(prompt, cache=cache, max_new_tokens=NEW, do_sample=False, pad_token_id=0)

    def pooled() -> None:
        manager.evict("session")
        generate(PooledCache(manager, "session"))

    return {
        "ours": lambda: timed(pooled),
        "dynamic": lambda: timed(lambda: generate(DynamicCache(config=model.config))),
    }


def _first_tokens() -> dict[str, Callable[[], float]]:
    """Seconds until a session has its first token, after a prompt and a question."""
    import torch

    from kvcache.integrations.transformers import PooledCache, layout_of

    model, prompt, question = tiny_llama(), torch.randint(1, 256, (1, PROMPT)), torch.randint(1, 256, (1, 16))
    layout = layout_of(model.config)
    manager = KVCacheManager(layout, capacity_bytes=8 * layout.block_bytes, memory_bytes=4 * layout.block_bytes)
    with torch.no_grad():
        model(prompt, cache=PooledCache(manager, "prompt"))
    whole = torch.cat([prompt, question], dim=1)

    def shared() -> None:
        manager.fork("prompt", "session")
        with torch.no_grad():
            model(question, cache=PooledCache(manager, "session"), logits_to_keep=1)

    def alone() -> None:
        manager.evict("alone")
        with torch.no_grad():
            model(whole, cache=PooledCache(manager, "alone"), logits_to_keep=1)

    return {"ours": lambda: timed(shared), "alone": lambda: timed(alone)}


def measure(place: Workplace) -> dict[str, Figures]:
    """All eight."""
    need_modules("torch", "transformers", extra="transformers")
    import torch

    torch.set_num_threads(1)
    step = rounds(_steps(attend=True), place.patience / 4)
    update = rounds(_steps(attend=False), place.patience / 4)
    return {
        STEP_STATIC.name: figures(step, "static"),
        STEP_HUGE.name: figures(step, "static", ours="huge"),
        STEP_READ.name: figures(step, "static", ours="read"),
        STEP_DYNAMIC.name: figures(step, "dynamic"),
        UPDATE_STATIC.name: figures(update, "static"),
        UPDATE_DYNAMIC.name: figures(update, "dynamic"),
        GENERATE.name: figures(rounds(_generations(), place.patience / 4), "dynamic"),
        FIRST.name: figures(rounds(_first_tokens(), place.patience / 4), "alone"),
    }


SUBJECT = Subject(
    name="kvcache-models",
    claims=(STEP_STATIC, STEP_HUGE, STEP_READ, STEP_DYNAMIC, UPDATE_STATIC, UPDATE_DYNAMIC, GENERATE, FIRST),
    measure=measure,
)
