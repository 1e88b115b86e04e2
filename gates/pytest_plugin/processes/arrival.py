"""Announces a pytest before anything else can end it, and reports how it ended after everything else.

The plugin is loaded before any conftest. So a process that a conftest, a test module or another plugin ends, with
any exit code, leaves a `begin` without a `finish`, which never counts as a finished session.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from ...portable.originals import os, time
from ...portable.protocol import INBOX
from ...portable.stream import RecordStream

NAME = "gates-arrival"

ASKED = (
    ("version", "--version"),
    ("help", "--help"),
    ("markers", "--markers"),
    ("cacheshow", "--cache-show"),
    ("showfixtures", "--fixtures"),
    ("show_fixtures_per_test", "--fixtures-per-test"),
    ("collectonly", "--collect-only"),
)
"""Options, by their names in pytest's config, that make pytest print something and run no test."""


def arrive(pluginmanager: pytest.PytestPluginManager) -> None:
    """Write `begin`, if there is a runner and the other copy of the plugin has not done so."""
    inbox = os.environ.get(INBOX, "")
    if not inbox or "GATES_SPAWNED" in os.environ or pluginmanager.has_plugin(NAME):
        return
    stream = RecordStream(str(Path(inbox, f"pytest-{os.getpid()}-{os.urandom(4).hex()}.jsonl")))
    stream.write("begin", pid=os.getpid(), command=_command(), time=time.time())
    pluginmanager.register(Arrival(stream), NAME)


def arrival_of(config: pytest.Config) -> Arrival | None:
    """The object registered when the plugin was loaded; None without a runner."""
    found: Arrival | None = config.pluginmanager.get_plugin(NAME)
    return found


class Arrival:
    """Owns the stream of this pytest from its first record to its last."""

    def __init__(self, stream: RecordStream) -> None:
        self.stream = stream
        self._session: pytest.Session | None = None
        self._told: dict[str, Any] = {}

    def tell(self, **fields: object) -> None:
        """Add fields to the last record."""
        self._told.update(fields)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, None, None]:
        """Be the last to act: registered first, before all others with this hook."""
        config.add_cleanup(lambda: self._end(config))
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Remember the session, whose exit code counts."""
        self._session = session

    def _end(self, config: pytest.Config) -> None:
        """Write `finish`: nothing can change the exit code any more.

        Nothing is written if no session has begun and pytest was not asked for something else: then it did not run to
        its end, whatever its exit code is.
        """
        asked = next((words for name, words in ASKED if getattr(config.option, name, None)), "")
        if asked:
            self.tell(asked=asked)
        if self._session is not None or asked:
            code = 0 if self._session is None else int(self._session.exitstatus)
            self.stream.write("finish", exit_code=code, time=time.time(), **self._told)
        self.stream.close()


def _command() -> list[str]:
    """The arguments of this process, as others see them."""
    return [str(word) for word in getattr(sys, "orig_argv", sys.argv)]
