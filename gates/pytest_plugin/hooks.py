"""pytest's entry points: find out which copy of the plugin acts, and give each of its parts what it needs."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from ..errors import GatesError
from ..protocol import INJECTED_PLUGIN, INSTALLED_PLUGIN, PLUGIN, Settings, Stream, read_settings, remove_injection
from .options import add_options, apply_options, with_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..rules import Rules
    from .catalogue import Catalogue
    from .isolation import Isolator
    from .ledger import Ledgers
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
        elif "GATES_SPAWNED" in os.environ:
            _configure_spawned(config)
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
        config.stash[_HEADER] = [f"gates: -n auto: {told.workers_reason or told.workers}"]
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


def _configure_spawned(config: pytest.Config) -> None:
    """The pytest of one isolated test; the copy of the plugin that it was started with acts."""
    if _acts(config):
        from .spawning import configure_spawned

        configure_spawned(config)


def _acts(config: pytest.Config) -> bool:
    return PLUGIN != INSTALLED_PLUGIN or not config.pluginmanager.has_plugin(INJECTED_PLUGIN)


def _read_settings() -> Settings | None:
    try:
        return read_settings(os.environ)
    except (ValueError, TypeError) as error:
        raise pytest.UsageError(f"GATES_PYTEST, as the runner set it, cannot be read: {error}") from None


def _settings(config: pytest.Config) -> tuple[Settings, Ledgers]:
    """What is asked of this session, and the ledgers."""
    told = _read_settings()
    if told is not None:
        from .selection import read_ledgers

        return apply_options(told, config), read_ledgers(told)
    from .ledger import load_ledgers

    found = load_ledgers(config.rootpath)
    settings = apply_options(Settings(source=found.source, default_filter=found.default_filter), config)
    if found.ledgers:
        from ..exclusions import to_json

        settings = replace(
            settings,
            exclusions=tuple(map(to_json, found.ledgers.exclusions)),
            quarantine=tuple(map(to_json, found.ledgers.quarantine)),
        )
    return with_facts(settings, config.rootpath), found.ledgers


def _configure_session(config: pytest.Config) -> None:
    """The controller of an xdist session, or the only process."""
    settings, ledgers = _settings(config)
    remove_injection(os.environ)
    if settings.foreground and hasattr(config.option, "dist"):
        config.option.dist, config.option.tx = "no", []  # xdist looks at them a little later
    if settings.debug:
        config.option.usepdb = True  # not by the option: xdist refuses it where the command line asks for workers
    header = config.stash.get(_HEADER, [])
    selecting = bool(settings.filter or ledgers or settings.partition or settings.only_file)
    if settings.no_tests != "fail":
        from .judge import NothingSelected

        config.pluginmanager.register(NothingSelected(settings.no_tests), "gates-nothing-selected")
    if not (selecting or header or settings.inbox or settings.test_timeout):
        return
    if settings.rules:
        from .needs import check_needs

        check_needs(settings)
    from .selection import make_selection
    from .terminal import Terminal

    if settings.collect_only:
        config.option.collectonly = True
    register = config.pluginmanager.register
    selection = make_selection(settings, ledgers)
    terminal = Terminal(settings, ledgers.exclusions, header)
    register(terminal, "gates-terminal")
    listeners: list[Callable[[Catalogue], None]] = [terminal.take]
    if ledgers.quarantine:
        listeners.append(_register_quarantine(config, settings))
    stream = ""
    if settings.inbox:
        from .recorder import Recorder

        stream = _new_stream(settings.inbox)
        counter = None
        if settings.max_fail and settings.locks:
            from .stopping import Counter

            counter = Counter(settings)
        reasons = {entry.name: entry.reason for entry in ledgers.exclusions}
        recorder = Recorder(config, Stream(stream), reasons, counter)
        register(recorder, "gates-recorder")
        listeners.append(recorder.list_tests)
    elif settings.filter:
        from .judge import refuse_wrong_names

        listeners.append(refuse_wrong_names)
    if _is_distributed(config):
        from .distribution import Controller

        dist = config.option.dist
        if stream and dist not in ("load", "worksteal", "each"):
            header.append(f"gates: --dist {dist} can lose tests when one of them kills its worker; load does not")
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
    register(Lister(selection, listeners, every_test=_lists(settings)), "gates-lister")
    rules = _register_rules(config, settings)
    _register_order(config, settings, rules)
    if not (stream or settings.test_timeout or settings.rules):
        return  # under a runner, at least its stacks have their file
    from .running import close_stacks, open_stacks

    stacks = open_stacks(_stacks_beside(stream) if stream else None)
    config.add_cleanup(lambda: close_stacks(stacks))
    isolator = _register_limits(config, settings, rules, stacks)
    if settings.rules:
        from .needs import register_needs

        register_needs(config, settings, rules)
    if stream:
        from .running import Announcer, ForkGuard, LeftThreads, StacksOnDemand
        from .signer import Signer

        register(ForkGuard(), "gates-fork-guard")
        register(LeftThreads(), "gates-left-threads")
        register(StacksOnDemand(), "gates-stacks-on-demand")
        announcer = Announcer(Stream(stream), "", config, rules, settings.test_timeout)
        register(announcer, "gates-announcer")
        _register_stopper(config, settings)
        register(Signer(config.rootpath), "gates-signer")
        if settings.supervise:
            from .running import CrashStacks
            from .supervisor import Supervisor

            register(CrashStacks(stacks), "gates-crash-stacks")
            recorder: Any = config.pluginmanager.get_plugin("gates-recorder")
            streams = (recorder.stream, announcer.stream)
            supervisor = Supervisor(
                config, streams, stacks, announcer.name_of, isolator, recorder, settings.test_timeout
            )
            register(supervisor, "gates-supervisor")


def _configure_worker(config: pytest.Config) -> None:
    """A worker of xdist: it selects and runs, as its controller told it."""
    from .distribution import WORKERINPUT, Order, again_path, leave_catalogue, retried_path, stacks_path

    workerinput = config.workerinput  # type: ignore[attr-defined]
    if WORKERINPUT not in workerinput:
        return
    order = Order.from_workerinput(workerinput[WORKERINPUT])
    if order.plugin != PLUGIN:
        return
    remove_injection(os.environ)
    if order.stream:
        with suppress(OSError, AttributeError):
            os.setpgid(0, 0)  # what the tests fork is then found, and ends with the worker
    from .ruling import leave_retried
    from .running import Announcer, CrashStacks, ForkGuard, LeftThreads, StacksOnDemand, open_stacks
    from .selection import Lister, make_selection, read_ledgers
    from .signer import Signer
    from .wire import WireCleaner

    register = config.pluginmanager.register
    settings, worker = order.settings, str(workerinput["workerid"])
    selection = make_selection(settings, read_ledgers(settings))
    register(selection, "gates-selection")
    listeners = [leave_catalogue(order.scratch)]
    if settings.quarantine:
        listeners.append(_register_quarantine(config, settings))
    register(Lister(selection, listeners, every_test=bool(order.stream) or _lists(settings)), "gates-lister")
    register(WireCleaner(), "gates-wire")
    rules = _register_rules(config, settings, leave_retried(retried_path(order.scratch)))
    _register_order(config, settings, rules)
    stacks = open_stacks(stacks_path(order.scratch, worker))
    config.add_cleanup(stacks.close)
    register(CrashStacks(stacks), "gates-crash-stacks")

    def asked(item: pytest.Item) -> bool:
        """Whether the controller wants a test again that killed a worker; only few can be meant."""
        on = rules[item].retries.on if item in rules else ()
        return ("crashed" in on or "timeout" in on) and again_path(order.scratch, item.nodeid).exists()

    _register_limits(config, settings, rules, stacks, asked)
    if settings.rules:
        from .needs import register_needs

        register_needs(config, settings, rules, order.scratch, int(workerinput["workercount"]))
    if order.stream:  # behind what runs tests, so that it hears of them before
        register(ForkGuard(), "gates-fork-guard")
        register(LeftThreads(), "gates-left-threads")
        announcer = Announcer(Stream(order.stream), worker, config, rules, settings.test_timeout)
        register(announcer, "gates-announcer")
        _register_stopper(config, settings)
        register(StacksOnDemand(), "gates-stacks-on-demand")
        register(Signer(config.rootpath), "gates-signer")


def _register_rules(
    config: pytest.Config, settings: Settings, leave: Callable[[Mapping[pytest.Item, Rules]], None] | None = None
) -> Mapping[pytest.Item, Rules]:
    """The rules of each test, filled in when it is known which tests run; `leave` then tells others of them."""
    if not settings.rules:
        return {}
    from .ruling import Ruler
    from .selection import read_ledgers

    ruler = Ruler(settings, read_ledgers(settings).quarantine, leave)
    config.pluginmanager.register(ruler, "gates-ruler")
    return ruler.rules


def _register_order(config: pytest.Config, settings: Settings, rules: Mapping[pytest.Item, Rules]) -> None:
    """What sorts the tests, behind what chooses them."""
    if settings.order or settings.rules:
        from .ordering import Sorter

        config.pluginmanager.register(Sorter(settings, rules), "gates-sorter")


def _register_stopper(config: pytest.Config, settings: Settings) -> None:
    if settings.max_fail and settings.locks:
        from .stopping import Stopper

        config.pluginmanager.register(Stopper(settings), "gates-stopper")


def _register_limits(
    config: pytest.Config,
    settings: Settings,
    rules: Mapping[pytest.Item, Rules],
    stacks: IO[bytes],
    asked: Callable[[pytest.Item], bool] = lambda _item: False,
) -> Isolator:
    """What ends tests that take too long, tries tests again, and runs some of them alone."""
    from .isolation import Isolator

    register = config.pluginmanager.register
    isolator = Isolator(config, rules, stacks, settings.test_timeout, asked)
    if settings.rules or settings.stress_count or settings.stress_duration:
        from .limits import Limits
        from .trying import Retrier

        retrier: object = Retrier(rules)
        if settings.stress_count or settings.stress_duration:
            from .stress import Stresser

            retrier = Stresser(settings)
        register(retrier, "gates-retrier")
        register(Limits(rules, stacks, config, settings.test_timeout), "gates-limits")
        register(isolator, "gates-isolator")
    elif settings.test_timeout:
        from .running import Watch

        register(Watch(settings.test_timeout, stacks, config), "gates-watch")
    return isolator


def _lists(settings: Settings) -> bool:
    """Whether somebody needs to know of each test, and not only how many there are."""
    return bool(settings.inbox or settings.quarantine)


def _register_quarantine(config: pytest.Config, settings: Settings) -> Callable[[Catalogue], None]:
    from .quarantine import Quarantine

    quarantine = Quarantine({entry["name"]: entry["reason"] for entry in settings.quarantine})
    config.pluginmanager.register(quarantine, "gates-quarantine")
    return quarantine.take


def _is_distributed(config: pytest.Config) -> bool:
    # As xdist decides it, a little later, in its own pytest_configure.
    option = config.option
    return getattr(option, "dist", "no") != "no" and bool(getattr(option, "tx", None)) and not option.collectonly


def _stacks_beside(stream: str) -> Path:
    return Path(stream).with_name(Path(stream).stem.replace("pytest-", "stacks-", 1) + ".txt")


def _new_stream(inbox: str) -> str:
    import secrets

    return str(Path(inbox, f"pytest-{os.getpid()}-{secrets.token_hex(4)}.jsonl"))
