"""Runs an isolated test in a forked child, which has the existing fixtures of wider scopes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import IO, TYPE_CHECKING, Any, Callable

import pytest
from _pytest.runner import runtestprotocol

from ...portable.originals import os, threading, warnings
from ..execution.running import adopt_process, sign_of_life
from ..process_tree import end_group
from .crashes import take_stacks
from .listening import dead, listen
from .relay import END, Sender, install_relay, record_warning

if TYPE_CHECKING:
    Finalizers = Mapping[Any, int]

SAFE_THREADS = ("pytest_rerunfailures",)
"""Modules with known threads: they wait in a system call, and the child does not need them."""


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
            # Hooks around the protocol belong to the parent: what this child adds to them would be lost.
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


def fork_is_safe() -> bool:
    """Whether a fork is safe: no thread may hold a lock that the child needs."""
    if not hasattr(os, "fork") or threading.current_thread() is not threading.main_thread():
        return False
    # Threads not started through `threading`, such as xdist's, use nothing that a child needs.
    ours = [thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)]  # noqa: SLF001
    return len(ours) == 1


def why_no_fork() -> str:
    """Why a fork is not safe here; empty if it is."""
    if not hasattr(os, "fork"):
        return "this system cannot fork"
    if sys.platform == "darwin":
        return "a forked process may not use the system's frameworks on macOS"
    if threading.current_thread() is not threading.main_thread():
        return "pytest is not running in the main thread"
    others = [one.name for one in threading.enumerate() if one is not threading.main_thread() and not _is_safe(one)]
    return f"the collection left threads running: {', '.join(others)}" if others else ""


def _is_safe(thread: threading.Thread) -> bool:
    """Whether a thread is known to hold no lock that a child needs: it waits for connections of workers."""
    module = getattr(getattr(thread, "_target", None), "__module__", "")
    return module in SAFE_THREADS


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

    return report_failure(item, take_down)


def report_failure(item: pytest.Item, take_down: Callable[[], object]) -> pytest.TestReport | None:
    """Tear something down; return a report if that fails."""
    capture: Any = item.config.pluginmanager.get_plugin("capturemanager")
    with capture.item_capture("teardown", item) if capture is not None else nullcontext():
        call = pytest.CallInfo.from_call(take_down, when="teardown")
    if call.excinfo is None:
        return None
    report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
    return report
