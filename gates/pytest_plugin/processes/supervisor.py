"""A session without workers runs its tests in a process that another one watches.

After the collection the process forks. The child continues: it runs the tests, shows and records them, and ends the
session as usual, so every plugin works as expected. The first process only waits. If the child dies, the first
process forks again, from the state right after the collection: the new child repeats the reports so far, reports
the test that killed its predecessor, and runs the rest. So a crash costs one test, no second collection, and nothing
while there is none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, NoReturn

import pytest

from ...portable.originals import json, mmap, os, random, remove, signal, warnings, write_text
from ...portable.regular import read_bytes, read_text
from ...portable.stream import RecordStream
from ..execution.running import adopt_process
from ..process_tree import adopt_orphans, children_of, end_group, end_orphans
from ..reporting.replay import reports_of
from ..reporting.reports import PHASES
from .crashes import describe_death, report_of_death, take_stacks
from .forking import why_no_fork

if TYPE_CHECKING:
    from ..reporting.recorder import ResultRecorder
    from .isolation import Isolator

FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP")
RUNNING, ENDED = 0, 1


class Crash(NamedTuple):
    """A child that died, and the test that it was running.

    Attributes:
        test: its id; empty if none was running.
        code: exit code, negative for a signal.
        stacks: what its watchdog or fault handler wrote.
        phase: number of the running phase.
        failed: reports of failed phases, serialised by pytest.
    """

    test: str
    code: int
    stacks: str = ""
    phase: int = 0
    failed: tuple[dict[str, Any], ...] = ()


class StreamProgress(NamedTuple):
    """The state according to the stream.

    Attributes:
        ended: records of tests that have ended, in order.
        running: id of the last test that began but has not ended; empty for none.
    """

    ended: tuple[dict[str, Any], ...]
    running: str


class Supervisor:
    """Forks before the tests run."""

    def __init__(
        self,
        config: pytest.Config,
        streams: tuple[RecordStream, ...],
        stacks: IO[bytes],
        name_of: Callable[[pytest.Item], str],
        isolator: Isolator,
        recorder: ResultRecorder,
        test_timeout: float | None = None,
    ) -> None:
        self._config, self._streams, self._stacks, self._name_of = config, streams, stacks, name_of
        self._isolator, self._recorder, self._test_timeout = isolator, recorder, test_timeout
        self._deaths: list[Crash] = []
        self._shared = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the children
        self._side = Path(streams[0].path).with_name(f".failed-{os.getpid()}.json")
        self._child = 0  # in a child: its own number
        self._told_to_end = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Fork where that is safe. Only children come back."""
        option = session.config.option
        if option.collectonly or getattr(option, "usepdb", False) or not session.items:
            return None
        if session.testsfailed and not option.continue_on_collection_errors:
            return None  # pytest is about to report that, and runs nothing
        why = why_no_fork()
        if why:
            _say(session.config, f"gates: the tests run unsupervised: {why}")
            return None
        self._watch(session)
        if not self._deaths:
            return None
        _run(session)  # pytest's own loop would treat the failures so far as collection errors
        return True

    # In a child

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Note the phase, in case it is the last."""
        self._note(0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        """Note the phase."""
        self._note(1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Note the phase."""
        self._note(2)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Store the report of a failed phase for the next process: the test may still crash."""
        if report.failed and report.when in ("setup", "call") and self._child == os.getpid():
            data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
            with suppress(OSError):
                write_text(self._side, json.dumps(data, default=str))

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """The session is over, as seen from inside."""
        if self._child == os.getpid():
            self._shared[0] = ENDED
            remove(self._side)

    def _note(self, phase: int) -> None:
        if self._child == os.getpid():
            self._shared[1] = phase

    def _begin(self, session: pytest.Session) -> None:
        """Continue where the last child ended."""
        self._child = os.getpid()
        adopt_process(self._config)
        for stream in self._streams:
            stream.adopt()
        if not self._deaths:
            return
        progress = self._progress()
        by_name = {self._name_of(item): item for item in session.items}
        self._recorder.settle(record["id"] for record in progress.ended)
        left = dict(by_name)
        for record in progress.ended:
            ended = left.pop(record["id"], None)
            if ended is not None:
                self._emit(ended, reports_of(record, ended))
        death = self._deaths[-1]
        last = left.pop(death.test, None)
        if last is not None and self._report(last, death):
            left = {death.test: last, **left}
        # pytest's loop runs over these; the number of collected tests is a separate field.
        session.items[:] = list(left.values())

    def _report(self, item: pytest.Item, death: Crash) -> bool:
        """Report the test that the last child was running; return whether it must be retried."""
        report = report_of_death(item, f"the test process died while running {item.nodeid!r}", self._config)
        describe_death(report, death.code, death.stacks, self._test_timeout)
        # Not again if it also killed this process from its own one: that would never end.
        before = any(earlier.test == death.test for earlier in self._deaths[:-1])
        again = not before and self._isolator.tries_again(item, report)
        known = [
            self._config.hook.pytest_report_from_serializable(config=self._config, data=data) for data in death.failed
        ]
        if again:
            report.outcome = "rerun"  # type: ignore[assignment]  # as in `trying`
            self._name(item, report)
            item.ihook.pytest_runtest_logreport(report=report)
            return True
        done = {one.when for one in known}
        passed = [
            pytest.TestReport(item.nodeid, item.location, {}, "passed", None, phase)  # type: ignore[arg-type]
            for phase in PHASES[: death.phase]
            if phase not in done
        ]
        self._emit(item, [*passed, *known, report])
        return False

    def _emit(self, item: pytest.Item, reports: list[pytest.TestReport]) -> None:
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in reports:
            self._name(item, report)
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _name(self, item: pytest.Item, report: pytest.TestReport) -> None:
        name = self._name_of(item)
        if name != item.nodeid:
            report.gates_id = name  # type: ignore[attr-defined]

    # In the first process, and before the first fork

    def _watch(self, session: pytest.Session) -> None:
        begun, first, own = 0, True, children_of(os.getpid())
        while True:
            self._shared[:2] = bytes(2)
            remove(self._side)
            pid = self._fork()
            if pid == 0:
                self._begin(session)
                return
            if first:
                adopt_orphans()
                first = False
            code = self._wait(pid)
            if self._shared[0] == ENDED or self._told_to_end:
                _end_like(code)
            end_group(pid)
            end_orphans(own)
            progress = self._progress()
            if not progress.running and len(progress.ended) <= begun:
                _end_like(code)  # it dies before any test begins, and so would the next one
            begun = len(progress.ended)
            if len(progress.ended) >= len(session.items) and not progress.running:
                _end_like(code)  # all tests have ended: it died after them
            self._deaths.append(
                Crash(
                    progress.running, code, take_stacks(self._stacks), self._shared[1], self._failed(progress.running)
                )
            )

    def _fork(self) -> int:
        for file in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            if file is not None:
                with suppress(OSError, ValueError):
                    file.flush()  # else the buffer would be written twice
        state = random.getstate()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about native threads, such as numpy's, which can handle forks
            pid = os.fork()
        if pid == 0:
            random.setstate(state)  # the interpreter reseeds it in a child; a seed set by the tests must stay
        with suppress(OSError):  # by both, because neither knows which is first
            os.setpgid(pid, 0)
        return pid

    def _wait(self, pid: int) -> int:
        """Wait for the child, forward signals to it, and reap its leftovers; return its exit code."""
        numbers = [getattr(signal, name) for name in FORWARDED if hasattr(signal, name)]

        def forward(number: int, _frame: object) -> None:
            self._told_to_end = True
            with suppress(ProcessLookupError):
                os.kill(pid, number)

        before = {number: signal.signal(number, forward) for number in numbers}
        try:
            while True:
                found, status = os.waitpid(-1, 0)
                if found == pid:
                    return os.waitstatus_to_exitcode(status)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _progress(self) -> StreamProgress:
        ended, running = [], ""
        seen: set[str] = set()
        for line in read_bytes(self._streams[0].path).splitlines():
            if line.startswith(b'{"type":"running"'):
                running = json.loads(line)["id"]
            elif line.startswith(b'{"type":"test"'):
                record = json.loads(line)
                seen.add(record["id"])
                if record["outcome"] != "excluded":
                    ended.append(record)
        return StreamProgress(tuple(ended), "" if running in seen else running)

    def _failed(self, test: str) -> tuple[dict[str, Any], ...]:
        try:
            data = json.loads(read_text(self._side))
        except (OSError, ValueError):
            return ()
        return (data,) if data.get("nodeid") and test.startswith(data["nodeid"]) else ()


def _run(session: pytest.Session) -> None:
    """Run the remaining tests like pytest's own loop."""
    for position, item in enumerate(session.items):
        following = session.items[position + 1] if position + 1 < len(session.items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)


def _say(config: pytest.Config, line: str) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(line)


def _end_like(code: int) -> NoReturn:
    """End this process as its child did. No clean-up: that was the child's."""
    if code < 0:
        with suppress(ImportError, ValueError, OSError):
            from ...portable.originals import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        os._exit(128 - code)
    os._exit(code)
