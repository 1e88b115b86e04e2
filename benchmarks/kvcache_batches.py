"""Answer several prompts with a session for each, and as one padded batch, against the paged cache of transformers' `generate_batch`.

`generate_batch` computes a token of every prompt in one pass, and gathers their pages for attention. Sessions answered one after the
other compute one token in a pass, and read their rows where they lie. Both give the same tokens, which is asked before the clock runs.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.claims import CannotMeasure, Claim, Figures, Subject, Workplace
from benchmarks.harness import need_modules
from benchmarks.kvcache_models import tiny_llama
from benchmarks.kvcache_rounds import figures, rounds, timed
from kvcache import KVCacheManager

if TYPE_CHECKING:
    from collections.abc import Callable

PROMPTS, NEW, SPREAD, ROUNDS = 6, 32, 0.8, 3
PAGE = 256
"""Tokens of a page of `generate_batch`, as it has them by itself; ours have 16 tokens of a head."""

LONG, SHORT = 530, 120
"""The middle of the log-normal lengths."""


def lengths(middle: int) -> list[int]:
    """Tokens of each prompt, the same each time."""
    source = np.random.default_rng(0)
    chosen: list[int] = source.lognormal(np.log(middle), SPREAD, PROMPTS).astype(int).tolist()
    return chosen


def _mean(middle: int) -> str:
    return f"a mean of {sum(lengths(middle)) // PROMPTS} tokens"


ALONE = Claim(
    name="kvcache-batch-alone",
    what=f"generate {NEW} tokens for {PROMPTS} prompts (the Llama of kvcache-generate, log-normal lengths with {_mean(LONG)}), "
    "a session for each, one after the other, against transformers' generate_batch",
)
PADDED = Claim(name="kvcache-batch-padded", what="the same as one padded batch in one session")
ALONE_SHORT = Claim(name="kvcache-batch-short", what=f"the same with {_mean(SHORT)}, one after the other")
PADDED_SHORT = Claim(name="kvcache-batch-short-padded", what=f"the same with {_mean(SHORT)}, as one padded batch")
BYTES = Claim(
    name="kvcache-batch-bytes",
    what=f"memory of the cache when all prompts with {_mean(LONG)} are answered, a session for each, against pages of {PAGE} tokens, "
    "as many as generate_batch needs for them",
    unit="bytes",
)


class _Sides:
    """The three ways to answer the same prompts."""

    def __init__(self, middle: int) -> None:
        import torch  # not installed everywhere
        from transformers import GenerationConfig
        from transformers.generation.configuration_utils import ContinuousBatchingConfig

        from kvcache.integrations.transformers import layout_of

        self.model = tiny_llama()
        self.prompts = [torch.randint(1, 256, (length,)).tolist() for length in lengths(middle)]
        self.settings = GenerationConfig(max_new_tokens=NEW, do_sample=False, pad_token_id=0, eos_token_id=None)
        layout = layout_of(self.model.config)
        self.manager = KVCacheManager(
            layout, capacity_bytes=2 * PROMPTS * layout.block_bytes, memory_bytes=2 * PROMPTS * layout.block_bytes
        )
        self.paging = ContinuousBatchingConfig(
            num_blocks=sum(-(-(len(prompt) + NEW) // PAGE) for prompt in self.prompts),
            page_size=PAGE,
            use_cuda_graph=False,
            allow_block_sharing=False,  # a second round would find the prompts of the first
        )

    def alone(self) -> list[list[int]]:
        """A session for each prompt."""
        import torch

        from kvcache.integrations.transformers import PooledCache

        self.manager.clear()
        answers = list[list[int]]()
        for number, prompt in enumerate(self.prompts):
            cache = PooledCache(self.manager, str(number))
            answer = self.model.generate(torch.tensor([prompt]), cache=cache, generation_config=self.settings)
            answers.append(answer[0, len(prompt) :].tolist())
        return answers

    def padded(self) -> list[list[int]]:
        """All prompts in one session."""
        import torch

        from kvcache.integrations.transformers import PooledCache

        self.manager.clear()
        width = max(map(len, self.prompts))
        padded = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in self.prompts])
        cache = PooledCache(self.manager, "batch")
        answer = self.model.generate(
            padded, attention_mask=(padded != 0).long(), cache=cache, generation_config=self.settings
        )
        tokens: list[list[int]] = answer[:, width:].tolist()
        return tokens

    def paged(self) -> list[list[int]]:
        """The rival; it keeps its pages for the next round."""
        answers = self.model.generate_batch(
            self.prompts,
            generation_config=self.settings,
            continuous_batching_config=self.paging,
            persistent_manager=True,
            warmup=False,
        )
        order = sorted(answers, key=lambda name: int(name.rpartition("_")[2]))
        return [answers[name].generated_tokens for name in order]

    def paged_bytes(self) -> int:
        """Bytes of its pages."""
        batches = self.model._cached_continuous_batching_manager  # noqa: SLF001 - nothing else tells
        size: int = batches.batch_processor.cache.cache_tensor.nbytes
        return size

    def end(self) -> None:
        """End the rival's thread."""
        self.model.destroy_cached_continuous_batching_manager()


def _measured(middle: int, patience: float) -> tuple[dict[str, list[float]], Figures]:
    """Seconds of each side, and bytes of two.

    Raises:
        CannotMeasure: the rival does not run here, or says something else.
    """
    sides = _Sides(middle)
    try:
        try:
            expected = sides.paged()
        except Exception as error:
            raise CannotMeasure(f"generate_batch does not run here: {type(error).__name__}: {error}") from error
        for name, way in (("one padded batch", sides.padded), ("a session for each", sides.alone)):
            if way() != expected:
                raise CannotMeasure(f"{name} gives other tokens than generate_batch")
        size = Figures(ours=sides.manager.statistics().bytes_resident, other=sides.paged_bytes(), runs=1)
        ways: dict[str, Callable[[], Any]] = {"ours": sides.alone, "padded": sides.padded, "paged": sides.paged}
        samples = rounds({name: lambda way=way: timed(way) for name, way in ways.items()}, patience, count=ROUNDS)  # type: ignore[misc]
    finally:
        sides.end()
    return samples, size


def measure(place: Workplace) -> dict[str, Figures]:
    """All five, on one thread."""
    need_modules("torch", "transformers", extra="transformers")
    import torch
    import transformers

    if not hasattr(transformers.GenerationMixin, "generate_batch"):
        raise CannotMeasure(f"transformers {transformers.__version__} has no generate_batch")
    torch.set_num_threads(1)
    logging.getLogger("ContinuousBatchingLogger").setLevel(logging.ERROR)
    transformers.utils.logging.set_verbosity_error()
    long, size = _measured(LONG, place.patience / 2)
    short, _ = _measured(SHORT, place.patience / 2)
    return {
        ALONE.name: figures(long, "paged"),
        PADDED.name: figures(long, "paged", ours="padded"),
        ALONE_SHORT.name: figures(short, "paged"),
        PADDED_SHORT.name: figures(short, "paged", ours="padded"),
        BYTES.name: size,
    }


SUBJECT = Subject(name="kvcache-batches", claims=(ALONE, PADDED, ALONE_SHORT, PADDED_SHORT, BYTES), measure=measure)
