"""Assembles the parts of the plugin: in the only process of a session, in xdist's controller, and in its workers."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..portable.originals import exists, os
from ..portable.protocol import PLUGIN, remove_injection
from ..portable.settings.plugin import PluginSettings
from .registration import (
    register_left_out,
    register_limits,
    register_mutants,
    register_order,
    register_quarantine,
    register_recorder,
    register_rules,
    register_runner,
)

if TYPE_CHECKING:
    from .reporting.recorder import ResultRecorder
    from .selection.catalogue import Catalogue
    from .selection.deselection import Deselector
    from .selection.exclusion_lists import ExclusionLists

    Listeners = list[Callable[[Catalogue], None]]


def configure_session(
    config: pytest.Config, settings: PluginSettings, exclusion_lists: ExclusionLists, header: Sequence[str]
) -> None:
    """The controller of an xdist session, or the only process, if it has settings."""
    if settings.rules:
        from .execution.resources import check_needs

        check_needs(settings)
    from .reporting.terminal import Terminal
    from .selection.deselection import make_selection

    if settings.collect_only:
        config.option.collectonly = True
        config.option.verbose = min(config.option.verbose, -2)  # a line per test in the log helps no reader
        gc.disable()  # hardly anything of what is collected is garbage, and looking for it takes up to half of the time
    lines = list(header)
    selection = make_selection(settings, exclusion_lists)
    if selection.alone:
        config.option.continue_on_collection_errors = True
    terminal = Terminal(settings, exclusion_lists.exclusions, lines)
    config.pluginmanager.register(terminal, "gates-terminal")
    listeners: Listeners = [terminal.take]
    if exclusion_lists.quarantine:
        listeners.append(register_quarantine(config, settings))
    recorder = None
    if settings.inbox:
        recorder = register_recorder(config, settings, exclusion_lists)
        listeners.append(recorder.list_tests)
        if settings.collect_only:
            listeners.append(lambda _catalogue: gc.freeze())  # pytest collects garbage several times at its end
    elif settings.filter:
        from .selection.nothing_selected import refuse_wrong_names

        listeners.append(refuse_wrong_names)
    if not _is_distributed(config):
        _configure_local(config, settings, selection, recorder, listeners)
        return
    from .processes.distribution import Controller

    dist = config.option.dist
    if recorder is not None and dist not in ("load", "worksteal", "each"):
        terminal.say(f"gates: --dist {dist} can lose tests when one of them kills its worker; load does not")
    stream = recorder.stream.path if recorder is not None else ""
    config.pluginmanager.register(Controller(config, settings, stream, listeners), "gates-controller")


def _configure_local(
    config: pytest.Config,
    settings: PluginSettings,
    selection: Deselector,
    recorder: ResultRecorder | None,
    listeners: Listeners,
) -> None:
    """The only process: it selects, runs and records."""
    from .selection.deselection import Lister

    register = config.pluginmanager.register
    register(selection, "gates-selection")
    if recorder is not None:
        register_left_out(config, selection)
    register(Lister(selection, listeners, every_test=lists(settings)), "gates-lister")
    rules = register_rules(config, settings)
    register_order(config, settings, rules)
    if settings.mutants_file:
        register_mutants(config, settings)
    if not (recorder or settings.test_timeout or settings.rules):
        return
    from .execution.running import CrashStacks, close_stacks, open_stacks

    stacks = open_stacks(_stacks_beside(recorder.stream.path) if recorder is not None else None)
    config.add_cleanup(lambda: close_stacks(stacks))
    isolator = register_limits(config, settings, rules, stacks)
    if settings.rules:
        from .execution.resources import register_needs

        register_needs(config, settings, rules)
    if recorder is None:
        return
    announcer = register_runner(config, settings, rules, recorder.stream.path)
    if settings.supervise:
        from .processes.supervisor import Supervisor

        register(CrashStacks(stacks), "gates-crash-stacks")
        streams = (recorder.stream, announcer.stream)
        supervisor = Supervisor(config, streams, stacks, announcer.name_of, isolator, recorder, settings.test_timeout)
        register(supervisor, "gates-supervisor")


def configure_worker(config: pytest.Config) -> None:
    """A worker of xdist: it selects and runs, with the controller's settings."""
    from .processes.distribution import WORKERINPUT, Order, again_path, leave_catalogue, retried_path, stacks_path

    workerinput = config.workerinput  # type: ignore[attr-defined]
    if WORKERINPUT not in workerinput:
        return
    order = Order.from_workerinput(workerinput[WORKERINPUT])
    if order.plugin != PLUGIN:
        return
    remove_injection(os.environ)
    if order.stream:
        with suppress(OSError, AttributeError):
            os.setpgid(0, 0)  # so that forked processes are found, and end with the worker
    from .execution.running import CrashStacks, open_stacks
    from .processes.serialization import ReportCleaner
    from .secrets import SECRETS
    from .selection.deselection import Lister, make_selection, read_exclusion_lists
    from .selection.rules_of_tests import leave_retried

    register = config.pluginmanager.register
    settings, worker = order.settings, str(workerinput["workerid"])
    selection = make_selection(settings, read_exclusion_lists(settings))
    register(selection, "gates-selection")
    if order.stream:
        register_left_out(config, selection)
    listeners = [leave_catalogue(order.scratch)]
    if settings.quarantine:
        listeners.append(register_quarantine(config, settings))
    register(Lister(selection, listeners, every_test=bool(order.stream) or lists(settings)), "gates-lister")
    register(ReportCleaner(), "gates-wire")
    rules = register_rules(config, settings, leave_retried(retried_path(order.scratch)))
    register_order(config, settings, rules)
    stacks = open_stacks(stacks_path(order.scratch, worker))
    config.add_cleanup(stacks.close)
    register(CrashStacks(stacks), "gates-crash-stacks")

    def asked(item: pytest.Item) -> bool:
        """Whether the controller wants to retry a test that killed a worker; there can be only few."""
        on = rules[item].retries.on if item in rules else ()
        return ("crashed" in on or "timeout" in on) and exists(again_path(order.scratch, item.nodeid))

    register_limits(config, settings, rules, stacks, asked)
    if settings.rules:
        from .execution.resources import register_needs

        register_needs(config, settings, rules, order.scratch, int(workerinput["workercount"]))
    if order.stream:
        announcer = register_runner(config, settings, rules, order.stream, worker)
        SECRETS.begin(settings.secrets, announcer.stream)


def lists(settings: PluginSettings) -> bool:
    """Whether individual tests are needed, not only their number."""
    return bool(settings.inbox or settings.quarantine)


def _is_distributed(config: pytest.Config) -> bool:
    # The same decision as xdist's, a little later, in its own pytest_configure.
    option = config.option
    return getattr(option, "dist", "no") != "no" and bool(getattr(option, "tx", None)) and not option.collectonly


def _stacks_beside(stream: str) -> Path:
    return Path(stream).with_name(Path(stream).stem.replace("pytest-", "stacks-", 1) + ".txt")
