"""The plugin's parts, and when each is needed. Each is loaded on registration, so an unused one costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING

import pytest

from ..portable.protocol import asked_path
from ..portable.settings.plugin import PluginSettings
from ..portable.stream import RecordStream

if TYPE_CHECKING:
    from ..portable.rules import Rules
    from .execution.running import Announcer
    from .processes.isolation import Isolator
    from .reporting.recorder import ResultRecorder
    from .selection.catalogue import Catalogue
    from .selection.deselection import Deselector
    from .selection.exclusion_lists import ExclusionLists


def register_rules(
    config: pytest.Config, settings: PluginSettings, leave: Callable[[Mapping[pytest.Item, Rules]], None] | None = None
) -> Mapping[pytest.Item, Rules]:
    """The rules of each test, filled in once the selected tests are known; `leave` then passes them to others."""
    if not settings.rules:
        return {}
    from .selection.deselection import read_exclusion_lists
    from .selection.rules_of_tests import RuleResolver

    ruler = RuleResolver(settings, read_exclusion_lists(settings).quarantine, leave)
    config.pluginmanager.register(ruler, "gates-ruler")
    return ruler.rules


def register_left_out(config: pytest.Config, selection: Deselector) -> None:
    """Parts that count tests that others leave out before the selection, or that pytest never sees."""
    from .selection.left_out import LeftOutWatch
    from .selection.unseen import UnseenWatch

    found = selection.dropped.left_out
    config.pluginmanager.register(UnseenWatch(config, found), "gates-unseen")
    config.pluginmanager.register(LeftOutWatch(config, found), "gates-left-out")


def register_order(config: pytest.Config, settings: PluginSettings, rules: Mapping[pytest.Item, Rules]) -> None:
    """The part that sorts the tests, after the selection."""
    if settings.order or settings.rules:
        from .selection.ordering import Sorter

        config.pluginmanager.register(Sorter(settings, rules), "gates-sorter")


def register_mutants(config: pytest.Config, settings: PluginSettings) -> None:
    """The part that tries faults instead of running the tests."""
    from .mutants.order import read_order
    from .mutants.session import MutantSession

    try:
        order = read_order(settings.mutants_file)
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"{settings.mutants_file}: {error}") from None
    config.pluginmanager.register(MutantSession(config, order), "gates-mutants")


def register_stopper(config: pytest.Config, settings: PluginSettings) -> None:
    """The part that skips over tests once enough have failed."""
    if settings.max_fail and settings.locks:
        from .execution.max_fail import MaxFailStop

        config.pluginmanager.register(MaxFailStop(settings), "gates-stopper")


def register_limits(
    config: pytest.Config,
    settings: PluginSettings,
    rules: Mapping[pytest.Item, Rules],
    stacks: IO[bytes],
    asked: Callable[[pytest.Item], bool] = lambda _item: False,
) -> Isolator:
    """Parts that end tests that take too long, retry tests, and isolate some of them."""
    from .processes.isolation import Isolator

    register = config.pluginmanager.register
    stress = (settings.stress_count, settings.stress_duration or 0.0)
    isolator = Isolator(config, rules, stacks, settings.test_timeout, asked, stress)
    if settings.rules or settings.stressed or settings.test_timeout:
        from .execution.limits import Limits

        register(Limits(rules, stacks, config, settings.test_timeout), "gates-limits")
    if settings.rules or settings.stressed:
        from .execution.retries import RetryRunner

        retrier: object = RetryRunner(rules)
        if settings.stressed:
            from .execution.stress import StressRunner

            retrier = StressRunner(settings)
        register(retrier, "gates-retrier")
        if any(name in layer["settings"] for layer in settings.rules for name in ("leak", "isolate")):
            from .execution.leaks import LeakFinder

            register(LeakFinder(rules), "gates-leaks")
        register(isolator, "gates-isolator")
    return isolator


def register_quarantine(config: pytest.Config, settings: PluginSettings) -> Callable[[Catalogue], None]:
    """The part for the quarantine; returns a listener for the collected tests."""
    from .reporting.quarantine import Quarantine

    quarantine = Quarantine({entry["name"]: entry["reason"] for entry in settings.quarantine})
    config.pluginmanager.register(quarantine, "gates-quarantine")
    return quarantine.take


def register_recorder(
    config: pytest.Config, settings: PluginSettings, exclusion_lists: ExclusionLists
) -> ResultRecorder:
    """The part that records the result of every test."""
    from .processes.arrival import arrival_of
    from .reporting.recorder import ResultRecorder
    from .reporting.test_warnings import WarningWriter
    from .secrets import SECRETS

    counter = None
    if settings.max_fail and settings.locks:
        from .reporting.failure_counter import FailureCounter

        counter = FailureCounter(settings)
    arrival = arrival_of(config)
    if arrival is None:
        raise pytest.UsageError("gates: something has taken the plugin of `gates run` apart")
    reasons = {entry.name: entry.reason for entry in exclusion_lists.exclusions}
    recorder = ResultRecorder(config, arrival.stream, reasons, counter)
    SECRETS.begin(settings.secrets, recorder.stream)
    config.pluginmanager.register(recorder, "gates-recorder")
    config.pluginmanager.register(WarningWriter(recorder.stream, config.rootpath), "gates-warnings")
    return recorder


def register_runner(
    config: pytest.Config, settings: PluginSettings, rules: Mapping[pytest.Item, Rules], stream: str, worker: str = ""
) -> Announcer:
    """Parts for a process that runs tests for a runner, registered after what runs them, so that they are called first."""
    from .execution.running import ANNOUNCER, STACKS_ON_DEMAND, Announcer, ForkGuard, LeftThreads, StacksOnDemand
    from .reporting.failure_signature import SignatureWriter
    from .reporting.phases import CallWitness
    from .reporting.recording import register_assertions

    register = config.pluginmanager.register
    register(CallWitness(), "gates-call-witness")
    register_assertions(config, settings.assertions_file, settings.root)
    register(LeftThreads(), "gates-left-threads")
    register(StacksOnDemand(asked_path(stream, worker)), STACKS_ON_DEMAND)
    announcer = Announcer(RecordStream(stream), worker, config, rules, settings.test_timeout, root=settings.root)
    register(announcer, ANNOUNCER)
    register(ForkGuard(announcer.stream), "gates-fork-guard")
    register_stopper(config, settings)
    register(SignatureWriter(config.rootpath), "gates-signer")
    return announcer
