"""Keep rows of bytes that never change again, and show them in several places of memory at once, without a copy.

The bytes lie in a file of memory (`memfd_create`) that is sealed: no process can write to it, not even by mistake. It is mapped
copy-on-write (`MAP_PRIVATE`): a write gives the writer its own copy of the page. Linux allows a process a limited number of mappings
(`vm.max_map_count`), and each row takes two, so at most half of them are taken; without mappings, tokens are copied instead.
"""

import ctypes
import errno
import mmap
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from kvcache.values import Array, Unique

_MAP_FIXED: Final = 0x10
_ADD_SEALS: Final = 1033
_SEALS: Final = 0x1 | 0x2 | 0x4 | 0x8  # no more seals, no shrinking, no growing, no writing
_PER_ROW: Final = 2
"""Mappings that a row takes: its own, and what is behind it up to the next row."""


def _system() -> Callable[..., int | None] | None:
    """The system's `mmap` with all its arguments, or None where it cannot do this."""
    if sys.platform != "linux" or not hasattr(os, "memfd_create"):
        return None
    with suppress(OSError, AttributeError):
        call: Any = ctypes.CDLL(None, use_errno=True).mmap
        call.restype = ctypes.c_void_p
        size, flags = ctypes.c_size_t, ctypes.c_int
        call.argtypes = [ctypes.c_void_p, size, flags, flags, flags, ctypes.c_long]
        return call  # type: ignore[no-any-return]
    return None


_mmap: Final = _system()


class Mappings:
    """How many mappings all arenas of the process may have. Safe in threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._lock = threading.Lock()

    def take(self, rows: int) -> bool:
        """Take the mappings of so many rows; False where there are not so many left."""
        with self._lock:
            fits = self.taken + _PER_ROW * rows <= self.limit
            self.taken += _PER_ROW * rows * fits
            return fits

    def give(self, rows: int) -> None:
        """Give them back."""
        with self._lock:
            self.taken -= _PER_ROW * rows


class Holding:
    """The mappings that one arena has taken; they are given back with it."""

    def __init__(self, whole: "Mappings") -> None:
        self._whole, self.rows = whole, 0

    def take(self, rows: int) -> None:
        """Take the mappings of so many rows.

        Raises:
            OSError: there are not so many left.
        """
        if not self._whole.take(rows):
            raise OSError(errno.ENOMEM, "no mappings left")
        self.rows += rows

    def give(self, rows: int) -> None:
        """Give them back."""
        self._whole.give(rows)
        self.rows -= rows

    def __del__(self) -> None:
        self._whole.give(self.rows)


def _limit() -> int:
    if _mmap is None:
        return 0
    try:
        return int(Path("/proc/sys/vm/max_map_count").read_text("ascii")) // 2
    except (OSError, ValueError):
        return 65530 // 2


mappings: Final = Mappings(_limit())


class SealedRows(Unique):
    """Rows of the same length, whole pages each, that lie behind each other in a file of memory.

    Attributes:
        length: bytes of each row.
        rows: how many are kept.
        holders: how many blocks show them; the owner of the blocks counts.

    Raises:
        OSError: the system has no such file to give.
    """

    def __init__(self, length: int) -> None:
        self.length, self.rows, self.holders = length, 0, 0
        self._file = os.memfd_create("kvcache", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)

    @property
    def size(self) -> int:
        """Bytes of memory that all rows take."""
        return self.rows * self.length

    def keep(self, row: Array) -> int:
        """Take in the bytes of a row, and say which one it is.

        Raises:
            OSError: there is no memory for it.
        """
        start, written = self.size, 0
        while written < self.length:
            written += os.pwrite(self._file, row.data[written : self.length], start + written)
        self.rows += 1
        return self.rows - 1

    def seal(self) -> None:
        """Make it read-only from now on, for every process.

        Raises:
            OSError: the system refuses.
        """
        import fcntl

        fcntl.fcntl(self._file, _ADD_SEALS, _SEALS)

    def show(self, row: int, address: int, length: int) -> None:
        """Show the first `length` bytes of a row at an address, in place of what is there.

        Raises:
            OSError: there are no mappings left.
        """
        _map(address, length, mmap.MAP_PRIVATE | _MAP_FIXED, self._file, row * self.length)

    def close(self) -> None:
        """Let go of the file; what is shown stays until something else is shown there. A second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()


class FileRows(SealedRows):
    """Rows of a file that must not change, shown copy-on-write; they take no memory but what the system keeps of files.

    Args:
        file: a descriptor, which is copied.
        offset: of the first row in the file, a multiple of the system's page.
        stride: bytes from one row to the next, also a multiple of the page.
        length: bytes of each row, also a multiple of the page.
        rows: how many.

    Raises:
        OSError: the process has no descriptors left.
    """

    def __init__(self, file: int, offset: int, stride: int, length: int, rows: int) -> None:
        self.length, self.rows, self.holders = length, rows, 0
        self._file = -1
        self._file = os.dup(file)
        self._offset, self._stride = offset, stride

    @property
    def size(self) -> int:
        """Bytes of memory that they take: none."""
        return 0

    def show(self, row: int, address: int, length: int) -> None:
        """Show the first `length` bytes of a row at an address, in place of what is there.

        Raises:
            OSError: there are no mappings left.
        """
        _map(address, length, mmap.MAP_PRIVATE | _MAP_FIXED, self._file, self._offset + row * self._stride)


def show_zeros(address: int, length: int, flags: int) -> None:
    """Show zeros that take no memory until they are written to, in place of what is there.

    Raises:
        OSError: there are no mappings left.
    """
    _map(address, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED | flags, -1, 0)


def _map(address: int, length: int, flags: int, file: int, offset: int) -> None:
    assert _mmap is not None
    if _mmap(address, length, mmap.PROT_READ | mmap.PROT_WRITE, flags, file, offset) != address:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
