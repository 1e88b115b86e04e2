"""Finds what a test leaves behind in its process: variables, the working directory, threads, children, open files.

It compares the state before a test's own setup with that after its teardown. What fixtures of wider scopes do while they are set up
in between is ignored, because it lasts on purpose.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ...portable.originals import os, threading, time
from ...portable.regular import read_bytes
from ..process_tree import children_of
from ..reporting.reports import LEAKS

if TYPE_CHECKING:
    from ...portable.rules import Rules

GRACE = 0.05
"""Seconds to wait for threads and children that are just ending."""

_OURS = ("PYTEST_CURRENT_TEST",)


class Snapshot(NamedTuple):
    """The state of a process.

    Attributes:
        environment: its variables.
        folder: working directory; empty if it is gone.
        threads: by identity, with their names.
        children: processes.
        files: descriptor → what is open there.
    """

    environment: Mapping[str, str]
    folder: str
    threads: Mapping[int, str]
    children: frozenset[int]
    files: Mapping[int, str]


def take() -> Snapshot:
    """The state of this process now."""
    try:
        folder = str(Path.cwd())
    except OSError:
        folder = ""
    return Snapshot(
        environment={name: value for name, value in os.environ.items() if name not in _OURS},
        folder=folder,
        threads={one.ident or 0: _name(one) for one in threading.enumerate()},
        children=frozenset(children_of(os.getpid())),
        files=_files(),
    )


def difference(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Describe what exists after, but not before; for variables only the names, because values may be secrets."""
    found = []
    words = [f"{name} {how}" for name, how in _changes(before.environment, after.environment)]
    if words:
        found.append(f"environment: {', '.join(words)}")
    if after.folder != before.folder:
        found.append(f"working directory: {before.folder} became {after.folder or 'a folder that no longer exists'}")
    found += [f"thread {name} still runs" for ident, name in after.threads.items() if ident not in before.threads]
    found += [_child(pid) for pid in sorted(after.children - before.children)]
    found += [
        f"{_kind(what)} is still open (descriptor {number})"
        for number, what in after.files.items()
        if before.files.get(number) != what
    ]
    return tuple(found)


def widened(baseline: Snapshot, before: Snapshot, after: Snapshot) -> Snapshot:
    """The baseline with the changes between two other states, which the test did not cause."""
    environment = dict(baseline.environment)
    for name, _ in _changes(before.environment, after.environment):
        if name in after.environment:
            environment[name] = after.environment[name]
        else:
            environment.pop(name, None)
    files = {number: what for number, what in after.files.items() if before.files.get(number) != what}
    return Snapshot(
        environment=environment,
        folder=after.folder if after.folder != before.folder else baseline.folder,
        threads={**baseline.threads, **{k: v for k, v in after.threads.items() if k not in before.threads}},
        children=baseline.children | (after.children - before.children),
        files={**baseline.files, **files},
    )


class LeakFinder:
    """Checks before and after each test whose rules ask for it."""

    def __init__(self, rules: Mapping[pytest.Item, Rules]) -> None:
        self._rules = rules
        self._before: Snapshot | None = None
        self._found: tuple[str, ...] = ()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Record the state before the setup; the last step in the teardown of the item compares it."""
        self._before, self._found = None, ()
        if self._meaning(item) == "ignore":
            return
        self._before = take()
        teardown = item.teardown

        def look() -> None:
            try:
                teardown()
            finally:
                self._look()

        # pytest pushes this as the first finalizer of the item, so it runs after those of its fixtures, and before
        # anything of a wider scope is taken down.
        item.teardown = look  # type: ignore[method-assign]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, None, None]:
        """Anything that a fixture of a wider scope starts is meant to last."""
        if self._before is None or fixturedef.scope == "function":
            yield
            return
        before = take()
        yield
        if self._before is not None:
            self._before = widened(self._before, before, take())

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """Put the findings into the report of the teardown."""
        outcome = yield
        if call.when != "teardown":
            return
        with suppress(AttributeError):
            del item.teardown  # removes that of the instance; that of the class applies again
        if not self._found:
            return
        report = outcome.get_result()
        setattr(report, LEAKS, list(self._found))
        if self._meaning(item) == "fail" and report.passed:
            report.outcome = "failed"
            report.longrepr = f"leaked: {'; '.join(self._found)}"
        self._before, self._found = None, ()

    def _look(self) -> None:
        if self._before is None:
            return
        found = difference(self._before, take())
        end = time.monotonic() + GRACE
        while any(one.startswith(("thread ", "child ")) for one in found) and time.monotonic() < end:
            time.sleep(GRACE / 10)
            found = difference(self._before, take())
        self._found, self._before = found, None

    def _meaning(self, item: pytest.Item) -> str:
        rules = self._rules.get(item)
        if rules is None:
            return "ignore"
        if rules.leak == "auto":
            return "ignore" if rules.isolate == "no" else "warn"
        return rules.leak


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str]]:
    changed = [(name, "changed") for name in before if name in after and after[name] != before[name]]
    removed = [(name, "removed") for name in before if name not in after]
    added = [(name, "added") for name in after if name not in before]
    return sorted([*changed, *removed, *added])


def _name(thread: threading.Thread) -> str:
    return f"{thread.name!r}{' (daemon)' if thread.daemon else ''}"


def _child(pid: int) -> str:
    command, state = "", ""
    with suppress(OSError):
        command = read_bytes(f"/proc/{pid}/cmdline")[:200].replace(b"\0", b" ").decode("utf-8", "replace").strip()
        state = read_bytes(f"/proc/{pid}/stat").rpartition(b")")[2].split()[0].decode("ascii", "replace")
    if state == "Z":
        return f"child process {pid} ended, and was never waited for"
    return f"child process {pid}{f' ({command})' if command else ''} still runs"


def _files() -> dict[int, str]:
    """The open files, on systems that show them."""
    found = {}
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            with suppress(OSError, ValueError):
                found[int(name)] = os.readlink(f"{folder}/{name}")
        return {number: what for number, what in found.items() if what != f"/proc/{os.getpid()}/fd"}
    return found


def _kind(what: str) -> str:
    for start, word in (("socket:", "a socket"), ("pipe:", "a pipe"), ("anon_inode:", "a handle of the system")):
        if what.startswith(start):
            return f"{word} ({what.partition(':')[2].strip('[]')})"
    return f"file {what}"
