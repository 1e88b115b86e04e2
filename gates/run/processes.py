"""Start a gate's process in its own group, and end everything that belongs to it."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gates.portable.regular import read_bytes

if TYPE_CHECKING:
    from gates.run.launching import Keeper

PIPE_SIZE = 1 << 20
"""Size of the pipe in bytes; the system's default is a sixteenth of it."""

MARKER = "GATES_GATE"
"""Variable that every process of a gate inherits, to find those that left the group (`setsid`) or lost their parent."""

REAP_PATIENCE = 5.0
"""Seconds to wait for a killed process."""


class GateProcess:
    """The first process of a gate, leader of its own session and group."""

    def __init__(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], keeper: Keeper) -> None:
        """Start it.

        Raises:
            OSError: there is no such program, or it cannot be started.
        """
        self.output, output = os.pipe()
        try:
            with suppress(AttributeError, OSError):  # Linux: room for the output between two reads
                fcntl.fcntl(self.output, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
            self.pid, self.watch = keeper.start(command, cwd, environment, output)
        except OSError:
            os.close(self.output)
            raise
        finally:
            os.close(output)
        os.set_blocking(self.output, False)
        self._keeper = keeper
        self.marker = environment.get(MARKER, "").rpartition(" ")[2]
        self.exit_code: int | None = None
        self.cpu = 0.0

    def read(self) -> bytes | None:
        """The available output; None at its end."""
        try:
            data = os.read(self.output, 1 << 16)
        except BlockingIOError:
            return b""
        return data or None

    def ended(self) -> bool:
        """Whether the first process has ended; then its exit code and processor time are known."""
        if self.exit_code is None:
            self._take(self._keeper.ended(self.pid))
        return self.exit_code is not None

    def _take(self, end: tuple[int, float] | None) -> None:
        if end is not None:
            self.exit_code, self.cpu = os.waitstatus_to_exitcode(end[0]), end[1]

    @property
    def lost(self) -> bool:
        """Whether its end is unknown, because the process that waited for it was killed."""
        return self._keeper.lost(self.pid)

    def reap(self) -> None:
        """Wait for the end of the first process, which was killed; not forever, because the kernel may hold it."""
        if self.exit_code is None:
            self._take(self._keeper.wait(self.pid, REAP_PATIENCE))

    def signal_tree(self, number: signal.Signals) -> int:
        """Send a signal to the group, and to every process of the gate that left it; return their number without the first one."""
        strays = self.strays()  # counted first: a killed group is gone before it could be
        # A process in the middle of exec has no environment to be found by, but is in the group.
        number_found = max(len(strays), int(self.group_outlives()))
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        for pid in self.strays() if strays else ():  # looked up again: numbers of ended processes are reused
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        return number_found

    def group_outlives(self) -> bool:
        """Whether the group still has members after its first process."""
        if self.exit_code is None:
            return False
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def strays(self) -> list[int]:
        """Living processes of this gate, without its first one."""
        if not self.marker:
            return []
        return [pid for pid in marked_processes(self.marker) if pid != self.pid]

    def left_behind(self) -> list[int]:
        """Processes that outlive the first one of this gate: in its group, or outside it on systems with /proc."""
        found = self.strays()
        if self.group_outlives():
            found += [pid for pid in _members(self.pid) if pid not in found]
        return found

    def close(self) -> None:
        """Close the file descriptors."""
        if self.watch >= 0:
            os.close(self.watch)
            self.watch = -1
        if self.output >= 0:
            os.close(self.output)
            self.output = -1


def _members(group: int) -> list[int]:
    """Processes in a group, without its leader; empty if the system does not show them."""
    found = []
    for name in os.listdir("/proc") if Path("/proc/self/stat").exists() else ():  # noqa: PTH208 (as below)
        with suppress(OSError, ValueError, IndexError):
            if name.isdigit() and int(read_bytes(f"/proc/{name}/stat").rpartition(b")")[2].split()[2]) == group:
                found.append(int(name))
    return [pid for pid in found if pid != group]


def marked_processes(marker: str, *, run: bool = False) -> list[int]:
    """Living processes whose environment contains the marker.

    The variable contains one marker for each surrounding run of gates, outermost first: a gate may run gates.

    Args:
        marker: of a gate.
        run: the marker is that of a run: the marker of each of its gates begins with it.
    """
    proc = Path("/proc")
    if (proc / "self" / "environ").exists():
        return _marked_in_proc(proc, marker.encode(), run=run)
    import psutil

    return [
        process.pid
        for process in psutil.process_iter(["environ"])
        if _carries((process.info["environ"] or {}).get(MARKER, "").encode(), marker.encode(), run=run)
    ]


def _carries(value: bytes, wanted: bytes, *, run: bool) -> bool:
    """Whether the variable contains the marker."""
    return any(word == wanted or (run and word.rpartition(b"-")[0] == wanted) for word in value.split())


_MARKER_ENTRY = f"{MARKER}=".encode()


def _marked_in_proc(proc: Path, wanted: bytes, *, run: bool) -> list[int]:
    # Read directly, because this runs after every gate, and psutil's objects cost ten times as much as one read.
    found = []
    for name in os.listdir(proc):  # noqa: PTH208 — see above
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb", buffering=0) as file:  # noqa: PTH123
                block = file.read()
            if wanted in block and any(
                _carries(entry[len(_MARKER_ENTRY) :], wanted, run=run)
                for entry in block.split(b"\0")
                if entry.startswith(_MARKER_ENTRY)
            ):
                found.append(int(name))
        except OSError:  # ended meanwhile, or of another user
            continue
    return found
