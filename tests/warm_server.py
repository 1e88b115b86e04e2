"""Forks Python programs from a process that has imported what they need; `tests.warm` starts it and asks.

`main` is given SOCKET IMPORTS PATH as arguments: a request is its length (8 bytes, with the three standard streams attached)
and JSON; the answers are the process's id, then its wait status.

The programs start their own Python programs (pytest, nox, xdist's workers) in the same way on Linux: each has a nursery, a
fork of itself from before it did anything, and `subprocess` asks it for a process in the state of a fresh interpreter. That
process is orphaned at birth and becomes the child of the program that asked, as any child of it.
"""

import atexit
import contextlib
import ctypes
import faulthandler
import fcntl
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.warm_plugins import INJECTED, Plugins, load, remember_distributions

if TYPE_CHECKING:
    from collections.abc import Callable

FINE = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
"""These are minded, or make no difference to whom nobody watches."""

ROOM = "TESTS_WARM_ROOM_"
"""Prefix of variables that make room for those of a program, where the system shows them to others."""

LONGEST = 1 << 17
"""Bytes; the system starts no program with a variable that is as long."""

MODULES = ("pytest", "nox")
"""Programs that programs of tests start, as `python -m NAME`."""

WORKER = ["-u", "-c", "import sys;exec(eval(sys.stdin.readline()))"]
"""How execnet starts a process of xdist."""

WORKERS = ("-n", "--num", "--tx", "--dist", "-f")
"""How arguments of pytest begin that ask for processes of xdist."""

ISOLATED = ('"spawn"', '"auto"')
"""Words of the plugin's settings with which a test may have a pytest of its own."""

