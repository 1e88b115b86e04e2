"""Start `python -m MODULE` in a moment: by a fork of a process that has imported the module before.

Tests of a harness start hundreds of programs, whose imports take longer than what is tested. A fork has its own
process id, folder, environment, streams and end, like any program. What Python reads at its start alone (PYTHONHASHSEED,
the locale, …) is that of the first process: with other values, the program starts from scratch.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from _pytest.config import default_plugins

from tests.warm_plugins import INJECTED, LEAN
from tests.warm_server import ROOM, read_at_start, receive, send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COLD", "GATES", "LEAN", "PYTEST", "TEMPROOT", "end_and_tell", "is_there", "own_temproot", "run"]

COLD = "TESTS_START_COLD"
"""Variable with which everything starts from scratch: the tests say the same, in twice the time."""

TEMPROOT = "PYTEST_DEBUG_TEMPROOT"
"""Variable that names the folder in which sessions of pytest make their temporary ones, and remove those of older sessions."""

PATIENCE = 5.0
"""Seconds in which a process that hangs says where it is; all but those that ignore SIGABRT take a moment."""

_SERVER = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r}); import tests.warm_server as server; del sys.path[0]; server.main()"
PYTEST = (
    "pytest", *(f"_pytest.{name}" for name in default_plugins), "pygments.formatters.terminal", "execnet", f"{INJECTED}.*",
)  # fmt: skip
"""What pytest imports, but for plugins: it would complain that it cannot rewrite what is there already."""

GATES = ("gates.*", "xml.etree.ElementTree", *PYTEST, "nox.*")
"""What gates and the programs that it starts import."""

_ROOM = {f"{ROOM}{number}": "x" * 100_000 for number in range(2)}


class _Warm:
    """A process that has imported packages, and forks."""

    def __init__(self, imports: tuple[str, ...], path: tuple[str, ...]) -> None:
        self._socket, theirs = socket.socketpair()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self.read_at_start = read_at_start(environment)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _SERVER, str(theirs.fileno()), ",".join(imports), os.pathsep.join(path)],
                pass_fds=[theirs.fileno()], env=environment | _ROOM, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        atexit.register(self._close)

    def _close(self) -> None:
        self._socket.close()
        self._process.wait()

    def start(self, request: dict[str, object], streams: list[int]) -> int:
        """The id of the program's process."""
        return send(self._socket, request, streams)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, negative for a signal; None where it does not end in time."""
        self._socket.settimeout(seconds)
        try:
            return os.waitstatus_to_exitcode(receive(self._socket))
        except TimeoutError:
            return None
        finally:
            self._socket.settimeout(None)


_warm = functools.cache(_Warm)


def own_temproot() -> dict[str, str]:
    """The variable of the folder for sessions that tests start: what larger runs left is not theirs to remove."""
    return {TEMPROOT: os.environ[TEMPROOT]} if TEMPROOT in os.environ else {}


def run(
    module: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    imports: Sequence[str] = (),
    path: Sequence[str] = (),
    timeout: float = 45.0,
) -> subprocess.CompletedProcess[bytes]:
    """Run a module as a program to its end.

    Args:
        module: its name.
        arguments: of the program.
        folder: where it runs.
        environment: all variables.
        imports: modules that the program needs; with `.*` at its end, all that is in a package, too.
        path: in front of Python's, instead of the folder that `-m` puts there.
        timeout: seconds until the program is killed; less than a test may take, so that the test says where it hung.

    Raises:
        subprocess.TimeoutExpired: it took too long.
    """
    if os.environ.get(COLD):
        return _cold(module, arguments, folder, environment, path, timeout)
    warm = _warm(tuple(imports), tuple(path))
    if read_at_start(dict(environment)) != warm.read_at_start:
        return _cold(module, arguments, folder, environment, path, timeout)
    request: dict[str, object] = {
        "module": module,
        "arguments": [*arguments],
        "folder": str(folder),
        "environment": dict(environment),
    }
    with Path(os.devnull).open("rb") as nothing, TemporaryFile() as out, TemporaryFile() as err:
        child = warm.start(request, [nothing.fileno(), out.fileno(), err.fileno()])
        code = warm.wait(timeout)
        hung = "" if code is not None else end_and_tell(child)
        if code is None:
            warm.wait(timeout)
        out.seek(0)
        err.seek(0)
        done = subprocess.CompletedProcess([module, *arguments], code or 0, out.read(), err.read())
    if code is None:
        raise too_long(done, timeout, hung)
    return done


def end_and_tell(process: int) -> str:
    """End a process that hangs, and all that it started. Each writes where it is to its stderr.

    Returns:
        a line for each: what the system knows of it.
    """
    found = [process]
    for each in found:
        found += [child for child in children(each) if child not in found]
    told = [of_the_system(each) for each in found]
    # They are stopped until each has the signal: who sees the end of another would go on and say something else.
    for number in (signal.SIGSTOP, signal.SIGABRT, signal.SIGCONT):
        _send(found, number)
    until = time.monotonic() + PATIENCE
    while any(map(is_there, found)) and time.monotonic() < until:
        time.sleep(0.01)
    _send(found, signal.SIGKILL)
    return "\n".join(told)


def _send(processes: Sequence[int], number: signal.Signals) -> None:
    for each in processes:
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "linux":
                resource.prlimit(each, resource.RLIMIT_CORE, (0, 0))  # nobody looks at what SIGABRT would leave
            os.kill(each, number)


def children(process: int) -> list[int]:
    """The processes that a process has started, where the system says so."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for listed in Path(f"/proc/{process}/task").glob("*/children"):
            found += map(int, listed.read_text().split())
    return found


def is_there(process: int) -> bool:
    """Whether it has not ended yet."""
    try:
        return Path(f"/proc/{process}/stat").read_bytes().rpartition(b") ")[2][:1] not in b"ZX"
    except OSError:
        return False


def of_the_system(process: int) -> str:
    """What the system knows of a process: who started it, and what each of its threads waits for."""
    threads = []
    for task in sorted(Path(f"/proc/{process}/task").glob("*")):
        with contextlib.suppress(OSError):
            state, parent = (task / "stat").read_bytes().rpartition(b") ")[2].split()[:2]
            threads.append(f"{task.name} {state.decode()} in {(task / 'wchan').read_text()}, of {parent.decode()}")
    return f"process {process}: {'; '.join(threads) or 'nothing is known'}"


def too_long(done: subprocess.CompletedProcess[bytes], seconds: float, hung: str) -> subprocess.TimeoutExpired:
    """The error of a program that did not end, with all that it said: pytest shows it."""
    error = subprocess.TimeoutExpired(done.args, seconds, done.stdout, done.stderr)
    for title, text in (("processes", hung), ("stdout", told(done.stdout)), ("stderr, with stacks", told(done.stderr))):
        error.add_note(f"--- {title} ---\n{text}")
    return error


def told(stream: bytes) -> str:
    """The end of what a program printed."""
    return stream[-20_000:].decode("utf-8", "replace")


def _cold(
    module: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    path: Sequence[str],
    timeout: float,
) -> subprocess.CompletedProcess[bytes]:
    before = f"import sys; sys.path[:1] = {[*path]!r}; " if path else ""
    code = f"{before}import runpy; runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False,
    )  # fmt: skip
