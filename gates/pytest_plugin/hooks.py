"""pytest's entry points: decide which copy of the plugin is active, and set up its parts."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..portable.originals import os, signal
from ..portable.protocol import INJECTED_PLUGIN, INSTALLED_PLUGIN, PLUGIN, remove_injection
from ..portable.settings.declare import replace
from ..portable.settings.plugin import PluginSettings, read_settings
from .options import add_options, apply_options, with_facts
from .processes.arrival import arrival_of, arrive
from .usage_errors import usage_errors

if TYPE_CHECKING:
    from .selection.exclusion_lists import ExclusionLists

_HEADER = pytest.StashKey["list[str]"]()
"""Lines for the header, from before the parts of the plugin exist."""


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Announce this pytest, and add the options of gates: no hook is called before this one."""
    arrive(pluginmanager)
    add_options(parser, pluginmanager)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the parts that this process needs; none if another copy of the plugin is active."""
    with usage_errors():
        if hasattr(config, "workerinput"):
            _configure_worker(config)
        elif "GATES_SPAWNED" in os.environ:
            _configure_spawned(config)
        elif _acts(config):
            _configure_session(config)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Report why the first conftest files cannot be loaded, or that one of them ends the process: pytest reports neither."""
    outcome = yield
    told, arrival = outcome.excinfo, arrival_of(early_config)  # type: ignore[attr-defined]
    if told is not None and arrival is not None and not isinstance(told[1], KeyboardInterrupt):
        from .reporting.internal_errors import TROUBLE, trouble_of

        arrival.stream.write(TROUBLE, message=trouble_of(told[1], early_config.rootpath))


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Set the number for `-n auto` if the runner or a file of durations gives one."""
    if not _acts(config) or "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    told = _read_settings()
    if told is not None and told.workers:
        config.stash[_HEADER] = [f"gates: -n auto: {told.workers_reason or told.workers}"]
        return told.workers
    file = config.getoption("gates_workers_from", None)
    if not file:
        return None
    from ..portable.workers import choose_workers, cores, read_durations

    try:
        durations = read_durations(Path(file))
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--gates-workers-from {file}: {error}") from None
    count, reason = choose_workers(durations, cores())
    config.stash[_HEADER] = [f"gates: {reason}"]
    return count


def _configure_worker(config: pytest.Config) -> None:
    """A worker of xdist, whose controller has sent its settings."""
    from .sessions import configure_worker

    configure_worker(config)


def _configure_spawned(config: pytest.Config) -> None:
    """The pytest of one isolated test; the copy of the plugin that it was started with is active."""
    if _acts(config):
        from .processes.spawning import configure_spawned

        configure_spawned(config)


def _acts(config: pytest.Config) -> bool:
    return PLUGIN != INSTALLED_PLUGIN or not config.pluginmanager.has_plugin(INJECTED_PLUGIN)


def _read_settings() -> PluginSettings | None:
    try:
        return read_settings(os.environ)
    except (ValueError, TypeError) as error:
        raise pytest.UsageError(f"the variable GATES_PYTEST, which the runner set, cannot be read: {error}") from None


def _settings(config: pytest.Config) -> tuple[PluginSettings, ExclusionLists]:
    """The settings of this session, and the ledgers."""
    told = _read_settings()
    if told is not None:
        from .selection.deselection import read_exclusion_lists

        return apply_options(told, config), read_exclusion_lists(told)
    from .selection.exclusion_lists import load_exclusion_lists

    found = load_exclusion_lists(config.rootpath)
    settings = apply_options(PluginSettings(source=found.source, default_filter=found.default_filter), config)
    if found.exclusion_lists:
        from ..portable.exclusions import to_json

        settings = replace(
            settings,
            exclusions=tuple(map(to_json, found.exclusion_lists.exclusions)),
            quarantine=tuple(map(to_json, found.exclusion_lists.quarantine)),
        )
    return with_facts(settings, config.rootpath), found.exclusion_lists


def _configure_session(config: pytest.Config) -> None:
    """The controller of an xdist session, or the only process."""
    settings, exclusion_lists = _settings(config)
    config.add_cleanup(remove_injection(os.environ))
    if settings.foreground and hasattr(config.option, "dist"):
        config.option.dist, config.option.tx = "no", []  # xdist reads them a little later
    if settings.debug:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the parent process ignores it
        config.option.usepdb = True  # not through the option: xdist refuses it if the command line asks for workers
    if settings.no_tests != "fail":
        from .selection.nothing_selected import EmptySelection

        config.pluginmanager.register(EmptySelection(settings.no_tests), "gates-nothing-selected")
    header = config.stash.get(_HEADER, [])
    selecting = bool(settings.filter or exclusion_lists or settings.partition or settings.only_file)
    if selecting or header or settings.inbox or settings.test_timeout:
        from .sessions import configure_session

        configure_session(config, settings, exclusion_lists, header)
