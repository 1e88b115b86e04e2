"""Runs selected tests in separate processes, so that their side effects do not reach other tests.

A forked child has the existing fixtures of wider scopes, tears down what it sets up itself, and leaves the
rest to its parent. If a fork is not safe, a new pytest is started for the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import IO, TYPE_CHECKING, Any, Callable

import pytest
from _pytest.runner import runtestprotocol

from ...portable.originals import os, select, signal, threading, time, warnings
from ...portable.rules import Retries, Rules
from ..execution.retries import fail_flaky, longest_delay
from ..execution.running import adopt_process, sign_of_life
from ..reporting.reports import TIMEOUT
from .crashes import describe_death, end_group, report_of_death, take_stacks
from .relay import END, REPORT, WARNING, Receiver, Sender, install_relay, record_warning, warn_again

if TYPE_CHECKING:
    Finalizers = Mapping[Any, int]

PATIENCE = 5.0
"""Seconds beyond its limit after which an isolated test is killed from outside, if its own watchdog has not done so."""


class Isolator:
    """Owns the processes of isolated tests."""

    def __init__(
        self,
        config: pytest.Config,
        rules: Mapping[pytest.Item, Rules],
        stacks: IO[bytes],
        test_timeout: float | None = None,
        asked: Callable[[pytest.Item], bool] = lambda _item: False,
        stress: tuple[int, float] = (0, 0.0),
    ) -> None:
        """Store the settings.

        Args:
            config: of the session.
            rules: of the tests.
            stacks: file for watchdogs and fault handlers.
            test_timeout: limit in seconds for tests whose rules have none.
            asked: whether a test must be retried alone because it killed a worker.
            stress: how often, and for how many seconds, each test runs; zeros for once.
        """
        self._config, self._rules, self._stacks, self._asked = config, rules, stacks, asked
        self._test_timeout, self._stress = test_timeout, stress
        self._again: dict[pytest.Item, None] = {}

    def tries_again(self, item: pytest.Item, report: pytest.TestReport) -> bool:
        """Whether a test that killed its process is retried: alone, and only if its rules allow it."""
        rules = self._rules.get(item)
        kind = "timeout" if hasattr(report, TIMEOUT) else "crashed"
        if rules is None or not rules.retries.count or kind not in rules.retries.on or item in self._again:
            return False
        self._again[item] = None
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a test that must be alone."""
        rules = self._rules.get(item)
        again = item in self._again or self._asked(item)
        if not again and (rules is None or rules.isolate == "no"):
            return None
        mode = "auto" if rules is None or rules.isolate == "no" else rules.isolate
        if mode == "auto":
            mode = "fork" if fork_is_safe() else "spawn"
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        run = Forked(self._config, item, self._stacks, again=again) if mode == "fork" else self._spawned(item)
        reports = run.reports(self._deadline(rules))
        if again and rules is not None and rules.flaky_result == "fail" and all(report.passed for report in reports):
            fail_flaky(reports, 1)
        for report in reports:
            hook.pytest_runtest_logreport(report=report)
        self._tear_down(item, nextitem)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _spawned(self, item: pytest.Item) -> Any:
        from .spawning import Spawned

        return Spawned(self._config, item, self._rules.get(item), self._test_timeout, self._stress)

    def _deadline(self, rules: Rules | None) -> float | None:
        limit, grace = self._test_timeout, 0.0
        if rules is not None and rules.slow_timeout.limit is not None:
            limit, grace = rules.slow_timeout.limit, rules.slow_timeout.grace
        if limit is None or any(self._stress):
            return None  # each attempt has its own watchdog, and the number of attempts is unknown
        retries = rules.retries if rules is not None else Retries()
        return (limit + grace) * (1 + retries.count) + longest_delay(retries) * retries.count + PATIENCE

    @staticmethod
    def _tear_down(item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Tear down, in the parent, what the next test does not need; as usual, a failure there belongs to this test."""
        if set(item.session._setupstate.stack) <= set(nextitem.listchain() if nextitem is not None else ()):  # noqa: SLF001
            return
        # Not with the hook: other plugins would act on a setup that never happened in this process.
        report = _report_failure(item, lambda: item.session._setupstate.teardown_exact(nextitem))  # noqa: SLF001
        if report is not None:
            item.ihook.pytest_runtest_logreport(report=report)


class Forked:
    """One test in a forked child."""

    def __init__(self, config: pytest.Config, item: pytest.Item, stacks: IO[bytes], *, again: bool = False) -> None:
        self._config, self._item, self._stacks, self._again = config, item, stacks, again

    def reports(self, seconds: float | None) -> list[pytest.TestReport]:
        """Run the test; return its reports, including one for the death of its process.

        Args:
            seconds: after which the process is killed; None for never.
        """
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._in_child(writing)
        os.close(writing)
        sign_of_life(self._config, pid)
        with suppress(OSError):
            os.setpgid(pid, 0)
        try:
            found, code = listen(self._config, reading, pid, seconds)
        finally:
            os.close(reading)
            end_group(pid)
        if code is not None:
            found.append(dead(self._config, self._item, code, take_stacks(self._stacks)))
        return found

    def _in_child(self, writing: int) -> None:
        code = 1
        try:
            with suppress(OSError):
                os.setpgid(0, 0)
            sender = Sender(writing)
            install_relay(self._config, sender)
            adopt_process(self._config)
            inherited = _finalizers(self._item)
            # Hooks around the protocol belong to the parent: nobody would see what this child adds to them.
            with warnings.catch_warnings(record=True) as caught:
                self._run()
                report = _unwind(self._item, inherited)
            if report is not None:
                self._item.ihook.pytest_runtest_logreport(report=report)
            if self._config.pluginmanager.has_plugin("warnings"):
                for warning in caught:
                    record_warning(self._config, warning, self._item.nodeid)
            sender.send(END)
            code = 0
        finally:
            # The child must not end the session, run exit handlers, or write buffers of its parent.
            os._exit(code)

    def _run(self) -> None:
        """The protocol of the test; fixtures of wider scopes stay for `_unwind`."""
        retrier = None if self._again else self._config.pluginmanager.get_plugin("gates-retrier")
        if retrier is None or not retrier.pytest_runtest_protocol(self._item, self._item.parent):
            runtestprotocol(self._item, log=True, nextitem=self._item.parent)  # type: ignore[arg-type]


def listen(
    config: pytest.Config, reading: int, pid: int, seconds: float | None
) -> tuple[list[pytest.TestReport], int | None]:
    """Reports from a pipe until the process is done; its exit code if it died first.

    A leftover process of the test may hold the pipe open, so the end of the pipe alone is not reliable.
    """
    receiver = Receiver()
    found: list[pytest.TestReport] = []
    end = None if seconds is None else time.monotonic() + seconds
    watch = _watch_of(pid)
    try:
        while True:
            ready, _, _ = select.select([reading, *([watch] if watch >= 0 else [])], [], [], 0.02 if watch < 0 else 1.0)
            died = _exit_code(pid) if reading not in ready else None
            if reading in ready:
                piece = os.read(reading, 1 << 16)
                for kind, data in receiver.feed(piece):
                    if kind == REPORT:
                        sign_of_life(config, 0 if found else pid)  # a new pytest reads only from now on
                        found.append(config.hook.pytest_report_from_serializable(config=config, data=data))
                    elif kind == WARNING:
                        warn_again(config, data)
                    elif kind == END:  # the rest, such as waiting for leftover threads, is pointless
                        os.kill(pid, signal.SIGKILL)
                        os.waitpid(pid, 0)
                        return found, None
                if not piece:
                    died = _exit_code(pid, wait=True)
            if died is not None:
                return found, died
            if end is not None and time.monotonic() >= end:
                os.kill(pid, signal.SIGKILL)
                end = None
    finally:
        if watch >= 0:
            os.close(watch)


def dead(config: pytest.Config, item: pytest.Item, code: int, stacks: str) -> pytest.TestReport:
    """The report of an isolated test whose process died."""
    report = report_of_death(item, f"its own process died while running {item.nodeid!r}", config)
    describe_death(report, code, stacks)
    return report


def fork_is_safe() -> bool:
    """Whether a fork is safe: no thread may hold a lock that the child needs."""
    if not hasattr(os, "fork") or threading.current_thread() is not threading.main_thread():
        return False
    # Threads not started through `threading`, such as xdist's, use nothing that a child needs.
    ours = [thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)]  # noqa: SLF001
    return len(ours) == 1


def _watch_of(pid: int) -> int:
    with suppress(AttributeError, OSError):
        return os.pidfd_open(pid)
    return -1


def _exit_code(pid: int, *, wait: bool = False) -> int | None:
    found, status = os.waitpid(pid, 0 if wait else os.WNOHANG)
    if found == 0:
        return None
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _finalizers(item: pytest.Item) -> Finalizers:
    """The number of finalizers of each node that is already set up: those belong to the parent."""
    return {node: len(finalizers) for node, (finalizers, _) in item.session._setupstate.stack.items()}  # noqa: SLF001


def _unwind(item: pytest.Item, inherited: Finalizers) -> pytest.TestReport | None:
    """Tear down what this child set up beyond the test; return a report if that fails."""
    stack = item.session._setupstate.stack  # noqa: SLF001

    def take_down() -> None:
        errors: list[BaseException] = []
        for node in reversed(list(stack)):
            finalizers = stack[node][0]
            while len(finalizers) > inherited.get(node, 0):
                try:
                    finalizers.pop()()
                except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:  # noqa: BLE001
                    errors.append(error)
        if errors:
            raise errors[0]

    return _report_failure(item, take_down)


def _report_failure(item: pytest.Item, take_down: Callable[[], object]) -> pytest.TestReport | None:
    """Tear something down; return a report if that fails."""
    capture: Any = item.config.pluginmanager.get_plugin("capturemanager")
    with capture.item_capture("teardown", item) if capture is not None else nullcontext():
        call = pytest.CallInfo.from_call(take_down, when="teardown")
    if call.excinfo is None:
        return None
    report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
    return report
