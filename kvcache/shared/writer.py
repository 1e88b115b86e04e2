"""Write sessions to shared memory; there is one writer, and the next one takes over from one that died.

The writer holds a lock on the file (`flock`), which goes with its process, however that ends. Memory is asked for before it is written to:
a full file system is an error, and not the end of the process.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import SupportsIndex

import numpy as np

from kvcache import checks, forking
from kvcache.errors import (
    ClosedError,
    InvalidSessionError,
    InvalidSizeError,
    OutOfMemoryError,
    SharedMemoryError,
    UnknownSessionError,
)
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.manager import KVCacheManager
from kvcache.sessions.sharing import Beginning
from kvcache.shared.locking import lock
from kvcache.shared.segment import (
    CLOSED,
    EPOCH,
    FACTS_AT,
    LONGEST_NAME,
    PAGE,
    SEQUENCE,
    TOKENS,
    Shape,
    Slot,
    fence,
    shape_in,
)
from kvcache.values import Array, Closing


class SharedWriter(Closing):
    """Writes to a segment of shared memory; there is one writer at a time. Not thread-safe: publish from one thread.

    Args:
        path: the segment's file, best in memory: `/dev/shm/NAME`. One of the same layout and slots is taken over with its sessions, if no
            other writer is alive; any other segment is replaced.
        layout: of the sessions; their `max_context` tokens have room in each slot.
        slots: how many sessions there can be.

    Raises:
        SharedMemoryError: another writer is alive, or the file is something else than a segment.
        InvalidSizeError: `slots` is not a whole number above 0.
        OSError: the file cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str], layout: KVLayout, *, slots: SupportsIndex) -> None:
        self._path = Path(path)
        self._shape = Shape(layout, checks.whole_number("slots", slots, minimum=1))
        self._file = self._take()
        self._content: Array | None = np.frombuffer(self._mapped(), np.uint8)
        self._words = self._content[:128].view("<u8")
        self._slots = [Slot(self._content, self._shape, number) for number in range(self._shape.slots)]
        self._known: dict[str, tuple[KVCacheEntry, int]] = {}  # whose tokens are there, and its truncations
        self._order: dict[str, Slot] = {}  # by when they were published, the oldest first
        self._take_over()
        forking.register(self)

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            os.close(self._file)
            self._file = -1

    def before_fork(self) -> None:
        """Nothing is held."""

    def after_fork(self, *, in_child: bool) -> None:
        """In the child there is no writer: else it would hold the lock for its parent."""
        if in_child and self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._content = None

    @property
    def epoch(self) -> int:
        """How many writers the segment has had."""
        return int(self._open()[EPOCH])

    def sessions(self) -> tuple[str, ...]:
        """The ids of the sessions that are shared, the one that was published longest ago first."""
        self._open()
        return tuple(self._order)

    def publish(self, manager: KVCacheManager, session: str) -> int:
        """Let readers see the tokens that a session has now; those that they see already are not copied again.

        Where all slots are taken, the session that was published longest ago goes.

        Returns:
            The count of tokens.

        Raises:
            UnknownSessionError: the session has no entry.
            InvalidSessionError: its id is longer than 448 bytes.
            InvalidSizeError: it has another layout than the segment, or several sequences.
            OutOfMemoryError: the file system is full; the session is not shared.
            ClosedError: the writer is closed, or the manager.
        """
        self._open()
        entry = manager.get(session)
        if entry is None:
            raise UnknownSessionError("publish", expected="a session that has an entry", got=session)
        name = entry.session_id
        if len(name.encode()) > LONGEST_NAME:
            raise InvalidSessionError("publish", expected=f"an id of at most {LONGEST_NAME} bytes", got=name)
        own = self._shape.layout
        if _essence(entry.layout) != _essence(own):
            raise InvalidSizeError("publish", expected=f"a session of {own}", got=entry.layout)
        with entry.pin():
            truncations = entry.truncations
            contents = entry.contents()
            count = contents.tokens
            if count > own.max_context:
                raise InvalidSizeError("publish", expected=f"at most {own.max_context} tokens", got=count)
            slot = self._order.pop(name, None)
            known = self._known.pop(name, None)
            start = max(contents.firsts)  # of layers that do not keep all tokens
            there = -1 if slot is None or known != (entry, truncations) else int(slot.words[TOKENS])
            if slot is None or not start <= there <= count:
                slot = self._begin(name, slot, start)
            try:
                self._copy(slot, contents)
            except BaseException:
                self._empty(slot)
                raise
            fence()  # the tokens before their count
            slot.words[TOKENS] = count
            if slot.words[SEQUENCE] & 1:
                fence()
                slot.words[SEQUENCE] += 1
            self._order[name], self._known[name] = slot, (entry, truncations)
            return int(count)

    def remove(self, session: str) -> bool:
        """Let readers see a session no more; False where they did not.

        Raises:
            ClosedError: the writer is closed.
        """
        self._open()
        self._known.pop(session, None)
        slot = self._order.pop(session, None)
        if slot is not None:
            self._empty(slot)
        return slot is not None

    def close(self, *, keep: bool = False) -> None:
        """Let go of the segment; a second time does nothing.

        Args:
            keep: leave the sessions for readers, and for the next writer; else the file goes, and what readers look at stays until they let go.
        """
        if self._content is None:
            return
        if not keep:
            self._words[CLOSED] = 1
            with suppress(OSError):
                self._path.unlink()
        self._content = None
        self._slots, self._order, self._known = [], {}, {}
        if self._file >= 0:
            os.close(self._file)  # and with it the lock
            self._file = -1

    def _open(self) -> Array:
        if self._content is None:
            raise ClosedError("shared writer", expected="an open one, in the process that made it", got="closed")
        return self._words

    def _mapped(self) -> mmap.mmap:
        """The segment in memory, through its own descriptor: a mapping keeps one, and with it the lock, in a forked child, too."""
        own = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            return mmap.mmap(own, self._shape.size)
        finally:
            os.close(own)

    def _take(self) -> int:
        """The file of the segment, with the writer's lock on it."""
        while True:
            try:
                file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                made = self._make(replace=False)
                if made is not None:
                    return made
                continue  # another process made one just now
            try:
                fits = self._fits(file)
            except BaseException:
                os.close(file)
                raise
            if fits:
                return file
            if fits is False:
                made = self._make(replace=True)
                # Readers of the old one learn that it was replaced; the lock on it goes after that.
                os.pwrite(file, np.array([1], "<u8").tobytes(), 8 * CLOSED)
                os.close(file)
                assert made is not None
                return made
            os.close(file)  # it was replaced before the lock was ours

    def _fits(self, file: int) -> bool | None:
        """Lock a segment, and say whether it can be taken over; None where it is not in its place any more.

        Raises:
            SharedMemoryError: another writer is alive, or it is no segment.
        """
        if not lock(file):
            remedy = "there is one writer at a time"
            raise SharedMemoryError(str(self._path), expected="no other writer", got="one", remedy=remedy)
        if not self._is_at_path(file):
            return None
        head = np.frombuffer(os.pread(file, PAGE, 0), np.uint8)
        there = shape_in(head, os.fstat(file).st_size, str(self._path))
        return there == self._shape and not head[:FACTS_AT].view("<u8")[CLOSED]

    def _make(self, *, replace: bool) -> int | None:
        """A new segment in its place, with the lock; None where another one is there."""
        file, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            os.ftruncate(file, self._shape.size)
            os.posix_fallocate(file, 0, self._shape.blocks_at)
            os.pwrite(file, self._shape.header(), 0)
            lock(file)
            if replace:
                Path(name).replace(self._path)
                return file
            os.link(name, self._path)
        except FileExistsError:
            os.close(file)
            return None
        except BaseException:
            os.close(file)
            raise
        finally:
            with suppress(OSError):
                Path(name).unlink()
        return file

    def _is_at_path(self, file: int) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        own = os.fstat(file)
        return (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)

    def _take_over(self) -> None:
        """Clear what the writer before left half done, and go on with the rest."""
        self._words[EPOCH] += 1
        for slot in self._slots:
            name = slot.name()
            if slot.words[SEQUENCE] & 1 or name is None or name in self._order:
                self._empty(slot)
            else:
                self._order[name] = slot

    def _begin(self, name: str, slot: Slot | None, first: int) -> Slot:
        """A slot without tokens, which no reader looks at, for a session."""
        if slot is None:
            taken = set(map(id, self._order.values()))
            slot = next((each for each in self._slots if id(each) not in taken), None)
        if slot is None:
            oldest = next(iter(self._order))
            self._known.pop(oldest, None)
            slot = self._order.pop(oldest)
        _change(slot)
        slot.put(name, 1, first)
        return slot

    def _empty(self, slot: Slot) -> None:
        _change(slot)
        slot.put("", 0)
        fence()
        slot.words[SEQUENCE] += 1

    def _copy(self, slot: Slot, contents: Beginning) -> None:
        """Write the tokens that are not there yet, in all rows, for which memory is asked first."""
        layout, content, there, last = self._shape.layout, self._content, int(slot.words[TOKENS]), contents.tokens
        assert content is not None
        block = slot.block.ctypes.data - content.ctypes.data
        firsts = slot.firsts(layout)
        for region, rows in zip(layout.regions, contents.tails, strict=True):
            width = region.token_bytes
            start = max(there, firsts[region.group]) * width
            missing = rows[:, max(start - contents.firsts[region.group] * width, 0) :]
            if not missing.size:
                continue
            place = block + region.offset + start
            for row in range(region.rows):
                try:
                    os.posix_fallocate(self._file, place + row * region.row_bytes, missing.shape[1])
                except OSError as problem:
                    error = OutOfMemoryError(
                        "publish",
                        needed=missing.size,
                        free=0,
                        largest=0,
                        capacity=self._shape.size,
                        whole="file system",
                    )
                    raise error from problem
            target = slot.block[region.offset : region.offset + region.rows * region.row_bytes]
            target.reshape(region.rows, region.row_bytes)[:, start : last * width] = missing


def _essence(layout: KVLayout) -> tuple[object, ...]:
    """What two layouts must have in common for tokens of one to be tokens of the other."""
    return layout.shapes, layout.dtype, layout.encoding


def _change(slot: Slot) -> None:
    """Mark the slot as changing, so that it is not read from now on."""
    slot.words[SEQUENCE] += 1 if not slot.words[SEQUENCE] & 1 else 2
    fence()
