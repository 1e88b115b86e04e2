"""pytest's entry points: find out which copy of the plugin acts, and give each of its parts what it needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..errors import GatesError
from ..protocol import INJECTED_PLUGIN, INSTALLED_PLUGIN, PLUGIN, Settings, Stream, read_settings, remove_injection
from .options import add_options, apply_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..exclusions import Exclusion
    from .catalogue import Catalogue
    from .selection import Selection

_HEADER = pytest.StashKey["list[str]"]()
"""Lines for the header that are known before the parts of the plugin exist."""


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add our options."""
    add_options(parser, pluginmanager)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the parts that this process needs; none where another copy of the plugin acts."""
    try:
        if hasattr(config, "workerinput"):
            _configure_worker(config)
        elif _acts(config):
            _configure_session(config)
    except GatesError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Answer `-n auto` where the runner or a file of durations says something of the tests."""
    if not _acts(config) or "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    told = _read_settings()
    if told is not None and told.workers:
        config.stash[_HEADER] = [f"gates: -n {told.workers}, chosen by the runner"]
        return told.workers
    file = config.getoption("gates_workers_from", None)
    if not file:
        return None
    from ..workers import choose_workers, cores, read_durations

    try:
        durations = read_durations(Path(file))
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--gates-workers-from {file}: {error}") from None
    count, reason = choose_workers(durations, cores())
    config.stash[_HEADER] = [f"gates: {reason}"]
    return count


def _acts(config: pytest.Config) -> bool:
    return PLUGIN != INSTALLED_PLUGIN or not config.pluginmanager.has_plugin(INJECTED_PLUGIN)


def _read_settings() -> Settings | None:
    try:
        return read_settings(os.environ)
    except (ValueError, TypeError) as error:
        raise pytest.UsageError(f"GATES_PYTEST, as the runner set it, cannot be read: {error}") from None


def _settings(config: pytest.Config) -> tuple[Settings, tuple[Exclusion, ...]]:
    told = _read_settings()
    if told is not None:
        from .selection import read_exclusions

        return apply_options(told, config), read_exclusions(told)
    from .ledger import load_ledger

    exclusions, source = load_ledger(config.rootpath)
    carried: tuple[dict[str, object], ...] = ()
    if exclusions:
        from ..exclusions import to_json

        carried = tuple(to_json(entry) for entry in exclusions)
    return apply_options(Settings(exclusions=carried, source=source), config), exclusions


def _configure_session(config: pytest.Config) -> None:
    """The controller of an xdist session, or the only process."""
    settings, exclusions = _settings(config)
    remove_injection(os.environ)
    header = config.stash.get(_HEADER, [])
    selecting = bool(settings.filter or exclusions)
    if not (selecting or header or settings.inbox or settings.test_timeout):
        return
    from .selection import make_selection
    from .terminal import Terminal

    register = config.pluginmanager.register
    selection = make_selection(settings, exclusions)
    terminal = Terminal(settings, exclusions, header)
    register(terminal, "gates-terminal")
    listeners: list[Callable[[Catalogue], None]] = [terminal.take]
    stream = ""
    if settings.inbox:
        from .recorder import Recorder

        stream = _new_stream(settings.inbox)
        recorder = Recorder(config, Stream(stream), {entry.name: entry.reason for entry in exclusions})
        register(recorder, "gates-recorder")
        listeners.append(recorder.list_tests)
    if _is_distributed(config):
        from .distribution import Controller

        register(Controller(config, settings, stream, listeners), "gates-controller")
    else:
        _configure_local(config, settings, selection, stream, listeners)


def _configure_local(
    config: pytest.Config,
    settings: Settings,
    selection: Selection,
    stream: str,
    listeners: list[Callable[[Catalogue], None]],
) -> None:
    """The only process: it selects, runs and records."""
    from .selection import Lister

    register = config.pluginmanager.register
    register(selection, "gates-selection")
    register(Lister(selection, listeners), "gates-lister")
    if stream:
        from .running import Announcer
        from .signer import Signer

        register(Announcer(Stream(stream), "", config), "gates-announcer")
        register(Signer(config.rootpath), "gates-signer")
    if settings.test_timeout:
        from .running import Watch, close_stacks, open_stacks

        stacks = open_stacks(_stacks_beside(stream) if stream else None)
        config.add_cleanup(lambda: close_stacks(stacks))
        register(Watch(settings.test_timeout, stacks, config), "gates-watch")


def _configure_worker(config: pytest.Config) -> None:
    """A worker of xdist: it selects and runs, as its controller told it."""
    from .distribution import WORKERINPUT, Order, leave_catalogue, stacks_path

    workerinput = config.workerinput  # type: ignore[attr-defined]
    if WORKERINPUT not in workerinput:
        return
    order = Order.from_workerinput(workerinput[WORKERINPUT])
    if order.plugin != PLUGIN:
        return
    remove_injection(os.environ)
    from .running import Announcer, CrashStacks, Watch, open_stacks
    from .selection import Lister, make_selection, read_exclusions
    from .signer import Signer
    from .wire import WireCleaner

    register = config.pluginmanager.register
    settings, worker = order.settings, str(workerinput["workerid"])
    selection = make_selection(settings, read_exclusions(settings))
    register(selection, "gates-selection")
    register(Lister(selection, [leave_catalogue(order.scratch)]), "gates-lister")
    register(WireCleaner(), "gates-wire")
    if order.stream:
        register(Announcer(Stream(order.stream), worker, config), "gates-announcer")
        register(Signer(config.rootpath), "gates-signer")
    stacks = open_stacks(stacks_path(order.scratch, worker))
    config.add_cleanup(stacks.close)
    register(CrashStacks(stacks), "gates-crash-stacks")
    if settings.test_timeout:
        register(Watch(settings.test_timeout, stacks, config), "gates-watch")


def _is_distributed(config: pytest.Config) -> bool:
    # As xdist decides it, a little later, in its own pytest_configure.
    option = config.option
    return getattr(option, "dist", "no") != "no" and bool(getattr(option, "tx", None)) and not option.collectonly


def _stacks_beside(stream: str) -> Path:
    return Path(stream).with_name(Path(stream).stem.replace("pytest-", "stacks-", 1) + ".txt")


def _new_stream(inbox: str) -> str:
    import secrets

    return str(Path(inbox, f"pytest-{os.getpid()}-{secrets.token_hex(4)}.jsonl"))
