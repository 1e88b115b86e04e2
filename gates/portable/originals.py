"""The standard library as it is before a test changes it: what the plugin calls, it calls here.

Tests replace what they like, `os.getpid`, `time.sleep`, `pathlib.Path.exists` or the whole clock, and the plugin's hooks
run in the midst of it. So everything that runs inside foreign test processes takes modules that do something from here,
`from .originals import os`, and handles files with the functions below; a test looks for every other way. What a module
of the standard library calls within itself stays as the test has it.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from types import ModuleType, SimpleNamespace
from typing import IO, TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    import ctypes as ctypes
    import faulthandler as faulthandler
    import hashlib as hashlib
    import io as io
    import json as json
    import mmap as mmap
    import os as os
    import pickle as pickle
    import platform as platform
    import random as random
    import resource as resource
    import select as select
    import shutil as shutil
    import signal as signal
    import subprocess as subprocess
    import tempfile as tempfile
    import threading as threading
    import time as time
    import warnings as warnings

    AnyPath = Union[str, os.PathLike[str]]

MODULES = (
    *("ctypes", "faulthandler", "hashlib", "io", "json", "mmap", "os", "pickle", "platform", "random", "resource"),
    *("select", "shutil", "signal", "subprocess", "tempfile", "threading", "time", "warnings"),
)
"""Modules that do something, and that are kept here. Those that only compute need not be."""


def _kept(name: str) -> Any:
    """A copy of what a module holds: to change the module changes nothing in it."""
    module: ModuleType = importlib.import_module(name)
    kept = SimpleNamespace(**vars(module))
    if name == "os":
        kept.path = SimpleNamespace(**vars(module.path))
        kept.fdopen = importlib.import_module("io").open  # as `os.fdopen` does, which looks it up when it is called
    elif name == "time":
        _set_clock(kept)
    return kept


def _set_clock(kept: Any) -> None:
    """Take the time from a clock that no library which fakes the time turns back, not even in C as time-machine does."""
    ticks = kept.perf_counter
    if hasattr(kept, "CLOCK_BOOTTIME"):
        read, clock = kept.clock_gettime, kept.CLOCK_BOOTTIME  # goes on while the machine sleeps
        ticks = lambda: read(clock)  # noqa: E731
    began = kept.time() - ticks()
    kept.time = lambda: began + ticks()
    kept.monotonic = ticks


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = _kept(name)
    return found


for _name in MODULES:
    if _name in sys.modules:  # what nobody has loaded, nobody has changed; it is kept when it is first needed
        globals()[_name] = _kept(_name)


def open_anew(path: AnyPath) -> IO[bytes]:
    """Open a file to write to it, unbuffered; what it held is gone.

    Raises:
        OSError: it cannot be made.
    """
    return io.open(path, "wb", buffering=0)


def open_to_append(path: AnyPath) -> IO[bytes]:
    """Open a file to write behind what it holds, unbuffered.

    Raises:
        OSError: it cannot be made.
    """
    return io.open(path, "ab", buffering=0)


def write_text(path: AnyPath, text: str, encoding: str = "utf-8") -> None:
    """Write a text file.

    Raises:
        OSError: it cannot be written.
    """
    with io.open(path, "w", encoding=encoding) as file:
        file.write(text)


def write_whole(path: AnyPath, text: str, encoding: str = "utf-8") -> None:
    """Write a text file aside, then rename it: several processes may do so at once, and no reader sees a part.

    Raises:
        OSError: it cannot be written.
    """
    aside = f"{os.fspath(path)}.{os.getpid()}"
    write_text(aside, text, encoding)
    os.replace(aside, path)


def exists(path: AnyPath) -> bool:
    """Whether there is anything of this name."""
    try:
        os.stat(path)
    except (OSError, ValueError):
        return False
    return True


def is_folder(path: AnyPath) -> bool:
    """Whether there is a folder of this name."""
    return os.path.isdir(path)


def remove(path: AnyPath) -> None:
    """Remove a file, where it is there and may be removed."""
    with suppress(OSError):
        os.unlink(path)


def names_in(folder: AnyPath) -> list[str]:
    """The names of what is in a folder; none where it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []
