"""The controller of an xdist session: sets up the workers, collects their findings, and handles their crashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest

from ...portable.originals import (
    exists,
    hashlib,
    is_folder,
    json,
    names_in,
    os,
    remove,
    shutil,
    subprocess,
    tempfile,
    threading,
    write_text,
)
from ...portable.protocol import INSTALLED_PLUGIN, PLUGIN, asked_path
from ...portable.regular import read_text
from ...portable.settings.plugin import PluginSettings
from ..process_tree import MARKER, end_group, end_marked
from ..reporting.reports import TIMEOUT
from ..selection.catalogue import Catalogue, load, reconciled, save
from .arrival import arrival_of
from .crashes import describe_death

LOOK = 0.1
"""Seconds between two checks of the processes of the workers."""

WORKERINPUT = "gates"
"""Key of the part for gates in xdist's `workerinput`."""


@dataclass(frozen=True)
class Order:
    """The settings for a worker.

    Attributes:
        plugin: which copy of the plugin is active; the other one does nothing.
        settings: those of the controller, including ledger and options.
        stream: file of records; empty without a runner.
        scratch: folder for the worker's files.
    """

    plugin: str
    settings: PluginSettings
    stream: str
    scratch: str

    def to_workerinput(self) -> dict[str, str]:
        """In a form that xdist can send."""
        return {
            "plugin": self.plugin,
            "settings": self.settings.to_json(),
            "stream": self.stream,
            "scratch": self.scratch,
        }

    @classmethod
    def from_workerinput(cls, told: Mapping[str, str]) -> Order:
        """Read what `to_workerinput` made."""
        return cls(told["plugin"], PluginSettings.from_json(told["settings"]), told["stream"], told["scratch"])


def catalogue_path(scratch: str) -> Path:
    """The file for the workers' list of tests."""
    return Path(scratch, "catalogue.json")


def stacks_path(scratch: str, worker: str) -> Path:
    """The file for a worker's watchdog and its fault handler."""
    return Path(scratch, f"stacks-{worker}.txt")


def retried_path(scratch: str) -> Path:
    """The file for ids of tests that are retried after a crash or the end of their process."""
    return Path(scratch, "retried.json")


def again_path(scratch: str, test: str) -> Path:
    """A file that exists once a test must be retried alone."""
    return Path(scratch, f"again-{hashlib.sha256(test.encode('utf-8', 'backslashreplace')).hexdigest()[:24]}")


def leave_catalogue(scratch: str) -> Callable[[Catalogue], None]:
    """How a worker passes its list to the controller. One worker is enough: they all find the same tests."""
    path = catalogue_path(scratch)

    def leave(catalogue: Catalogue) -> None:
        if not exists(path):
            save(catalogue, path)

    return leave


