"""Receives the reports of a process that runs one isolated test, until it is done or dead."""

from __future__ import annotations

from contextlib import suppress

import pytest

from ...portable.originals import os, select, signal, time
from ..execution.running import sign_of_life
from .crashes import describe_death, report_of_death
from .relay import END, REPORT, WARNING, Receiver, warn_again


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


def _watch_of(pid: int) -> int:
    with suppress(AttributeError, OSError):
        return os.pidfd_open(pid)
    return -1


def _exit_code(pid: int, *, wait: bool = False) -> int | None:
    found, status = os.waitpid(pid, 0 if wait else os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None
