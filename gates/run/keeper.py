"""Starts the processes of gates, and ends them if gates itself is killed. A separate program: `keeper.py SOCKET`.

Everything that a gate starts descends from here, even if it tries to escape: the system gives orphans to the nearest
ancestor that adopts them (Linux: PR_SET_CHILD_SUBREAPER), which is this process. When the other end of the socket closes,
because gates has ended or was killed, it kills its children until it has none. If the system lacks this feature, it kills
the groups that it started, and the next run ends the rest (`scratch`).

Loads only the standard library, and little of that: it starts during the first steps of a run.
"""

from __future__ import annotations

import marshal  # json takes half as long to load as everything else
import os
import select
import struct
import sys
import time

TYPE_CHECKING = False  # without `typing`, which takes as long as everything else
if TYPE_CHECKING:
    import signal
    import socket
    from collections.abc import Callable, Iterator
    from typing import Any
else:  # without what Python puts around these: it loads `enum`, which takes as long as starting Python
    import _signal as signal
    import _socket as socket

ANSWER = struct.Struct("=iiid")
"""The kind of event, a process id, its wait status or the error number, the processor time."""
STARTED, FAILED, ENDED = range(3)
SIZE = struct.Struct("=q")
DESCRIPTOR = struct.Struct("i")

SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of Linux."""
PATIENCE = 10.0
"""Seconds to wait for killed processes: the kernel may hold one."""


def default_signals() -> None:
    """Reset signals for gates, even those that were ignored when gates started (`nohup`, `&` in a script)."""
    for number in signal.valid_signals():
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):  # for SIGKILL and similar ones
            continue
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def start(request: dict[str, Any], output: int) -> int:
    """Start a process, as leader of a new session, that writes to `output`; return its id.

    Args:
        request: its "command", "cwd" and "environment".
        output: a descriptor.

    Raises:
        OSError: there is no such program, or it cannot be started.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        number = 0
        try:
            os.setsid()  # Ctrl-C reaches only gates, which then ends the whole tree
            default_signals()
            os.chdir(request["cwd"])
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (output, 1), (output, 2)):
                os.dup2(source, target)
            os.execvpe(request["command"][0], request["command"], request["environment"])  # noqa: S606
        except OSError as error:
            number = error.errno or 0
        finally:  # also for a ValueError: a NUL
            os.write(writer, str(number or 22).encode())
            os._exit(127)
    os.close(writer)
    said = os.read(reader, 16)
    os.close(reader)
    if said:
        os.waitpid(pid, 0)
        raise OSError(int(said), os.strerror(int(said)))
    return pid


def serve(connection: socket.socket, started: set[int]) -> None:
    """Serve requests to start processes, and report their ends, until the socket closes; `started` has the running ones."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    while True:
        ready = select.select([connection.fileno(), reader], [], [])[0]
        if reader in ready:
            os.read(reader, 1 << 12)
            for pid, status, cpu in reaped():
                if pid in started:
                    started.discard(pid)
                    connection.sendall(ANSWER.pack(ENDED, pid, status, cpu))
        if connection.fileno() in ready and not answer(connection, started):
            return


def answer(connection: socket.socket, started: set[int]) -> bool:
    """Read a request, and start its process; False if there is none."""
    head, more, _, _ = connection.recvmsg(SIZE.size, socket.CMSG_LEN(DESCRIPTOR.size), socket.MSG_WAITALL)
    descriptors = [DESCRIPTOR.unpack(data)[0] for _, kind, data in more if kind == socket.SCM_RIGHTS]
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)  # descriptors from a socket are inheritable
    if len(head) < SIZE.size:
        return False
    left, text = SIZE.unpack(head)[0], b""
    while len(text) < left:
        piece = connection.recv(left - len(text))
        if not piece:
            return False
        text += piece
    try:
        pid = start(marshal.loads(text), descriptors[0])  # noqa: S302 (of gates, which started this)
    except OSError as error:
        connection.sendall(ANSWER.pack(FAILED, 0, error.errno or 0, 0.0))
        return True
    finally:
        os.close(descriptors[0])
    started.add(pid)
    watch = (
        [os.pidfd_open(pid)] if hasattr(os, "pidfd_open") else []
    )  # it was not waited for yet: it is still this process
    told = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, DESCRIPTOR.pack(descriptor)) for descriptor in watch]
    connection.sendmsg([ANSWER.pack(STARTED, pid, 0, 0.0)], told)
    for descriptor in watch:
        os.close(descriptor)
    return True


def reaped() -> Iterator[tuple[int, int, float]]:
    """Id, wait status and processor time of each ended process, including orphans."""
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        yield pid, status, usage.ru_utime + usage.ru_stime


def children() -> list[int]:
    """The child processes of this one."""
    found = []
    own = b" %d " % os.getpid()
    for name in os.listdir("/proc"):  # noqa: PTH208 — pathlib takes longer to load than this to start
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    after = file.read().rpartition(b")")[2]  # the name before it may contain anything
            except OSError:
                continue
            if after[2:].startswith(own):
                found.append(int(name))
    return found


def end(groups: set[int]) -> None:
    """Kill all descendants: any that loses its parent becomes a child of this process."""
    for group in groups:
        kill(os.killpg, group)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            gone = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            return
        if not gone:  # the rest is alive, or was a moment ago
            for pid in children() if os.path.exists("/proc/self/stat") else ():  # noqa: PTH110
                kill(os.kill, pid)
            time.sleep(0.005)


def kill(how: Callable[[int, int], None], pid: int) -> None:
    """Kill it, if it still exists."""
    try:
        how(pid, signal.SIGKILL)
    except OSError:
        return


def main() -> None:
    """Serve, then end everything that is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)  # meant for gates, which exits after ending everything
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    os.chdir("/")  # else it would keep a folder in use that may be removed
    started: set[int] = set()
    try:
        connection = socket.socket(fileno=int(sys.argv[1]))
        try:
            os.set_inheritable(connection.fileno(), False)  # if a gate held it, the end of gates would go unnoticed
            serve(connection, started)
        finally:
            connection.close()
    except OSError:  # gates ended during a message
        pass
    finally:
        end(started)
        os._exit(0)


if __name__ == "__main__":
    main()
