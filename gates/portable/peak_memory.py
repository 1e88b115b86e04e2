"""How much memory a process took at most.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from .regular import read_bytes


def peak_memory() -> int:
    """Bytes that this process took at most; 0 where the system does not tell."""
    # Not by getrusage where this is there: a process inherits the peak of the one that started it, however large.
    with suppress(OSError, ValueError, IndexError):
        return int(read_bytes("/proc/self/status").split(b"VmHWM:")[1].split()[0]) * 1024
    try:
        from .originals import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
