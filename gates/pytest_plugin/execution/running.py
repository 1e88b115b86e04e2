"""The process that runs the tests: says which test is running, and ends a test that takes too long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from ...portable.originals import exists, open_anew, open_to_append, os, remove, threading, time
from ...portable.peak_memory import peak_memory
from ...portable.stream import RecordStream
from ..reporting.internal_errors import FORKED, trouble_of
from ..selection.catalogue import numbered

if TYPE_CHECKING:
    from ...portable.rules import Rules


ANNOUNCER, STACKS_ON_DEMAND = "gates-announcer", "gates-stacks-on-demand"

ALIVE_PERIOD = 1.0
"""Seconds in which one sign of life is enough: a test may have thousands of attempts."""

THREAD_PATIENCE = 2.0
"""Seconds that threads which the tests left have to end by themselves, once the session is over."""


class Announcer:
    """Writes `running` before each test, so that a process that dies leaves word of what it was doing."""

    def __init__(
        self,
        stream: RecordStream,
        worker: str,
        config: pytest.Config,
        rules: Mapping[pytest.Item, Rules] | None = None,
        test_timeout: float | None = None,
        clock: Callable[[], float] = time.time,
        root: str = "",
    ) -> None:
        self._clock, self._root = clock, root
        self.stream, self._worker, self._config = stream, worker, config
        self._rules = rules if rules is not None else {}
        self._test_timeout = test_timeout
        self._names: dict[pytest.Item, str] = {}
        self._told = 0.0  # when the last sign of life was written

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Number the tests whose ids are not unique; most sessions have none."""
        seen: Counter[str] = Counter()
        for item in dict.fromkeys(session.items):  # of one that is there several times, the recorder takes care
            seen[item.nodeid] += 1
            if seen[item.nodeid] > 1:
                self._names[item] = numbered(item.nodeid, seen[item.nodeid])
        if self._names:
            self._config.pluginmanager.register(Namer(self._names), "gates-namer")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Write `running`."""
        rules = self._rules.get(item)
        more = {} if self._test_timeout is None else {"limit": self._test_timeout}
        if rules is not None:
            slow = rules.slow_timeout
            more["slow"] = slow.period
            if slow.limit is not None:
                more["limit"] = slow.limit + slow.grace
            if "limit" in more and rules.retries.count:
                from .retries import longest_delay

                more["limit"] += longest_delay(rules.retries)
            if rules.retries.count:
                more["tries"] = rules.retries.count + 1
        pid, name = os.getpid(), self.name_of(item)
        self._told = self._clock()
        self.stream.write("running", id=name, worker=self._worker, pid=pid, time=self._told, **more)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """An attempt is over and another one begins, whoever tries again."""
        if str(report.outcome) == "rerun":
            self.alive()

    def alive(self, pid: int = 0) -> None:
        """Write that the running test goes on.

        Args:
            pid: of the process that runs it from now on; 0 where that is the same.
        """
        now = self._clock()
        if pid or now - self._told >= ALIVE_PERIOD:
            self._told = now
            self.stream.write("alive", worker=self._worker, time=now, **({"pid": pid} if pid else {}))

    def name_of(self, item: pytest.Item) -> str:
        """The test's id, with a number where several have the same."""
        return self._names.get(item, item.nodeid)

    def wait(self, item: pytest.Item, **what: object) -> None:
        """Write `waiting`: the test is the next one here, and waits for `what`."""
        self.stream.write("waiting", id=self.name_of(item), worker=self._worker, time=time.time(), **what)

    def pytest_unconfigure(self) -> None:
        """Write what memory it took, for the number of workers next time, and what it imported; close the stream."""
        from ..reporting.import_origins import origins

        imported = origins(self._config.rootpath, *([Path(self._root)] if self._root else []))
        if imported:
            self.stream.write("imported", places=imported)
        peak = peak_memory()
        if peak:
            self.stream.write("peak", worker=self._worker, bytes=peak)
        self.stream.close()


class Namer:
    """Puts the number of a duplicated test into its reports; extra attributes travel through xdist."""

    def __init__(self, names: dict[pytest.Item, str]) -> None:
        self._names = names

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, None, None]:
        """Name the report."""
        outcome = yield
        if item in self._names:
            outcome.get_result().gates_id = self._names[item]  # type: ignore[attr-defined]


