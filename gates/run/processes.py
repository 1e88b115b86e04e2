"""Start a gate's process in a group of its own, and end whatever belongs to it."""

from __future__ import annotations

import fcntl
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence

PIPE_SIZE = 1 << 20
"""Bytes; the system's own size is a sixteenth of it."""

MARKER = "GATES_GATE"
"""Variable that every process of a gate inherits; finds those that left the group (`setsid`) or lost their parent."""

REAP_PATIENCE = 5.0
"""Seconds until a killed process is no longer waited for."""


class GateProcess:
    """The first process of a gate, leader of its own session and group."""

    def __init__(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> None:
        """Start it.

        Raises:
            OSError: there is no such program, or it cannot be started.
        """
        self._popen = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches gates alone, which then ends the whole tree
        )
        assert self._popen.stdout is not None
        self.output = self._popen.stdout.fileno()
        os.set_blocking(self.output, False)
        with suppress(AttributeError, OSError):  # Linux: room for what is printed between two looks
            fcntl.fcntl(self.output, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self.pid = self._popen.pid
        self.marker = environment.get(MARKER, "").rpartition(" ")[2]
        self.exit_code: int | None = None
        self.cpu = 0.0
        self.watch = self._open_watch()

    def _open_watch(self) -> int:
        """A file descriptor that is ready when the process ends; -1 where the system has none."""
        with suppress(AttributeError, OSError):
            return os.pidfd_open(self.pid)
        return -1

    def read(self) -> bytes | None:
        """Output that is there; None at its end."""
        try:
            data = os.read(self.output, 1 << 16)
        except BlockingIOError:
            return b""
        return data or None

    def ended(self) -> bool:
        """Whether the first process has ended; its exit code and processor time are then known."""
        if self.exit_code is not None:
            return True
        try:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        except ChildProcessError:  # somebody else waited for it
            self.exit_code = self._popen.returncode if self._popen.returncode is not None else -1
            return True
        if pid == 0:
            return False
        self.exit_code = self._popen.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        return True

    def reap(self) -> None:
        """Wait for the end of the first process, which was killed; not for ever, the kernel may hold it."""
        if self.exit_code is None:
            with suppress(subprocess.TimeoutExpired):
                self.exit_code = self._popen.wait(REAP_PATIENCE)

    def signal_tree(self, number: signal.Signals) -> int:
        """Send a signal to the group, and to every process of the gate that left it. How many there were, its first aside."""
        strays = self.strays()  # counted first: a killed group is gone before it could be
        # A process that is just becoming another program has no environment to be found by, but is in the group.
        number_found = max(len(strays), int(self.group_outlives()))
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        for pid in self.strays() if strays else ():  # looked up again: numbers of ended processes are given anew
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        return number_found

    def group_outlives(self) -> bool:
        """Whether somebody is left in the group after its first process."""
        if self.exit_code is None:
            return False
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def strays(self) -> list[int]:
        """Processes of this gate that still live, its first one aside."""
        if not self.marker:
            return []
        return [pid for pid in marked_processes(self.marker) if pid != self.pid]

    def close(self) -> None:
        """Let go of the file descriptors."""
        if self.watch >= 0:
            os.close(self.watch)
            self.watch = -1
        if self._popen.stdout is not None:
            self._popen.stdout.close()


def marked_processes(marker: str) -> list[int]:
    """Living processes whose environment carries the marker.

    The variable holds one marker for each run of gates that the process lies in, outermost first: a gate may run gates.
    """
    proc = Path("/proc")
    if (proc / "self" / "environ").exists():
        return _marked_in_proc(proc, marker.encode())
    import psutil

    return [
        process.pid
        for process in psutil.process_iter(["environ"])
        if marker in (process.info["environ"] or {}).get(MARKER, "").split()
    ]


_MARKER_ENTRY = f"{MARKER}=".encode()


def _marked_in_proc(proc: Path, wanted: bytes) -> list[int]:
    # Read directly: this runs after every gate, and psutil's objects cost ten times as much as one read.
    found = []
    for name in os.listdir(proc):  # noqa: PTH208 — see above
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb", buffering=0) as file:  # noqa: PTH123
                block = file.read()
            if wanted in block and any(
                wanted in entry[len(_MARKER_ENTRY) :].split()
                for entry in block.split(b"\0")
                if entry.startswith(_MARKER_ENTRY)
            ):
                found.append(int(name))
        except OSError:  # ended meanwhile, or somebody else's
            continue
    return found
