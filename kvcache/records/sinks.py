"""Take records: into memory, or into the log. `kvcache.records.chain` writes them to a file; any other callable is a sink as well."""

import logging
from collections import deque
from typing import SupportsIndex

from kvcache import checks
from kvcache.records.receipts import (
    BatchReceipt,
    EvictionReceipt,
    Opening,
    PoolSnapshot,
    Record,
    TraceEvent,
)


class MemorySink:
    """Keeps the latest `limit` records in memory; all of them when `limit` is None.

    Raises:
        InvalidSizeError: `limit` is not a whole number above 0.
    """

    def __init__(self, limit: SupportsIndex | None = None) -> None:
        maxlen = None if limit is None else checks.whole_number("sink limit", limit, minimum=1)
        self._records: deque[Record] = deque(maxlen=maxlen)

    def __getstate__(self) -> dict[str, object]:
        return {"_records": self._records.copy()}  # a copy keeps its own from now on

    def __call__(self, record: Record, /) -> None:
        """Keep `record`."""
        self._records.append(record)

    @property
    def records(self) -> tuple[Record, ...]:
        """What is kept, oldest first."""
        return tuple(self._records)

    @property
    def receipts(self) -> tuple[EvictionReceipt, ...]:
        """The evictions among it."""
        return tuple(record for record in self.records if isinstance(record, EvictionReceipt))


class LoggingSink:
    """Writes a line per record to a logger; the record itself is the attribute `kvcache_record` of the log record.

    Args:
        logger: where; the logger `kvcache` unless told otherwise.
        level: of evictions; steps of a trace are at DEBUG.
    """

    def __init__(self, logger: logging.Logger | None = None, *, level: int = logging.INFO) -> None:
        self._logger = logger or logging.getLogger("kvcache")
        self._level = level

    def __call__(self, record: Record, /) -> None:
        """Log `record`."""
        level = logging.DEBUG if isinstance(record, TraceEvent) else self._level
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", _sentence(record), extra={"kvcache_record": record})


def _sentence(record: Record) -> str:
    match record:
        case Opening():
            return f"opened an arena of {record.capacity_bytes} bytes, policy {record.policy}"
        case EvictionReceipt():
            place = f"{record.span.length} bytes at {record.span.offset}"
            return f"evicted {record.session_id!r} ({record.reason}): {record.token_count} tokens, {place}"
        case BatchReceipt():
            return f"evicted {len(record.session_ids)} sessions ({record.reason}): {record.bytes_freed} bytes"
        case PoolSnapshot():
            return f"holds {len(record.blocks)} blocks, {record.statistics.bytes_free} bytes are free"
        case TraceEvent():
            return f"{record.action} {record.session_id!r} {record.tokens}"
