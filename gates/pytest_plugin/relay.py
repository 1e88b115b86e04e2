"""Carries reports from a process that runs one test to the one that asked for it."""

from __future__ import annotations

import json
import os
import pickle
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

HEAD = struct.Struct("<I")
REPORT, END = "report", "end"


class Sender:
    """Writes messages; each is complete or, when its process dies, not there."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, kind: str, data: Any = None) -> None:
        """Write one message."""
        try:
            body = pickle.dumps((kind, data))
        except Exception:  # noqa: BLE001 (whatever a plugin put into a report)
            body = pickle.dumps((kind, json.loads(json.dumps(data, default=str, skipkeys=True))))
        view = memoryview(HEAD.pack(len(body)) + body)
        with suppress(BrokenPipeError):
            while view:
                view = view[os.write(self._descriptor, view) :]


class Relay:
    """The only plugin in the process of an isolated test that hears of reports; sends them on."""

    def __init__(self, config: pytest.Config, sender: Sender) -> None:
        self._config, self._sender = config, sender

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send the report."""
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._sender.send(REPORT, data)


DEAF = ("pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish", "pytest_warning_recorded")
"""Hooks that nobody but the relay hears: terminal, recorder and xdist's channel are those of the other process."""


def install_relay(config: pytest.Config, sender: Sender) -> None:
    """Let the relay be the only one that hears of reports in this process."""
    for name in DEAF:
        caller = getattr(config.hook, name)
        for implementation in list(caller.get_hookimpls()):
            caller._remove_plugin(implementation.plugin)  # noqa: SLF001 (there is no other way to leave out a hook)
    config.pluginmanager.register(Relay(config, sender), "gates-relay")


class Receiver:
    """Takes messages out of the pieces in which they arrive."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, piece: bytes) -> Iterator[tuple[str, Any]]:
        """The messages that are complete now. They come from a process of our own, so pickle is safe."""
        self._data += piece
        while len(self._data) >= HEAD.size:
            (size,) = HEAD.unpack_from(self._data)
            if len(self._data) < HEAD.size + size:
                return
            body = bytes(self._data[HEAD.size : HEAD.size + size])
            del self._data[: HEAD.size + size]
            yield pickle.loads(body)  # noqa: S301 (see above)
