"""A forked process that runs some tests of a session and tells its parent how each ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from ...portable.originals import os, random, select, signal, time, warnings
from ..execution.running import adopt_process
from ..process_tree import end_group
from ..processes.relay import END, Receiver, Sender, deafen

BEGIN, ENDED, SAID, TROUBLE = "begin", "ended", "said", "trouble"
"""Messages of a child: a test begins, a test has ended, anything else that is to be known, why it cannot
go on."""


class Outcomes:
    """Receives the reports of a child's tests: the only plugin there that does."""

    def __init__(self) -> None:
        self.failed = self.asserted = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """Note whether an assertion failed, rather than the code."""
        raised = call.excinfo.value if call.excinfo is not None else None
        if isinstance(raised, (AssertionError, pytest.fail.Exception)):
            self.asserted = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A report of any phase, of a test or a part of it."""
        if report.failed:
            self.failed = True


class Child:
    """What a child does.

    Args:
        config: of the session.
        scratch: folder for its temporary files.
        free: folder in which it may write anything.
    """

    def __init__(self, config: pytest.Config, scratch: str, free: str) -> None:
        self._config, self._scratch, self.free = config, scratch, free

    def run(
        self,
        items: Sequence[pytest.Item],
        prepare: Callable[[Sender], object],
        limit: Callable[[int], float],
        take: Callable[[str, Any], None],
        *,
        stop_at_failure: bool = True,
        after: Callable[[Sender, int], None] | None = None,
    ) -> str:
        """Fork, run the tests there, and wait; return why it ended early: `timeout`, how it died, or an empty text.

        Args:
            items: the tests, in their order.
            prepare: called in the child first; it may raise.
            limit: seconds from now on that test number N may take; -1 is what comes before the first.
            take: receives the messages.
            stop_at_failure: the first failed test is the last one.
            after: called in the child after each test.
        """
        reading, writing = os.pipe()
        state = random.getstate()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with suppress(OSError):
                    os.setpgid(0, 0)
                os.close(reading)
                random.setstate(state)
                sender = Sender(writing)
                try:
                    self._in_child(sender, items, prepare, stop_at_failure, after)
                except BaseException as error:
                    sender.send(TROUBLE, f"{type(error).__name__}: {error}")
                    raise
                code = 0
            finally:
                os._exit(code)
        os.close(writing)
        with suppress(OSError):
            os.setpgid(pid, 0)
        try:
            return _listen(reading, pid, limit, take)
        finally:
            os.close(reading)
            end_group(pid)

    def _in_child(
        self,
        sender: Sender,
        items: Sequence[pytest.Item],
        prepare: Callable[[Sender], object],
        stop_at_failure: bool,
        after: Callable[[Sender, int], None] | None,
    ) -> None:
        deafen(self._config)
        outcomes = Outcomes()
        self._config.pluginmanager.register(outcomes, "gates-outcomes")
        adopt_process(self._config)
        _use_folder(self._config, self._scratch)
        _forget_examples()
        prepare(sender)
        for number, item in enumerate(items):
            following = items[number + 1] if number + 1 < len(items) else None
            sender.send(BEGIN, number)
            outcomes.failed = outcomes.asserted = False
            began = time.monotonic()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            seconds = time.monotonic() - began
            if after is not None:
                after(sender, number)
            sender.send(ENDED, (number, outcomes.failed, seconds, outcomes.asserted))
            if outcomes.failed and stop_at_failure:
                break
        sender.send(END)


def _listen(reading: int, pid: int, limit: Callable[[int], float], take: Callable[[str, Any], None]) -> str:
    receiver, trouble = Receiver(), ""
    ends = time.monotonic() + limit(-1)
    while True:
        ready = select.select([reading], [], [], max(0.0, min(0.5, ends - time.monotonic())))[0]
        if ready:
            piece = os.read(reading, 1 << 16)
            for kind, data in receiver.feed(piece):
                if kind == END:
                    _kill(pid)
                    return ""
                if kind == BEGIN:
                    ends = time.monotonic() + limit(data)
                if kind == TROUBLE:
                    trouble = data
                take(kind, data)
            if not piece:
                return trouble or _death(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        else:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:  # a process that it left behind holds the pipe
                return trouble or _death(os.waitstatus_to_exitcode(status))
        if time.monotonic() >= ends:
            _kill(pid)
            return "timeout"


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _death(code: int) -> str:
    return f"its process died by signal {-code}" if code < 0 else f"its process ended with exit code {code}"


def _use_folder(config: pytest.Config, folder: str) -> None:
    """Let `tmp_path` be below a folder of this child."""
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is not None:
        from pathlib import Path

        os.makedirs(folder, mode=0o700, exist_ok=True)
        factory._basetemp = None  # noqa: SLF001
        factory._given_basetemp = Path(folder) / "pytest"  # noqa: SLF001


def _forget_examples() -> None:
    """Let Hypothesis keep no example: one that a fault made would be tried again in later runs, and its folder is the project's."""
    import sys

    database = sys.modules.get("hypothesis.database")
    for name in ("DirectoryBasedExampleDatabase", "ExampleDatabase"):
        kind = getattr(database, name, None)
        for method in ("save", "delete", "move"):
            if kind is not None and method in vars(kind):
                setattr(kind, method, lambda *_arguments, **_words: None)
