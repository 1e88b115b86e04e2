"""Find and end the processes that tests and setup scripts leave behind."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from ..portable.originals import names_in, os, signal
from ..portable.regular import read_bytes, read_text

MARKER = "GATES_WORKER"
"""Variable that a worker of xdist and everything that it starts inherit; used to find leftover processes."""

SCRIPT = "GATES_ENV"
"""Variable with the file to which a setup script may write variables; inherited by what the script starts."""


def end_group(pid: int) -> None:
    """Kill what is left of the process group that `pid` led."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def adopt_orphans() -> bool:
    """Make this process the parent of orphans of its children; return whether that works (on Linux)."""
    try:
        from ..portable.originals import ctypes

        return bool(ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0)  # PR_SET_CHILD_SUBREAPER, prctl(2)
    except (ImportError, OSError, AttributeError):
        return False


def end_orphans(own: Collection[int]) -> None:
    """Kill every adopted child of this process, and the orphans that these leave in turn.

    What a setup script left running stays for later tests.
    """
    for _ in range(100):  # each round finds the children of the previous round; this cannot stop a fork bomb
        children = {pid for pid in set(children_of(os.getpid())).difference(own) if not _is_of_script(pid)}
        if not children:
            return
        for pid in children:
            _end(pid)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _is_of_script(pid: int) -> bool:
    return any(entry.startswith(f"{SCRIPT}=".encode()) for entry in _environment_of(pid))


def _environment_of(pid: int) -> list[bytes]:
    """`NAME=VALUE` of each variable of a process; empty if the system does not show them."""
    with suppress(OSError):
        return read_bytes(f"/proc/{pid}/environ").split(b"\0")
    return []


def _end(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """Processes whose parent is `pid`; empty if the system does not show them."""
    found = []
    for task in names_in(f"/proc/{pid}/task"):
        with suppress(OSError):
            found += [int(word) for word in read_text(f"/proc/{pid}/task/{task}/children").split()]
    return found


def end_marked(marker: str) -> None:
    """Kill every process that inherited this value of `MARKER`, on systems with /proc."""
    wanted = f"{MARKER}={marker}".encode()
    for pid in (int(name) for name in names_in("/proc") if name.isdigit()):
        if pid != os.getpid() and wanted in _environment_of(pid):
            _end(pid)
