"""Serve a Hugging Face model: `PooledModel(model, memory_bytes=...).generate(...)` in place of `model.generate(...)`.

It says what the model says. What earlier requests have computed of a text is found by the text, and not computed again.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, SupportsIndex

import torch
import transformers
from transformers import StoppingCriteria, StoppingCriteriaList

from kvcache import checks
from kvcache.errors import ClosedError, InvalidSizeError, KVCacheError
from kvcache.integrations.conversations import Conversations, Reuse
from kvcache.integrations.saved_texts import SavedTexts
from kvcache.integrations.transformers import PooledCache, layout_of
from kvcache.memory.arena import SYSTEM_PAGE
from kvcache.sessions.manager import KVCacheManager
from kvcache.values import Closing

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvcache.paged.events import Event
    from kvcache.sessions.eviction import Policy
    from kvcache.sessions.layout import KVLayout

_ADDRESSES: Final = 32
"""Times the memory that sessions may reserve of addresses; the books take three bytes for each page of them."""

_NO_MATTER: Final = frozenset(
    {
        "attention_mask",  # all ones, or the text is worked on alone
        "logits_processor",
        "stopping_criteria",
        "prefix_allowed_tokens_fn",
        "tokenizer",
        "streamer",
    }
)
"""What may be given to `generate`, besides settings, that changes nothing about the keys and values of a text."""

_ALONE: Final = (
    "output_attentions",  # of all tokens
    "output_hidden_states",
    "token_healing",  # changes the text
    "use_mtp",  # these draft tokens, for which transformers gives the model the whole text, whatever the cache has
    "prompt_lookup_num_tokens",
    "assistant_early_exit",
    "dola_layers",
    "penalty_alpha",
)
"""Settings with which a request is answered in a session that begins empty."""


class PooledModel(Closing):
    """A model whose `generate` keeps keys and values in a pool. `generate` may be called from several threads at once.

    Args:
        model: a model for text on a CPU, see `layout_of`; its weights must not change. Give `generate` a namespace for each adapter.
        memory_bytes: what the keys and values of all requests may take together.
        max_context: tokens of the longest text, its answer included; None: as many as the model was made for. With fewer, there can be more sessions.
        folder: where `save` and `close` leave the sessions for the next process; None: nowhere. A folder for each process.
        ttl_seconds: how long a session may go unused; None: no limit.
        policy: what losing a session costs; those that were used longest ago go first unless told otherwise.
        windows: give back what is in front of the sliding windows of layers. A conversation goes on where it was, in less memory, but a beginning
            that several texts share is computed again once its session has gone on by more than some 64 tokens.
        listener: gets an event for each page of a text that becomes known or is gone, for a router, see `PrefixIndex`.

    Raises:
        InvalidSizeError: the model keeps something else than keys and values of one shape, or is not on a CPU; a size is not valid.
        OutOfMemoryError: there are not so many addresses.
        OSError: the folder cannot be made or read.
    """

    def __init__(
        self,
        model: Any,
        *,
        memory_bytes: SupportsIndex,
        max_context: SupportsIndex | None = None,
        folder: str | os.PathLike[str] | None = None,
        ttl_seconds: float | None = None,
        policy: Policy | None = None,
        windows: bool = False,
        listener: Callable[[Event], object] | None = None,
    ) -> None:
        memory = checks.whole_number("memory_bytes", memory_bytes, minimum=SYSTEM_PAGE)
        if model.device.type != "cpu":
            raise InvalidSizeError("model", expected="one on a CPU", got=str(model.device))
        # The configuration can say another dtype than the model has by now.
        dtype = str(model.dtype).removeprefix("torch.")
        layout = layout_of(model.config, max_context=max_context, dtype=dtype, windows=windows)
        self.model: Final = model
        self.manager: Final = KVCacheManager(
            layout,
            capacity_bytes=_sessions(layout, memory) * layout.block_bytes,
            memory_bytes=memory,
            ttl_seconds=ttl_seconds,
            policy=policy,
        )
        saved = None if folder is None else SavedTexts(folder, model=fingerprint(model))
        self._conversations = Conversations(self.manager, saved=saved, listener=listener)

    def generate(
        self, inputs: Any = None, generation_config: Any = None, *, namespace: str = "", **options: Any
    ) -> Any:
        """As `model.generate`, with the same arguments and the same answer.

        A single text goes on from what any request of its namespace has computed. A batch, beams, several answers at once, assisted
        decoding, and texts with padding or with anything else than tokens are computed anew, and kept in the pool while they last. A
        `cache` of your own is used as it is.

        Args:
            inputs: the tokens of the text, shape [1, tokens]; may be given as `input_ids`.
            generation_config: as for the model.
            namespace: of the tenant and the adapter; no text of another one is found.
            options: as for the model. With `return_dict_in_generate`, the `cache` of the answer is None.

        Raises:
            ContextOverflowError: the text with its answer is longer than `max_context`.
            OutOfMemoryError: all memory is used by requests that have not ended.
            ClosedError: it is closed.
        """
        if self.manager.closed:
            raise ClosedError("generate", expected="an open pool", got="closed")
        if inputs is None:
            inputs = options.pop("input_ids", None)
        options |= {} if generation_config is None else {"generation_config": generation_config}
        if self._has_own_cache(options):
            return self.model.generate(inputs, **options)
        if inputs is None or not self._is_plain(inputs, options):
            return self._alone(inputs, options)
        with self._conversations.turn(inputs[0].tolist(), namespace=namespace) as turn:
            given = options.pop("stopping_criteria", None) or ()
            criteria = StoppingCriteriaList([_Watch(turn), *given])
            cache = PooledCache(self.manager, turn.session, config=self.model.config)
            try:
                answer = self.model.generate(inputs, cache=cache, stopping_criteria=criteria, **options)
                if getattr(answer, "cache", None) is cache:
                    answer.cache = None  # the session is others' from now on
                return answer
            finally:
                cache.release()

    def save(self) -> int:
        """Write the sessions that no request uses just now to the folder, for a process that starts anew.

        Returns:
            How many; 0 where there is no folder.

        Raises:
            ClosedError: it is closed.
            OSError: the files cannot be written; those that were there are as they were.
        """
        return self._conversations.save()

    def close(self) -> None:
        """Save the sessions, and let go of the memory; a request that has not ended raises `ClosedError` or `StaleEntryError`."""
        try:
            with suppress(ClosedError):
                self.save()
        finally:
            self.manager.close()

    def statistics(self) -> Reuse:
        """What requests had to compute, and what they had not; `manager.statistics()` tells about the memory."""
        return self._conversations.statistics()

    def _alone(self, inputs: Any, options: dict[str, Any]) -> Any:
        """Answer in a session that no other request finds, and that goes with the answer."""
        session = self._conversations.name()
        cache = PooledCache(self.manager, session, config=self.model.config)
        try:
            return self.model.generate(inputs, cache=cache, **options)
        finally:
            cache.release()
            with suppress(KVCacheError):
                self.manager.evict(session)

    def _has_own_cache(self, options: dict[str, Any]) -> bool:
        given = any(options.get(name) is not None for name in ("cache", "past_key_values", "cache_params"))
        return (
            given
            or self._setting("use_cache", options) is False
            or bool(self._setting("cache_implementation", options))
        )

    def _is_plain(self, inputs: Any, options: dict[str, Any]) -> bool:
        """Whether the keys of the text come from its tokens alone, and there is one answer, of which the output shows every step."""
        settings = self.model.generation_config.to_dict()
        known = settings.keys() | _NO_MATTER | {"generation_config"}
        if inputs.ndim != 2 or inputs.shape[0] != 1 or not inputs.shape[1] or not options.keys() <= known:
            return False
        mask = options.get("attention_mask")
        whole = self._has_no_padding(inputs, options) if mask is None else bool(mask.all())
        single = all((self._setting(name, options) or 1) == 1 for name in ("num_beams", "num_return_sequences"))
        return whole and single and not any(self._setting(name, options) for name in _ALONE)

    def _has_no_padding(self, inputs: Any, options: dict[str, Any]) -> bool:
        """Whether the model will look at all tokens: without a mask it leaves out those of padding, unless they can end a text."""
        pad, ends = self._setting("pad_token_id", options), self._setting("eos_token_id", options)
        can_end = pad in ends if isinstance(ends, (list, tuple)) else pad == ends
        return pad is None or can_end or not bool((inputs == pad).any())

    def _setting(self, name: str, options: dict[str, Any]) -> Any:
        """A setting of this request: its own, or that of its configuration, or the model's."""
        for source in (options.get("generation_config"), self.model.generation_config):
            if options.get(name) is None and getattr(source, name, None) is not None:
                return getattr(source, name)
        return options.get(name)


class _Watch(StoppingCriteria):  # type: ignore[misc]  # transformers is not installed where types are checked
    """Never stops; tells the turn what the text is by now."""

    def __init__(self, turn: Any) -> None:
        self._turn = turn

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002 - as transformers calls it
        self._turn.saw(input_ids[0])
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def fingerprint(model: Any) -> str:
    """A digest of a model's configuration and of all its weights, and of the version of transformers: about a second for each GiB."""
    about = {name: part for name, part in model.config.to_dict().items() if name != "_name_or_path"}
    digest = hashlib.sha256(f"{transformers.__version__} {sorted(about.items(), key=str)}".encode())
    for name, weights in sorted(model.state_dict().items()):
        digest.update(f"{name} {weights.dtype} {tuple(weights.shape)}".encode())
        digest.update(weights.detach().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _sessions(layout: KVLayout, memory: int) -> int:
    """How many sessions shall have addresses: as many as can have a page in each row, while the books stay small."""
    rows = sum(region.rows for region in layout.regions)
    return max(min(_ADDRESSES * memory // layout.block_bytes, memory // (rows * SYSTEM_PAGE)), 4)
