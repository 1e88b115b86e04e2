"""Communicate with the keeper: the process that starts gates, and ends them if this one is killed."""

from __future__ import annotations

import errno
import marshal
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from gates.run import keeper

CLOSING = 15.0
"""Seconds that the keeper has to end leftovers."""


class Keeper:
    """The client side. Starts the keeper when first needed, and a new one if it is killed."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._program: subprocess.Popen[bytes] | None = None
        self._running: set[int] = set()
        self._ended: dict[int, tuple[int, float]] = {}
        self._lost: set[int] = set()

    def __enter__(self) -> Self:
        """Start it early, while other things are prepared."""
        with suppress(OSError):  # the same error occurs again on starting a process
            self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self) -> None:
        """Start the keeper without waiting for it.

        Raises:
            OSError: it cannot be started.
        """
        if self._socket is not None:
            return
        ours, theirs = socket.socketpair()
        with theirs:
            self._program = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(keeper.__file__)), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # killing this process group leaves the keeper alive, to end what is running
            )
        self._socket = ours

    def start(self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], output: int) -> tuple[int, int]:
        """Start a process that writes to `output`; return its id, and a descriptor that becomes ready at its end (-1 for none).

        Raises:
            OSError: there is no such program, or it cannot be started.
        """
        if not command[0]:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._look()  # a killed keeper is replaced
        self.begin()
        assert self._socket is not None
        request = {"command": list(command), "cwd": str(cwd.absolute()), "environment": dict(environment)}
        text = marshal.dumps(request)
        try:
            socket.send_fds(self._socket, [keeper.SIZE.pack(len(text))], [output])
            self._socket.sendall(text)
            while True:
                kind, pid, number, watches = self._take()
                if kind == keeper.FAILED:
                    raise OSError(number, os.strerror(number))
                if kind == keeper.STARTED:
                    self._running.add(pid)
                    return pid, next(iter(watches), -1)
        except (EOFError, ConnectionError) as error:
            self._lose()
            raise ChildProcessError(0, "the process that starts gates was killed") from error

    def ended(self, pid: int) -> tuple[int, float] | None:
        """Wait status and processor time of an ended process; None while it runs."""
        if pid not in self._ended:
            self._look()
        return self._ended.pop(pid, None)

    def lost(self, pid: int) -> bool:
        """Whether its end is unknown, because the keeper itself was killed."""
        return pid in self._lost

    def wait(self, pid: int, seconds: float) -> tuple[int, float] | None:
        """Wait for its end; None if it takes longer."""
        while (found := self.ended(pid)) is None and self._socket is not None:
            if not select.select([self._socket], [], [], seconds)[0]:
                break
        return found

    def close(self) -> None:
        """Let the keeper end all leftovers, and wait for it; calling this again does nothing."""
        if self._socket is None or self._program is None:
            return
        self._socket.close()
        self._socket = None
        with suppress(subprocess.TimeoutExpired):
            self._program.wait(CLOSING)

    def _look(self) -> None:
        """Process the messages of the keeper."""
        while self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            try:
                self._take()
            except (EOFError, ConnectionError):
                self._lose()

    def _take(self) -> tuple[int, int, int, list[int]]:
        assert self._socket is not None
        data, watches, _, _ = socket.recv_fds(self._socket, keeper.ANSWER.size, 1, socket.MSG_WAITALL)
        for watch in watches:
            os.set_inheritable(watch, False)
        if len(data) < keeper.ANSWER.size:
            raise EOFError
        kind, pid, number, cpu = keeper.ANSWER.unpack(data)
        if kind == keeper.ENDED:
            self._running.discard(pid)
            self._ended[pid] = number, cpu
        return kind, pid, number, watches

    def _lose(self) -> None:
        """The keeper was killed: the ends of its processes will stay unknown."""
        self.close()
        self._lost |= self._running
        self._ended |= {pid: (int(signal.SIGKILL), 0.0) for pid in self._running}
        self._running.clear()
