"""Find files that the surrounding shell job writes: `gates run > log`, `gates run | tee log`."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def written_by_this_job(top: Path) -> frozenset[str]:
    """Files below a folder that processes of this process group have open for writing; paths are relative to it.

    Gates run in their own process groups, so their files are not included.
    """
    import psutil

    root, found = top.resolve(), set()
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            if os.getpgid(pid) != os.getpgrp():
                continue
            for file in psutil.Process(pid).open_files():
                # Only Linux shows how a file was opened.
                if getattr(file, "mode", "w") != "r":
                    with suppress(ValueError):
                        found.add(os.path.relpath(file.path, root))
    return frozenset(name.replace(os.sep, "/") for name in found if not name.startswith(".."))
