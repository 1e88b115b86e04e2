"""Tell others which pages of a text are known, in the form of vLLM's events, so that a router can send a prompt where its beginning is.

The fields are those of `vllm.distributed.kv_events`. A page is named by a digest that covers its text from the beginning, and its
namespace; the index itself compares tokens and needs none.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from kvcache.token_text import tokens_of


@dataclass(frozen=True, slots=True)
class BlockStored:
    """Pages became known, one behind the other.

    Attributes:
        block_hashes: of the pages.
        parent_block_hash: of the page before the first one; None: they begin a text.
        token_ids: of all the pages.
        block_size: tokens of a page; the last one may have fewer.
        lora_id: always None.
        medium: where they are.
        lora_name: the namespace; None where it has no name.
    """

    block_hashes: tuple[bytes, ...]
    parent_block_hash: bytes | None
    token_ids: tuple[int, ...]
    block_size: int
    lora_id: None = None
    medium: str | None = "CPU"
    lora_name: str | None = None


@dataclass(frozen=True, slots=True)
class BlockRemoved:
    """Pages are known no more."""

    block_hashes: tuple[bytes, ...]
    medium: str | None = "CPU"


@dataclass(frozen=True, slots=True)
class AllBlocksCleared:
    """No page is known any more."""


Event: TypeAlias = BlockStored | BlockRemoved | AllBlocksCleared


def as_message(event: Event) -> dict[str, Any]:
    """An event as the map that vLLM's encoder writes: its fields, and its name under `type`."""
    kind: Literal["BlockStored", "BlockRemoved", "AllBlocksCleared"] = type(event).__name__  # type: ignore[assignment]
    fields = {name: getattr(event, name) for name in type(event).__slots__}
    return {"type": kind} | {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


def stored(pages: Sequence[tuple[bytes, bytes]], *, parent: bytes | None, page: int, namespace: str) -> BlockStored:
    """The event of pages that became known one behind the other.

    Args:
        pages: digest and text of each.
        parent: digest of the page before the first one.
        page: tokens of a page.
        namespace: whose they are.
    """
    return BlockStored(
        block_hashes=tuple(digest for digest, _ in pages),
        parent_block_hash=parent,
        token_ids=tuple(tokens_of(b"".join(text for _, text in pages))),
        block_size=page,
        lora_name=namespace or None,
    )


def page_digest(parent: bytes | None, namespace: str, text: bytes) -> bytes:
    """What a page is called: a digest of its text, of its namespace, and of what is before it."""
    digest = hashlib.sha256(parent or b"")
    digest.update(len(namespace.encode()).to_bytes(8, "big") + namespace.encode() + text)
    return digest.digest()
