"""Carries reports from a process that runs one test to the one that asked for it."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from ...portable.originals import json, os, pickle, warnings

HEAD = struct.Struct("<I")
REPORT, WARNING, END = "report", "warning", "end"


class Sender:
    """Writes messages; each is complete or, if its process dies, missing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, kind: str, data: Any = None) -> None:
        """Write one message."""
        try:
            body = pickle.dumps((kind, data))
        except Exception:  # noqa: BLE001 (a plugin may have put anything into a report)
            body = pickle.dumps((kind, json.loads(json.dumps(data, default=str, skipkeys=True))))
        view = memoryview(HEAD.pack(len(body)) + body)
        with suppress(BrokenPipeError):
            while view:
                view = view[os.write(self._descriptor, view) :]


class Relay:
    """The only plugin in the process of an isolated test that receives reports; forwards them."""

    def __init__(self, config: pytest.Config, sender: Sender) -> None:
        self._config, self._sender = config, sender
        self.listens = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send the report."""
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._sender.send(REPORT, data)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        """Send the warning as plain values, because the project's own classes may not be reconstructible."""
        if not self.listens:  # pytest repeats all earlier ones for later registrations
            return
        category = warning_message.category
        told = {
            "category": (category.__module__, category.__qualname__),
            "message": str(warning_message.message),
            "filename": str(warning_message.filename),
            "lineno": warning_message.lineno,
            "when": when,
            "nodeid": nodeid,
        }
        self._sender.send(WARNING, told)


DEAF = ("pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish", "pytest_warning_recorded")
"""Hooks that only the relay receives: terminal, recorder and xdist's channel belong to the other process."""


def install_relay(config: pytest.Config, sender: Sender) -> None:
    """Make the relay the only receiver of reports in this process."""
    deafen(config)
    relay = Relay(config, sender)
    config.pluginmanager.register(relay, "gates-relay")
    relay.listens = True


def deafen(config: pytest.Config) -> None:
    """Let no plugin receive reports in this process; one that is registered later does."""
    for name in DEAF:
        caller = getattr(config.hook, name)
        for implementation in list(caller.get_hookimpls()):
            caller._remove_plugin(implementation.plugin)  # noqa: SLF001 (there is no other way to leave out a hook)


def warn_again(config: pytest.Config, told: dict[str, Any]) -> None:
    """Pass a warning from a relay to the plugins of this process."""
    module, name = told["category"]
    category = getattr(sys.modules.get(module), name, None)
    if not (isinstance(category, type) and issubclass(category, Warning)):
        category = UserWarning  # xdist could not transmit a class that cannot be imported
    message = warnings.WarningMessage(
        message=UserWarning(told["message"]), category=category, filename=told["filename"], lineno=told["lineno"]
    )
    record_warning(config, message, told["nodeid"], told["when"])


def record_warning(config: pytest.Config, warning: warnings.WarningMessage, nodeid: str, when: str = "runtest") -> None:
    """Tell all plugins of a warning, as pytest does."""
    told = {"warning_message": warning, "when": when, "nodeid": nodeid, "location": None}
    config.hook.pytest_warning_recorded.call_historic(kwargs=told)


class Receiver:
    """Assembles messages from the pieces in which they arrive."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, piece: bytes) -> Iterator[tuple[str, Any]]:
        """The messages that are complete now. They come from a child of this process, so pickle is safe."""
        self._data += piece
        while len(self._data) >= HEAD.size:
            (size,) = HEAD.unpack_from(self._data)
            if len(self._data) < HEAD.size + size:
                return
            body = bytes(self._data[HEAD.size : HEAD.size + size])
            del self._data[: HEAD.size + size]
            yield pickle.loads(body)
