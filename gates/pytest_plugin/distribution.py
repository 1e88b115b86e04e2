"""The controller of an xdist session: what the workers need, what they found, and what killed them."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import pytest

from ..protocol import INSTALLED_PLUGIN, PLUGIN, Settings
from .catalogue import Catalogue, load, reconciled, save

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORKERINPUT = "gates"
"""Where in xdist's `workerinput` our part is."""


@dataclass(frozen=True)
class Order:
    """What a worker is told.

    Attributes:
        plugin: which copy of the plugin is to act; the other one keeps still.
        settings: as of the controller, ledger and options included.
        stream: file of records; empty without a runner.
        scratch: folder for the worker's files.
    """

    plugin: str
    settings: Settings
    stream: str
    scratch: str

    def to_workerinput(self) -> dict[str, str]:
        """As xdist can send it."""
        return {
            "plugin": self.plugin,
            "settings": self.settings.to_json(),
            "stream": self.stream,
            "scratch": self.scratch,
        }

    @classmethod
    def from_workerinput(cls, told: Mapping[str, str]) -> Order:
        """Read what `to_workerinput` made."""
        return cls(told["plugin"], Settings.from_json(told["settings"]), told["stream"], told["scratch"])


def catalogue_path(scratch: str) -> Path:
    """Where the workers leave the list of tests."""
    return Path(scratch, "catalogue.json")


def stacks_path(scratch: str, worker: str) -> Path:
    """Where a worker's watchdog and its fault handler write."""
    return Path(scratch, f"stacks-{worker}.txt")


def leave_catalogue(scratch: str) -> Callable[[Catalogue], None]:
    """How a worker hands its list to the controller. One worker's word is enough: they all find the same tests."""
    path = catalogue_path(scratch)

    def leave(catalogue: Catalogue) -> None:
        if not path.exists():
            save(catalogue, path)

    return leave


class Controller:
    """xdist's hooks in the controller. Owns the scratch folder."""

    def __init__(
        self, config: pytest.Config, settings: Settings, stream: str, listeners: Sequence[Callable[[Catalogue], None]]
    ) -> None:
        self._config, self._settings, self._stream, self._listeners = config, settings, stream, listeners
        self._scratch = ""
        self._listed = False

    def _folder(self) -> str:
        if not self._scratch:
            # The inbox may be gone: a process that outlived its run still names it.
            inbox = self._settings.inbox if Path(self._settings.inbox).is_dir() else None
            self._scratch = tempfile.mkdtemp(prefix=".scratch-", dir=inbox or None)
        return self._scratch

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[Any]) -> None:
        """Have the workers load this copy of the plugin; it takes itself out of their environment again."""
        if PLUGIN == INSTALLED_PLUGIN:
            return  # they find it the way this process did
        for spec in specs:
            named = [name for name in spec.env.get("PYTEST_PLUGINS", "").split(",") if name]
            spec.env["PYTEST_PLUGINS"] = ",".join([*named, *_inherited(named), PLUGIN])

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker what to do; also called for the ones that replace the dead."""
        order = Order(PLUGIN, self._settings, self._stream, self._folder())
        node.workerinput[WORKERINPUT] = order.to_workerinput()
        _survive_death(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """The first worker has collected: list the tests, before one of them starts."""
        if self._listed:
            return
        self._listed = True
        self._allow_crashes(len(ids))
        catalogue = reconciled(load(catalogue_path(self._folder())), ids)
        for listener in self._listeners:
            listener(catalogue)

    def _allow_crashes(self, tests: int) -> None:
        # xdist gives up after a few dead workers, and every test that is left would be lost. Its limit is there for
        # workers that die while they collect, over and over: so it stays until one has collected.
        session = self._config.pluginmanager.get_plugin("dsession")
        limit = getattr(session, "_max_worker_restart", None)
        if isinstance(limit, int) and self._config.option.maxworkerrestart is None:
            session._max_worker_restart = limit + tests  # type: ignore[union-attr]  # noqa: SLF001

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_handlecrashitem(self, report: pytest.TestReport) -> None:
        """Put the stacks of a dead worker into the report, and say so when it was our watchdog that ended it."""
        worker = getattr(getattr(getattr(report, "node", None), "gateway", None), "id", "")
        try:
            stacks = stacks_path(self._folder(), worker).read_text(encoding="utf-8", errors="backslashreplace")
        except OSError:
            return
        limit = self._settings.test_timeout or limit_of(stacks)
        if limit is not None and stacks.startswith("Timeout ("):
            report.gates_timeout = limit  # type: ignore[attr-defined]
            report.longrepr = f"timed out after {limit:g}s\n\n{stacks}"
        elif stacks.strip():
            report.longrepr = f"{report.longrepr}\n\n{stacks}"

    def pytest_unconfigure(self) -> None:
        """Remove the scratch folder."""
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)


def limit_of(dump: str) -> float | None:
    """Seconds after which a watchdog wrote this dump: `Timeout (0:00:02.500000)!`; None for any other text."""
    found = re.match(r"Timeout \((\d+):(\d+):([\d.]+)\)", dump)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]) if found is not None else None


def _survive_death(node: Any) -> None:
    """Let the controller live when it hands tests to a worker that died this very moment.

    xdist 3.8 raises then, which ends the session and loses every test that is left: seen when two workers die at once.
    The tests are already booked to the worker, and xdist gives them to others when it hears of the death.
    """
    send = node.sendcommand

    def sendcommand(name: str, **arguments: Any) -> None:
        with suppress(OSError):
            send(name, **arguments)

    node.sendcommand = sendcommand


def _inherited(named: Sequence[str]) -> list[str]:
    # `env` of a spec replaces the variable of the process, so what stands there must be repeated.
    return [name for name in os.environ.get("PYTEST_PLUGINS", "").split(",") if name.strip() and name not in named]
