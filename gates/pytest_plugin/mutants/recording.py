"""Runs the tests once without any fault: how each ends, how long it takes, and which statements it runs."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import pytest

from ...portable.originals import os, time
from ..processes.relay import Sender
from .child import ENDED, SAID, Child
from .code import Code, listen_to_probes, with_probes
from .guard import Guard

WROTE = "wrote"
"""The message of a recording child with all files that its tests have written to."""

SHARE = 0.5
"""How much of the budget the tests may take without faults."""


class Known:
    """What is known about the tests.

    Attributes:
        seconds: number of a test → how long it took; only of those that passed.
        failed: numbers of those that failed.
        reached: number of a probe → numbers of the tests that run its statement.
        left: numbers of tests that did not fit into the budget.
        ended: why the recording ended early; empty if it did not.
        written: files beyond temporary ones that the tests write to.
    """

    def __init__(self) -> None:
        self.seconds: dict[int, float] = {}
        self.failed: set[int] = set()
        self.reached: dict[int, set[int]] = {}
        self.left: set[int] = set()
        self.ended = ""
        self.written: set[str] = set()


class _Watch:
    """In the child: notes which probes a test, or a fixture that several tests share, comes by."""

    def __init__(self, items: Sequence[pytest.Item], guard: Guard) -> None:
        self._items, self._guard = items, guard
        self._now: set[int] = set()
        self._shared: list[Any] = []
        self.by_fixture: dict[int, tuple[Any, set[int]]] = {}
        listen_to_probes(self._reached)

    def _reached(self, number: int) -> None:
        self._now.add(number)
        for definition in self._shared:
            self.by_fixture.setdefault(id(definition), (definition, set()))[1].add(number)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, None, None]:
        """What a shared fixture runs counts for all tests that use it, not only for the first."""
        shared = str(getattr(fixturedef, "scope", "function")) != "function"
        if shared:
            self._shared.append(fixturedef)
        yield
        if shared:
            self._shared.pop()

    def tell(self, sender: Sender, number: int) -> None:
        """Send what this test came by, and what all users of its fixtures do."""
        own, self._now = self._now, set()
        sender.send(SAID, ([number], sorted(own)))
        for definition, probes in self.by_fixture.values():
            users = [position for position, item in enumerate(self._items) if _uses(item, definition)]
            sender.send(SAID, (users, sorted(probes)))
        self.by_fixture.clear()
        if self._guard.written:
            sender.send(WROTE, sorted(self._guard.written))


def _uses(item: pytest.Item, definition: Any) -> bool:
    info = getattr(item, "_fixtureinfo", None)
    return info is not None and any(definition in found for found in info.name2fixturedefs.values())


def record(
    child: Child, items: Sequence[pytest.Item], code: Code, texts: Mapping[str, str],
    probes: Mapping[str, Mapping[tuple[int, int], int]], seconds: float,
) -> Known:  # fmt: skip
    """Run the tests once in a child whose code has probes.

    Args:
        child: runs them.
        items: the tests, the closest first.
        code: the living functions.
        texts: path → text.
        probes: path → line and column of a statement → its number.
        seconds: that all of it may take.
    """
    known, ends = Known(), time.monotonic() + seconds
    watch: list[_Watch] = []

    def prepare(_sender: Sender) -> None:
        guard = Guard([child.free], os.getppid())
        guard.install()
        watch.append(_Watch(items, guard))  # before there are probes: what runs them may be needed here
        changed = {path: with_probes(texts[path], found) for path, found in probes.items()}
        for path, tree in changed.items():
            code.replace(path, tree)
        code.import_as(changed)
        items[0].config.pluginmanager.register(watch[0], "gates-probes")

    def take(kind: str, data: Any) -> None:
        if kind == SAID:
            for probe in data[1]:
                known.reached.setdefault(probe, set()).update(data[0])
        elif kind == WROTE:
            known.written.update(data)
        elif kind == ENDED:
            number, failed, took, _ = data
            if failed:
                known.failed.add(number)
            else:
                known.seconds[number] = took

    known.ended = child.run(
        items, prepare, lambda _number: ends - time.monotonic(), take, stop_at_failure=False,
        after=lambda sender, number: watch[0].tell(sender, number),  # noqa: PLW0108 (there is none yet)
    )  # fmt: skip
    known.left = set(range(len(items))) - known.seconds.keys() - known.failed
    return known
