"""Numbered pages, for kernels that read by tables: how often a page is held, which text it has, and how tables list them. No bytes."""

from kvcache.paged.events import AllBlocksCleared, BlockRemoved, BlockStored, Event, as_message
from kvcache.paged.index import Match, PageIndex
from kvcache.paged.pages import PagePool
from kvcache.paged.tables import NONE, PageTable, padded, select

__all__ = [
    "NONE",
    "AllBlocksCleared",
    "BlockRemoved",
    "BlockStored",
    "Event",
    "Match",
    "PageIndex",
    "PagePool",
    "PageTable",
    "as_message",
    "padded",
    "select",
]
