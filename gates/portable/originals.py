"""The standard library before any test changes it: the plugin calls it only through this module.

Tests replace anything, such as `os.getpid`, `time.sleep`, `pathlib.Path.exists` or the whole clock, and the plugin's hooks
run in between. So all code that runs inside foreign test processes takes modules with effects from here,
`from .originals import os`, and handles files with the functions below; a test checks this. What a module
of the standard library calls internally stays as the test has changed it.

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
"""Modules with effects, which are kept here. Those that only compute need not be."""


def _kept(name: str) -> Any:
    """A copy of a module's content: later changes of the module do not affect it."""
    module: ModuleType = importlib.import_module(name)
    kept = SimpleNamespace(**vars(module))
    if name == "os":
        kept.path = SimpleNamespace(**vars(module.path))
        kept.fdopen = importlib.import_module("io").open  # like `os.fdopen`, which looks it up when called
    elif name == "time":
        _set_clock(kept)
    return kept


def _set_clock(kept: Any) -> None:
    """Read a clock that no time-faking library changes, not even time-machine, which works in C."""
    ticks = kept.perf_counter
    if hasattr(kept, "CLOCK_BOOTTIME"):
        read, clock = kept.clock_gettime, kept.CLOCK_BOOTTIME  # continues while the machine sleeps
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
    if _name in sys.modules:  # a module that is not loaded is not changed; it is kept when first needed
        globals()[_name] = _kept(_name)


def open_anew(path: AnyPath) -> IO[bytes]:
    """Open a file for writing, unbuffered; its old content is lost.

    Raises:
        OSError: it cannot be made.
    """
    return io.open(path, "wb", buffering=0)


def open_to_append(path: AnyPath) -> IO[bytes]:
    """Open a file for appending, unbuffered.

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
    """Write a text file under another name, then rename it: several processes may do so at once, and no reader sees a partial file.

    Raises:
        OSError: it cannot be written.
    """
    aside = f"{os.fspath(path)}.{os.getpid()}"
    write_text(aside, text, encoding)
    os.replace(aside, path)


def exists(path: AnyPath) -> bool:
    """Whether anything with this name exists."""
    try:
        os.stat(path)
    except (OSError, ValueError):
        return False
    return True


def is_folder(path: AnyPath) -> bool:
    """Whether a folder with this name exists."""
    return os.path.isdir(path)


def remove(path: AnyPath) -> None:
    """Remove a file, if it exists and may be removed."""
    with suppress(OSError):
        os.unlink(path)


def names_in(folder: AnyPath) -> list[str]:
    """The names in a folder; empty if it cannot be read."""
    try:
        return os.listdir(folder)
    except OSError:
        return []