KEEPER = str(Path("gates", "run", "keeper.py"))
"""The end of the path of the program that gates has its gates started by: it forks, and becomes them."""

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def read_at_start(environment: "dict[str, str]") -> "dict[str, str]":
    """Variables that change how Python starts."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(("LANG", "LC_", "PYTHON")) and name not in FINE
    }


STARTED = read_at_start(dict(os.environ))


def send(connection: socket.socket, request: "dict[str, Any]", streams: "list[int]") -> int:
    """The id of the process that was asked for."""
    text = json.dumps(request).encode()
    socket.send_fds(connection, [len(text).to_bytes(8, "big")], streams)
    connection.sendall(text)
    return receive(connection)


def receive(connection: socket.socket) -> int:
    """A number."""
    answer = connection.recv(8, socket.MSG_WAITALL)
    assert len(answer) == 8, "the process that forks is gone"
    return int.from_bytes(answer, "big")


def serve(connection: socket.socket, *, orphans: bool = False) -> "tuple[dict[str, Any], list[int]] | None":
    """Fork for each request, and return it with its streams in the child; None where nobody asks any more.

    Args:
        connection: to who asks; the descriptors beside the streams are those that the program is given.
        orphans: the process is no child of this one, and nobody here waits for it.
    """
    while True:
        head, streams, _, _ = socket.recv_fds(connection, 8, 16)
        if not head:
            return None
        size, text = int.from_bytes(head, "big"), b""
        while len(text) < size:
            text += connection.recv(size - len(text))
        child = _fork_orphan() if orphans else os.fork()
        if not child:
            connection.close()
            return json.loads(text), list(streams)
        for stream in streams:
            os.close(stream)
        connection.sendall(child.to_bytes(8, "big"))
        if not orphans:
            connection.sendall(os.waitpid(child, 0)[1].to_bytes(8, "big"))


def _fork_orphan() -> int:
    """A fork whose parent has ended."""
    reading, writing = os.pipe()
    between = os.fork()
    if not between:
        os.close(reading)
        child = os.fork()
        if child:
            os.write(writing, child.to_bytes(8, "big"))
            os._exit(0)
        os.close(writing)
        return 0
    os.close(writing)
    os.waitpid(between, 0)
    child = int.from_bytes(os.read(reading, 8), "big")
    os.close(reading)
    return child


class Nursery:
    """Starts programs as children of this process, from a fork of what it was at first."""

    def __init__(self, connection: socket.socket, room: int) -> None:
        self._connection = connection
        self._room = room
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._cold: Any = subprocess.Popen._execute_child  # type: ignore[attr-defined]

        def execute(popen: Any, *arguments: Any) -> None:  # a function, for a bound method would not get the process
            self._execute(popen, *arguments)

        subprocess.Popen._execute_child = execute  # type: ignore[attr-defined]

    def _execute(
        self, popen: Any, args: Any, executable: Any, preexec_fn: Any, close_fds: Any, pass_fds: Any, cwd: Any, env: Any,
        startupinfo: Any, creationflags: Any, shell: Any, p2cread: int, p2cwrite: int, c2pread: int, c2pwrite: int,
        errread: int, errwrite: int, restore_signals: Any, gid: Any, gids: Any, uid: Any, umask: int,
        start_new_session: bool, process_group: int,
    ) -> None:  # fmt: skip
        """In the place of `subprocess.Popen._execute_child`."""
        owned = os.getpid() == self._owner and isinstance(args, list | tuple)
        program = program_of([os.fsdecode(word) for word in args]) if owned else None
        folder = os.fspath(cwd) if cwd is not None else str(Path.cwd())
        environment = {
            os.fsdecode(key): os.fsdecode(value) for key, value in (os.environ if env is None else env).items()
        }
        odd = executable or preexec_fn or shell or gid or gids or uid or umask != -1 or process_group != -1
        if program is None or odd or not close_fds or not Path(folder).is_dir() or not fits(environment, self._room):
            self._cold(
                popen, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell,
                p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, restore_signals, gid, gids, uid, umask,
                start_new_session, process_group,
            )  # fmt: skip
            return
        request = {**program, "folder": folder, "environment": environment, "leads": start_new_session}
        streams = [own if given == -1 else given for own, given in enumerate((p2cread, c2pwrite, errwrite))]
        request["numbers"] = [0, 1, 2, *pass_fds]
        with self._lock:
            prctl(PR_SET_CHILD_SUBREAPER, 1)  # whom the nursery orphans is ours
            try:
                popen.pid = send(self._connection, request, [*streams, *pass_fds])
            finally:
                prctl(PR_SET_CHILD_SUBREAPER, 0)
        popen._child_created = True
        popen._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)


def program_of(words: "list[str]") -> "dict[str, Any] | None":
    """The program that a command starts, where it can be forked."""
    if words[:1] != [sys.executable]:
        return None
    if words[1:] == WORKER:
        return {"code": WORKER[-1], "arguments": []}
    if words[1:2] == ["-m"] and words[2] in MODULES:
        return {"module": words[2], "arguments": words[3:]}
    if words[1:3] == ["-I", "-S"] and words[3].endswith(KEEPER):
        return {"script": words[3], "arguments": words[4:]}
    return None


def starts_programs(request: "dict[str, Any]") -> bool:
    """Whether a program is likely to start some that can be forked; what others start is started from scratch."""
    if request.get("module") == "pytest":
        words = [*request["arguments"], *request["environment"].get("PYTEST_ADDOPTS", "").split()]
        settings = request["environment"].get("GATES_PYTEST", "")
        return any(word.startswith(WORKERS) for word in words) or any(word in settings for word in ISOLATED)
    return "module" in request


def fits(environment: "dict[str, str]", room: int) -> bool:
    """Whether a process that is there already can have these variables."""
    customised = (
        Path(folder, f"{name}customize.py").exists()
        for folder in environment.get("PYTHONPATH", "").split(os.pathsep)
        for name in ("site", "user")
    )
    block = block_of(environment)
    longest = max(map(len, block.split(b"\0")))
    small = len(block) <= room and longest < LONGEST
    return small and read_at_start(environment) == STARTED and not any(customised)


def prctl(*arguments: int) -> None:
    """Ask the kernel for something of this process."""
    ctypes.CDLL(None).prctl(*arguments, *[0] * (5 - len(arguments)))


def block_of(environment: "dict[str, str]") -> bytes:
    """Variables as the kernel holds them."""
    return b"".join(os.fsencode(f"{name}={value}") + b"\0" for name, value in environment.items())


def place_of_variables() -> "tuple[int, int]":
    """Where in memory the kernel finds the variables that this process began with, and how many bytes of them."""
    numbers = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    begin, end = int(numbers[47]), int(numbers[48])
    return begin, end - begin


def descriptors() -> "list[int]":
    """All that are open."""
    found = []
    for path in [*Path("/proc/self/fd").iterdir()]:
        with contextlib.suppress(OSError):
            os.fstat(int(path.name))
            found.append(int(path.name))
    return found


def give(given: "list[int]", numbers: "list[int]") -> None:
    """Descriptors get these numbers, and programs inherit them."""
    aside = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 256) for number in given]
    for number in {*given} - {*numbers}:
        os.close(number)
    for number, wanted in zip(aside, numbers, strict=True):
        os.dup2(number, wanted)
        os.close(number)


class Server:
    """What all programs that are forked from here have in common."""

    def __init__(self, imports: "list[str]", ours: "list[str]") -> None:
        self.ours = ours
        self.path = [*sys.path]
        self.cold: Any = os.execvpe
        sys.path[:0] = ours  # before anything is imported: another copy may be installed
        load([name for name in imports if not name.startswith(INJECTED)])
        self.plugins = None
        if f"{INJECTED}.*" in imports:
            remember_distributions()
            self.plugins = Plugins()
        self.place = place_of_variables() if sys.platform == "linux" else None
        gc.freeze()

    def become(self, request: "dict[str, Any]", streams: "list[int]") -> "dict[str, Any]":
        """Make this fork the program that was asked for, up to its first line. May return in another process."""
        connection = None
        if self.place and starts_programs(request):
            connection, theirs = socket.socketpair()
            if not os.fork():
                connection.close()
                return self._nurse(theirs)
            theirs.close()
        if request.get("leads"):
            os.setsid()
        give(streams, request.get("numbers", [0, 1, 2]))
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(request["folder"])
        self._set_variables(request["environment"])
        if connection is not None and self.place:
            Nursery(connection, self.place[1])
        return request

    def _nurse(self, connection: socket.socket) -> "dict[str, Any]":
        """Wait for requests in a process that holds nothing of the program's, and return one in the process for it."""
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        give([nothing] * 3, [0, 1, 2])
        for number in descriptors():
            if number > 2 and number != connection.fileno():
                os.close(number)
        asked = serve(connection, orphans=True)
        if asked is None:
            os._exit(0)
        # What comes from the tree under test is imported by who needs it, under whatever name and hooks.
        for name in [name for name, module in sys.modules.items() if self._is_ours(module)]:
            del sys.modules[name]
        self.ours = []
        return self.become(*asked)

    def _is_ours(self, module: object) -> bool:
        """Whether a module comes from the tree under test, in which the environment with everything else may lie."""
        file = str(getattr(module, "__file__", None) or "")
        others = [each for each in self.path if each not in self.ours]  # it may be installed in place
        ours, elsewhere = (tuple(f"{each}{os.sep}" for each in paths) for paths in (self.ours, others))
        return file.startswith(ours) and not file.startswith(elsewhere)

    def _set_variables(self, environment: "dict[str, str]") -> None:
        os.environ.clear()
        os.environ.update(environment)
        sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
        if self.place:  # others look there for a marker, and Python's own copy is elsewhere by now
            begin, size = self.place
            block = block_of(environment)[:size]
            ctypes.memmove(begin, block.ljust(size, b"\0"), size)

    def execute(self, file: str, words: "list[str]", environment: "dict[str, str]") -> None:
        """In the place of `os.execvpe`: become another program in this process."""
        program = program_of(words)
        if program is None or self.place is None or not fits(environment, self.place[1]):
            self.cold(file, words, environment)
            return
        for number in descriptors():
            with contextlib.suppress(OSError):
                if not os.get_inheritable(number):
                    os.close(number)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_IGN)  # as Python does when it starts
        end(
            self.run, self.become({**program, "folder": str(Path.cwd()), "environment": environment, "numbers": []}, [])
        )

    def run(self, request: "dict[str, Any]") -> None:
        """Run the program in this process."""
        if request.get("module") not in (None, *MODULES):
            faulthandler.enable()  # `warm.end_and_tell` asks who hangs for its stacks; pytest sees to that itself
        front = self.ours or ([""] if "code" in request else [request["folder"]])
        environment = request["environment"]
        sys.path[:] = [*front, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *self.path]
        sys.path_importer_cache.clear()
        if self.plugins:
            self.plugins.begin()
        if "module" in request:
            sys.argv = ["-m", *request["arguments"]]
            runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
        elif "script" in request:
            sys.argv = [request["script"], *request["arguments"]]
            self.cold, os.execvpe = os.execvpe, self.execute  # type: ignore[assignment]
            runpy.run_path(request["script"], run_name="__main__")
        else:
            sys.argv = ["-c", *request["arguments"]]
            sys.modules["__main__"] = program = types.ModuleType("__main__")
            exec(request["code"], program.__dict__)


def end(program: "Callable[[dict[str, Any]], None]", request: "dict[str, Any]") -> None:
    """Run a program to the end of its process, as Python does, but for taking all modules apart: that would copy them."""
    code, interrupted = 0, False
    try:
        program(request)
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        if code == 1 and not isinstance(ending.code, int):
            print(ending.code, file=sys.stderr)
    except BaseException as error:  # noqa: BLE001
        code, interrupted = 1, isinstance(error, KeyboardInterrupt)
        sys.excepthook(type(error), error, error.__traceback__)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 120
    if interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(code & 0xFF)


def main() -> None:
    """Serve; in a child, be the program that was asked for."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # programs have tests of their own
    _, number, imports, path = sys.argv
    with socket.socket(fileno=int(number)) as connection:
        server = Server(list(filter(None, imports.split(","))), list(filter(None, path.split(os.pathsep))))
        asked = serve(connection)
    if asked is not None:
        end(server.run, server.become(*asked))