class ForkGuard:
    """Ends a child that a test forked and that comes back into pytest: it would run all the tests that are left, too.

    What the child raised fails the run: nobody else hears of it.
    """

    def __init__(self, stream: RecordStream) -> None:
        self.pid, self._stream = os.getpid(), stream

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """The test function returned, in whichever process."""
        if os.getpid() == self.pid:
            return
        raised = call.excinfo.value if call.excinfo is not None else None
        if raised is None or isinstance(raised, pytest.skip.Exception):
            os._exit(0)
        if isinstance(raised, SystemExit):  # it meant to leave
            os._exit(raised.code if isinstance(raised.code, int) else int(raised.code is not None))
        self._stream.adopt()
        self._stream.write(FORKED, id=item.nodeid, message=trouble_of(raised, item.config.rootpath))
        os._exit(1)


def adopt_process(config: pytest.Config) -> None:
    """This process, forked from the one that collected, runs tests now."""
    guard = config.pluginmanager.get_plugin("gates-fork-guard")
    if guard is not None:
        guard.pid = os.getpid()


class LeftThreads:
    """Threads that tests left would keep the interpreter from ending, for ever: they get a while, no more."""

    def __init__(self) -> None:
        self._status = 0

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Remember how the session ends."""
        self._status = int(session.exitstatus)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Nothing but the end of the process is to come."""
        main = threading.main_thread()
        left = [one.name for one in threading.enumerate() if one is not main and not one.daemon]
        if not left:
            return

        def end() -> None:
            os.write(2, f"gates: ended, though threads of the tests still ran: {', '.join(left)}\n".encode())
            os._exit(self._status)

        timer = threading.Timer(THREAD_PATIENCE, end)
        timer.daemon = True
        timer.start()


def sign_of_life(config: pytest.Config, pid: int = 0) -> None:
    """Let the runner know that the running test goes on, if somebody listens; for `pid` see `Announcer.alive`."""
    announcer = config.pluginmanager.get_plugin(ANNOUNCER)
    if announcer is not None:
        announcer.alive(pid)


class StacksOnDemand:
    """Writes the stacks of all threads into a file when the runner asks for them: nothing moves, and it ends the gate.

    As long as the file is there, a signal is understood.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._made = False

    def pytest_sessionstart(self) -> None:
        """Listen, unless somebody else does. A C handler: it answers while Python code holds the interpreter, too."""
        from ...portable.originals import faulthandler, signal

        if not hasattr(signal, "SIGUSR2") or signal.getsignal(signal.SIGUSR2) is not signal.SIG_DFL:
            return
        with suppress(OSError, ValueError):
            # Appends: a process that a test runs in may write, too. Whoever made the file takes it away.
            self._made = not exists(self.path)
            self._file = open_to_append(self.path)
            faulthandler.register(signal.SIGUSR2, file=self._file, all_threads=True)

    def pytest_unconfigure(self) -> None:
        """Listen no more."""
        from ...portable.originals import faulthandler, signal

        if self._file is not None:
            if self._made:
                remove(self.path)
            faulthandler.unregister(signal.SIGUSR2)
            self._file.close()


class CrashStacks:
    """Sends the stacks of a fatal signal to a file of this worker, where the controller finds them."""

    def __init__(self, stacks: IO[bytes]) -> None:
        self._stacks = stacks

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """After pytest's own fault handler, which writes to stderr, where nobody could tell the workers apart."""
        if session.config.pluginmanager.has_plugin("faulthandler"):
            from ...portable.originals import faulthandler

            faulthandler.enable(file=self._stacks)

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Let go of the file before it is closed."""
        from ...portable.originals import faulthandler

        faulthandler.disable()


def open_stacks(path: Path | None) -> IO[bytes]:
    """The file for stack dumps, open for the life of the process; without a path, a copy of stderr.

    A copy, because pytest redirects stderr itself while tests run. At configuration time it does not.
    """
    if path is not None:
        with suppress(OSError):  # an inbox that is gone costs the stacks their file, not the session
            return open_anew(path)
    return os.fdopen(os.dup(2), "wb", buffering=0)


def close_stacks(stacks: IO[bytes]) -> None:
    """Close the file; leave no empty one behind."""
    name = stacks.name
    stacks.close()
    if isinstance(name, (str, os.PathLike)) and exists(name) and not os.stat(name).st_size:
        remove(name)