class Controller:
    """xdist's hooks in the controller. Owns the scratch folder."""

    def __init__(
        self,
        config: pytest.Config,
        settings: PluginSettings,
        stream: str,
        listeners: Sequence[Callable[[Catalogue], None]],
    ) -> None:
        self._config, self._settings, self._stream, self._listeners = config, settings, stream, listeners
        self._scratch = ""
        self._listed = False
        self._watched: list[Watched] = []
        self._started: set[str] = set()  # the initial workers
        self._collected: set[str] = set()
        self._died: dict[str, None] = {}  # those that died outside a test, in order
        self._retried: dict[str, list[str]] | None = None
        self._ending = threading.Event()

    def _folder(self) -> str:
        if not self._scratch:
            # The inbox may be gone: a process that outlived its run may still name it.
            inbox = self._settings.inbox if is_folder(self._settings.inbox) else None
            self._scratch = tempfile.mkdtemp(prefix=".scratch-", dir=inbox or None)
        return self._scratch

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[Any]) -> None:
        """Have the workers load this copy of the plugin; it removes itself from their environment again."""
        for spec in specs:
            if self._stream:
                spec.env[MARKER] = os.urandom(8).hex()
            if PLUGIN == INSTALLED_PLUGIN:
                continue  # they find it the way this process did
            named = [name for name in spec.env.get("PYTEST_PLUGINS", "").split(",") if name]
            spec.env["PYTEST_PLUGINS"] = ",".join([*named, *_inherited(named), PLUGIN])

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send a worker its settings; also called for replacements of dead workers."""
        order = Order(PLUGIN, self._settings, self._stream, self._folder())
        node.workerinput[WORKERINPUT] = order.to_workerinput()
        if not self._died and not self._collected:
            self._started.add(node.gateway.id)
        _survive_death(node)
        process = getattr(getattr(node.gateway, "_io", None), "popen", None)
        if process is not None and self._stream:
            self._watched.append(Watched(process, node.gateway.spec.env.get(MARKER, "")))
            if len(self._watched) == 1:
                threading.Thread(target=self._watch, name="gates-watch", daemon=True).start()

    def _watch(self) -> None:
        """End leftovers of a dead worker: a process that it forked holds its pipe open, and xdist waits for that."""
        while not self._ending.wait(LOOK):
            for watched in list(self._watched):
                if watched.process.poll() is not None:
                    self._watched.remove(watched)
                    watched.end_rest()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker is dead; its replacement gets a new mark."""
        if error:
            self._died[node.gateway.id] = None
        if error and self._stream:
            node.gateway.spec.env[MARKER] = os.urandom(8).hex()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """The first worker has collected: list the tests before any of them starts."""
        self._collected.add(node.gateway.id)
        if self._listed:
            return
        self._listed = True
        self._allow_crashes(len(ids))
        catalogue = reconciled(load(catalogue_path(self._folder())), ids)
        for listener in self._listeners:
            listener(catalogue)

    def _allow_crashes(self, tests: int) -> None:
        # xdist gives up after a few dead workers, and every remaining test would be lost. Its limit is meant for
        # workers that die repeatedly while collecting, so it stays until one has collected.
        session = self._config.pluginmanager.get_plugin("dsession")
        limit = getattr(session, "_max_worker_restart", None)
        if isinstance(limit, int) and self._config.option.maxworkerrestart is None:
            session._max_worker_restart = limit + tests  # type: ignore[union-attr]  # noqa: SLF001

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport, sched: Any) -> None:
        """Put the death of a worker into the report; retry its test if the rules allow it."""
        gateway = getattr(getattr(report, "node", None), "gateway", None)
        self._died.pop(getattr(gateway, "id", ""), None)  # the result of the test shows it
        stacks = ""
        with suppress(OSError):
            path = stacks_path(self._folder(), getattr(gateway, "id", ""))
            stacks = read_text(path, errors="backslashreplace")
        code = _code_of(getattr(getattr(gateway, "_io", None), "popen", None))
        describe_death(report, code, stacks, self._settings.test_timeout)
        kind = "timeout" if hasattr(report, TIMEOUT) else "crashed"
        again = again_path(self._folder(), crashitem)
        if kind not in self._retries().get(crashitem, ()) or exists(again):
            return
        write_text(again, "")
        try:
            sched.mark_test_pending(crashitem)
        except NotImplementedError:  # loadscope and its kin cannot
            return
        report.outcome = "rerun"  # type: ignore[assignment]  # as in `trying`

    def _retries(self) -> dict[str, list[str]]:
        if self._retried is None:
            try:
                self._retried = json.loads(read_text(retried_path(self._folder())))
            except (OSError, ValueError):
                return {}
        return self._retried

    def pytest_unconfigure(self) -> None:
        """Remove the scratch folder, and leftovers of dead workers."""
        self._ending.set()
        arrival = arrival_of(self._config)
        if arrival is not None:
            collected = len(self._started & self._collected)
            arrival.tell(workers={"started": len(self._started), "collected": collected, "died": list(self._died)})
        if self._stream:
            pattern = asked_path(self._stream, "*")
            first, last = pattern.name.split("*")
            for name in names_in(pattern.parent):
                if name.startswith(first) and name.endswith(last):
                    remove(pattern.with_name(name))
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)


@dataclass(frozen=True)
class Watched:
    """The process of a worker, and the mark of what it starts."""

    process: Any
    marker: str

    def end_rest(self) -> None:
        """Kill the rest of its group, and processes that left the group."""
        end_group(self.process.pid)
        end_marked(self.marker)


def _code_of(process: Any) -> int | None:
    if process is None:
        return None
    with suppress(subprocess.TimeoutExpired):
        return int(process.wait(1.0))  # its pipe is closed, so it is about to end
    return None


def _survive_death(node: Any) -> None:
    """Keep the controller alive when it sends tests to a worker that has just died.

    xdist 3.8 raises in that case, which ends the session and loses all remaining tests: it happened when two workers died at once.
    The tests are already assigned to the worker, and xdist reassigns them when it notices the death.
    """
    send = node.sendcommand

    def sendcommand(name: str, **arguments: Any) -> None:
        with suppress(OSError):
            send(name, **arguments)

    node.sendcommand = sendcommand


def _inherited(named: Sequence[str]) -> list[str]:
    # `env` of a spec replaces the variable of the process, so its old value must be repeated.
    return [name for name in os.environ.get("PYTEST_PLUGINS", "").split(",") if name.strip() and name not in named]
