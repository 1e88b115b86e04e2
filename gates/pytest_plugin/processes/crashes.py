"""Information on a process that died while running tests: how, and where."""

from __future__ import annotations

import re
from typing import IO, Any

import pytest

from ...portable.originals import os, signal
from ...portable.regular import read_text
from ..reporting.reports import CRASH, TIMEOUT

_BY_THE_SYSTEM = " (by hand, or by the system when memory ran out)"


def how_it_ended(code: int | None) -> str:
    """`killed by SIGSEGV`, `exited with code 3`; `code` is negative for a signal, None if unknown."""
    if code is None:
        return "died"
    if code >= 0:
        return f"exited with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}{_BY_THE_SYSTEM if name == 'SIGKILL' else ''}"


def limit_of(dump: str) -> float | None:
    """Seconds after which a watchdog wrote this dump: `Timeout (0:00:02.500000)!`; None for any other text."""
    found = re.match(r"Timeout \((\d+):(\d+):([\d.]+)\)", dump)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found is not None else None


def describe_death(report: pytest.TestReport, code: int | None, stacks: str, limit: float | None = None) -> None:
    """Put the end of a process, and the stacks that it left, into the report of the test that it was running.

    Args:
        report: of the test.
        code: exit code of the process, negative for a signal; None if unknown.
        stacks: the output of its watchdog or its fault handler.
        limit: the test's limit in seconds; None takes it from the dump.
    """
    seconds = limit_of(stacks)
    if seconds is not None:
        setattr(report, TIMEOUT, limit or seconds)
        report.longrepr = f"timed out after {limit or seconds:g}s\n\n{stacks}"
        return
    setattr(report, CRASH, True)
    words = str(report.longrepr)
    if code is not None:
        words = f"{words}: {how_it_ended(code)}"
    report.longrepr = f"{words}\n\n{stacks}" if stacks.strip() else words


def report_of_death(item: pytest.Item, words: str, config: pytest.Config) -> pytest.TestReport:
    """A report like xdist's for a test whose worker died, with the output of the test."""
    sections = []
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    if capture is not None and capture.is_globally_capturing():
        # The capture files are shared with the dead process.
        texts = zip(("stdout", "stderr"), capture.read_global_capture())
        sections = [(f"Captured {name} call", text) for name, text in texts if text]
    location = item.location
    return pytest.TestReport(item.nodeid, location, {}, "failed", words, "???", sections)  # type: ignore[arg-type]


def take_stacks(stacks: IO[bytes]) -> str:
    """The output of the dead process; the file is emptied for the next one."""
    name = stacks.name
    if not isinstance(name, str):
        return ""
    try:
        text = read_text(name, errors="backslashreplace")
        os.ftruncate(stacks.fileno(), 0)
        os.lseek(stacks.fileno(), 0, os.SEEK_SET)
    except OSError:
        return ""
    return text
