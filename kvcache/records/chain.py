"""Write and read records as JSON Lines in which each line carries the digest of the one before.

A line is `{"previous": "<SHA-256 of the line before, in hex>", "record": {"kind": ..., ...}}`; the first one carries 64 zeros.
A line that is changed, dropped or inserted breaks every digest behind it; the last digest (`ChainWriter.head`) also
shows when the end was cut off or replaced.
"""

import dataclasses
import hashlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kvcache import forking
from kvcache.errors import ChainError
from kvcache.records.receipts import Record
from kvcache.values import Span, Unique

GENESIS: Final = "0" * 64
"""What the first line carries."""


def encode(value: object) -> object:
    """Turn a record, or a part of one, into what JSON can hold."""
    if isinstance(value, Span):
        return {"offset": value.offset, "length": value.length}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [encode(part) for part in value]
    return value


def to_json(record: Record) -> dict[str, Any]:
    """The record as a dict, with the name of its class as `kind`."""
    fields = encode(record)
    assert isinstance(fields, dict)
    return {"kind": type(record).__name__, **fields}


def digest(line: bytes) -> str:
    """SHA-256 of a line without its end, in hex."""
    return hashlib.sha256(line).hexdigest()


class JsonLinesSink(Unique):
    """Appends records to a file; each is flushed before the call returns. May be called from any thread.

    After a fork the file is the parent's: in the child the sink is closed, because two writers would break the chain.

    Args:
        path: the file; one that exists is continued after its chain was checked.

    Raises:
        ChainError: the file that exists is broken.
        OSError: it cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._head = GENESIS
        if self._path.exists():
            for line, _ in read_chain(self._path):
                self._head = digest(line)
        self._lock = threading.Lock()
        self._file = self._path.open("ab")
        forking.register(self)

    def __call__(self, record: Record, /) -> None:
        """Write `record`.

        Raises:
            ValueError: the sink is closed, or the record cannot be written as JSON; the chain goes on without it.
        """
        fields = to_json(record)
        with self._lock:
            text = json.dumps({"previous": self._head, "record": fields}, separators=(",", ":"))
            line = text.encode("ascii")
            self._file.write(line + b"\n")
            self._file.flush()
            self._head = digest(line)

    @property
    def head(self) -> str:
        """The digest of the last line. Keep it elsewhere, and the whole file can be trusted later."""
        return self._head

    def before_fork(self) -> None:
        """Write no line meanwhile, so that none is written twice."""
        self._lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """Leave the file to the parent."""
        if in_child:
            self._file.close()
        self._lock.release()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        with self._lock:
            self._file.close()


def read_chain(path: str | Path, *, head: str | None = None) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Give each line with its record, as long as the chain holds.

    Args:
        path: the file.
        head: the digest that the last line must have; None: any.

    Raises:
        ChainError: a line is cut off, is no such line, or does not carry the digest of the one before.
        OSError: the file cannot be read.
    """
    known, number = GENESIS, 0
    with Path(path).open("rb") as file:
        for number, whole in enumerate(file, start=1):
            line = whole.removesuffix(b"\n")
            subject = f"{path}:{number}"
            if line == whole:
                raise ChainError(subject, expected="a whole line", got=line[-40:], line=number, remedy="it was cut off")
            try:
                fields = json.loads(line)
                previous, record = fields["previous"], fields["record"]
                kind = record["kind"]
            except (ValueError, TypeError, KeyError, RecursionError) as problem:
                expected = "an object with previous and record"
                raise ChainError(subject, expected=expected, got=line[:40], line=number) from problem
            if previous != known or not isinstance(kind, str):
                remedy = "a line was changed, dropped or inserted here or right before"
                raise ChainError(subject, expected=f"previous {known}", got=previous, line=number, remedy=remedy)
            known = digest(line)
            yield line, record
    if head is not None and head != known:
        raise ChainError(f"{path}: end", expected=f"head {head}", got=known, line=number, remedy="the end was cut off")
