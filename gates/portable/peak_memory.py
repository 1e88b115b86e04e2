"""The peak memory of a process.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from .regular import read_bytes


def peak_memory() -> int:
    """Peak memory of this process in bytes; 0 if the system does not report it."""
    # Better than getrusage: there, a process inherits the peak of its parent, however large.
    with suppress(OSError, ValueError, IndexError):
        return int(read_bytes("/proc/self/status").split(b"VmHWM:")[1].split()[0]) * 1024
    try:
        from .originals import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
