"""Talk to the keeper: the process that starts gates, and that ends them when this one is killed."""

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
"""Seconds that the keeper has to end what is left."""


class Keeper:
    """Our end of the socket. Starts the keeper when it is first needed, and a new one should it be killed."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._program: subprocess.Popen[bytes] | None = None
        self._running: set[int] = set()
        self._ended: dict[int, tuple[int, float]] = {}
        self._lost: set[int] = set()

    def __enter__(self) -> Self:
        """Let it start while other things are prepared."""
        with suppress(OSError):  # whoever starts a process meets the error again
            self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self) -> None:
        """Start the keeper, and do not wait for it.

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
                start_new_session=True,  # whoever kills our group leaves it alive, to end what runs
            )
        self._socket = ours

    def start(self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], output: int) -> tuple[int, int]:
        """Start a process that writes to `output`; its id, and a descriptor that is ready at its end (-1 for none).

        Raises:
            OSError: there is no such program, or it cannot be started.
        """
        if not command[0]:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._look()  # a keeper that was killed meanwhile is replaced
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
        """Wait status and processor time of a process that has ended; None while it runs."""
        if pid not in self._ended:
            self._look()
        return self._ended.pop(pid, None)

    def lost(self, pid: int) -> bool:
        """Whether nobody knows how it ended: the keeper itself was killed."""
        return pid in self._lost

    def wait(self, pid: int, seconds: float) -> tuple[int, float] | None:
        """Wait for its end; None where it takes longer."""
        while (found := self.ended(pid)) is None and self._socket is not None:
            if not select.select([self._socket], [], [], seconds)[0]:
                break
        return found

    def close(self) -> None:
        """Let the keeper end whatever is left, and wait for that; calling it again does nothing."""
        if self._socket is None or self._program is None:
            return
        self._socket.close()
        self._socket = None
        with suppress(subprocess.TimeoutExpired):
            self._program.wait(CLOSING)

    def _look(self) -> None:
        """Take what the keeper has told."""
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
        """The keeper was killed: nobody will tell how what it started ends."""
        self.close()
        self._lost |= self._running
        self._ended |= {pid: (int(signal.SIGKILL), 0.0) for pid in self._running}
        self._running.clear()
