"""In the process that runs the tests: announces the running test."""

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
"""Minimum seconds between two signs of life: a test may have thousands of attempts."""

THREAD_PATIENCE = 2.0
"""Seconds for leftover threads to end by themselves after the session."""


class Announcer:
    """Writes `running` before each test, so that a process that dies leaves a record of what it was doing."""

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
        self._told = 0.0  # time of the last sign of life

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Number tests whose ids are not unique; most sessions have none."""
        seen: Counter[str] = Counter()
        for item in dict.fromkeys(session.items):  # the recorder handles repeated ones
            seen[item.nodeid] += 1
            if seen[item.nodeid] > 1:
                self._names[item] = numbered(item.nodeid, seen[item.nodeid])
        if self._names:
            self._config.pluginmanager.register(Namer(self._names), "gates-namer")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Write `running`."""
        rules = self._rules.get(item)
        limit, grace = limits_of(rules, self._test_timeout)
        more = {} if limit is None else {"limit": limit + grace}
        if rules is not None:
            more["slow"] = rules.slow_timeout.period
            if limit is not None and rules.retries.count:
                from .retries import longest_delay

                more["limit"] += longest_delay(rules.retries)
            if rules.retries.count:
                more["tries"] = rules.retries.count + 1
        pid, name = os.getpid(), self.name_of(item)
        self._told = self._clock()
        self.stream.write("running", id=name, worker=self._worker, pid=pid, time=self._told, **more)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """An attempt has ended and another one begins, for any cause of the retry."""
        if str(report.outcome) == "rerun":
            self.alive()

    def alive(self, pid: int = 0) -> None:
        """Write a sign of life of the running test.

        Args:
            pid: of the process that runs it from now on; 0 if that is the same.
        """
        now = self._clock()
        if pid or now - self._told >= ALIVE_PERIOD:
            self._told = now
            self.stream.write("alive", worker=self._worker, time=now, **({"pid": pid} if pid else {}))

    def name_of(self, item: pytest.Item) -> str:
        """The test's id, with a number if several tests share it."""
        return self._names.get(item, item.nodeid)

    def wait(self, item: pytest.Item, **what: object) -> None:
        """Write `waiting`: the test is next here, and waits for `what`."""
        self.stream.write("waiting", id=self.name_of(item), worker=self._worker, time=time.time(), **what)

    def pytest_unconfigure(self) -> None:
        """Write the peak memory, for the number of workers next time, and the imports; close the stream."""
        from ..reporting.import_origins import origins

        imported = origins(self._config.rootpath, *([Path(self._root)] if self._root else []))
        if imported:
            self.stream.write("imported", places=imported)
        peak = peak_memory()
        if peak:
            self.stream.write("peak", worker=self._worker, bytes=peak)
        self.stream.close()


class Namer:
    """Puts the number of a duplicated test into its reports; xdist transmits extra attributes."""

    def __init__(self, names: dict[pytest.Item, str]) -> None:
        self._names = names

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, None, None]:
        """Add the number to the report."""
        outcome = yield
        if item in self._names:
            outcome.get_result().gates_id = self._names[item]  # type: ignore[attr-defined]


class ForkGuard:
    """Ends a child that a test forked if it returns into pytest: it would also run all remaining tests.

    An exception of the child fails the run: it would not be noticed otherwise.
    """

    def __init__(self, stream: RecordStream) -> None:
        self.pid, self._stream = os.getpid(), stream

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """The test function returned, in the test process or in a child."""
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
    """This process, forked from the collecting one, runs tests now."""
    guard = config.pluginmanager.get_plugin("gates-fork-guard")
    if guard is not None:
        guard.pid = os.getpid()


class LeftThreads:
    """Leftover threads of tests could keep the interpreter from ending forever: they get only a short time."""

    def __init__(self) -> None:
        self._status = 0

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Remember the exit status of the session."""
        self._status = int(session.exitstatus)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """End the process: this is the last hook."""
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


def limits_of(rules: Rules | None, test_timeout: float | None) -> tuple[float | None, float]:
    """Seconds after which a test is ended, by its rules or the option (None for never), and the grace period before its process is ended."""
    if rules is not None and rules.slow_timeout.limit is not None:
        return rules.slow_timeout.limit, rules.slow_timeout.grace
    return test_timeout, 0.0


def sign_of_life(config: pytest.Config, pid: int = 0) -> None:
    """Send the runner, if there is one, a sign of life of the running test; for `pid` see `Announcer.alive`."""
    announcer = config.pluginmanager.get_plugin(ANNOUNCER)
    if announcer is not None:
        announcer.alive(pid)


class StacksOnDemand:
    """Writes the stacks of all threads to a file when the runner asks for them before it ends a stalled gate.

    The signal works as long as the file exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._made = False

    def pytest_sessionstart(self) -> None:
        """Install the handler, unless there is one already. A C handler works even while code holds the interpreter."""
        from ...portable.originals import faulthandler, signal

        if not hasattr(signal, "SIGUSR2") or signal.getsignal(signal.SIGUSR2) is not signal.SIG_DFL:
            return
        with suppress(OSError, ValueError):
            # Appends, because an isolated test's process may write, too. Its creator removes the file.
            self._made = not exists(self.path)
            self._file = open_to_append(self.path)
            faulthandler.register(signal.SIGUSR2, file=self._file, all_threads=True)

    def pytest_unconfigure(self) -> None:
        """Remove the handler."""
        from ...portable.originals import faulthandler, signal

        if self._file is not None:
            if self._made:
                remove(self.path)
            faulthandler.unregister(signal.SIGUSR2)
            self._file.close()


class CrashStacks:
    """Sends the stacks of a fatal signal to a file of this worker for the controller."""

    def __init__(self, stacks: IO[bytes]) -> None:
        self._stacks = stacks

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Runs after pytest's own fault handler, which writes to stderr, where the workers could not be distinguished."""
        if session.config.pluginmanager.has_plugin("faulthandler"):
            from ...portable.originals import faulthandler

            faulthandler.enable(file=self._stacks)

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """Stop using the file before it is closed."""
        from ...portable.originals import faulthandler

        faulthandler.disable()


def open_stacks(path: Path | None) -> IO[bytes]:
    """The file for stack dumps, open for the life of the process; without a path, a copy of stderr.

    A copy, because pytest redirects stderr itself while tests run. At configuration time it does not.
    """
    if path is not None:
        with suppress(OSError):  # a missing inbox only loses the stacks, not the session
            return open_anew(path)
    return os.fdopen(os.dup(2), "wb", buffering=0)


def close_stacks(stacks: IO[bytes]) -> None:
    """Close the file, and remove it if it is empty."""
    name = stacks.name
    stacks.close()
    if isinstance(name, (str, os.PathLike)) and exists(name) and not os.stat(name).st_size:
        remove(name)
