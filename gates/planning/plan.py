"""Decide what runs, in what order, and what each gate waits for. Pure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from gates.config import Config, Profile
from gates.config.request import Request
from gates.planning.discover import Gate
from gates.planning.expectations import asks_of, refuse_unheard
from gates.planning.gate_choice import DEFAULT_PROFILE, chosen_gates, profile_of, said_of_choice
from gates.planning.gate_needs import said_of_needs, with_needs
from gates.planning.gate_order import places_of, start_order
from gates.portable.exclusions import Exclusion, effective_filter
from gates.portable.rules import NONE, Override
from gates.portable.settings.run import Settings, settle
from gates.portable.values import format_duration, plural
from gates.results.outstanding import Asked, Outstanding, Part, said_of_rerun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["DEFAULT_PROFILE", "Plan", "PlannedGate", "Request", "available_cores", "make_plan"]


class PlannedGate(msgspec.Struct, frozen=True, kw_only=True):
    """A gate, and what it waits for.

    Attributes:
        gate: what to run.
        needs: names of planned gates that must pass first.
        despite_needs: they only have to end first.
        timeout: seconds.
        expected: seconds that it took last time; None if unknown.
        workers: worker count for `pytest -n auto`; 0 lets xdist decide.
        workers_reason: the reason for that number, for people.
        only: the tests that run; None for all.
        needed: it runs only because another gate needs it: as a whole, even with options that choose tests.
    """

    gate: Gate
    needs: tuple[str, ...] = ()
    despite_needs: bool = False
    timeout: float
    expected: float | None = None
    workers: int = 0
    workers_reason: str = ""
    only: Part | None = None
    needed: bool = False

    @property
    def workers_said(self) -> str:
        """A note about workers before it starts; empty if it is not known to run tests."""
        return self.workers_reason if self.gate.config.tests == "pytest" else ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What runs.

    Attributes:
        config: the project's.
        settings: of this run, as command line, environment, profile and config come to.
        gates: in checklist order.
        starts: their names in starting order: longest first, as far as durations are known.
        jobs: slots.
        default_filter: the profile's expression, the meaning of `default()`.
        effective_filter: what a test must match to be run.
        exclusions: entries of the ledger that apply in this run.
        quarantine: entries of the quarantine.
        rules: how tests are run; the first layer that has a setting decides it; empty for pytest's defaults.
        limits: the rule for `test_timeout`, with its source; alone it needs no other rules.
        whole: every gate of the project is part of the run, so a name in the config that matches nothing is a mistake.
        asked: the options that select tests, for a rerun.
        rest: what is outstanding of the run that this one continues; None for a new run.
        asks: the options for tests, as the user wrote them.
        notes: notes for the reader about the selection.
    """

    config: Config
    settings: Settings
    gates: tuple[PlannedGate, ...]
    starts: tuple[str, ...]
    jobs: int
    default_filter: str = ""
    effective_filter: str = ""
    exclusions: tuple[Exclusion, ...] = ()
    quarantine: tuple[Exclusion, ...] = ()
    rules: tuple[Override, ...] = ()
    limits: tuple[Override, ...] = ()
    whole: bool = False
    asked: Asked = Asked()
    rest: Outstanding | None = None
    asks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def make_plan(
    config: Config,
    gates: Sequence[Gate],
    request: Request,
    durations: Mapping[str, float] | None = None,
    workers: Mapping[str, tuple[int, str]] | None = None,
    cores: int = 1,
) -> Plan:
    """The plan for a request.

    Args:
        config: the project's.
        gates: all discovered gates.
        request: what the user asked for.
        durations: seconds that each gate took last time.
        workers: how many xdist workers a gate's tests are worth, and why.
        cores: available processors.

    Raises:
        UsageError: an unknown profile; needs that form a circle.
        ManyErrors: unknown gates.
        NothingSelected: no gate is left.
    """
    profile = profile_of(config, request)
    asked = chosen_gates(gates, request, profile)
    refuse_unheard(request, asked)
    chosen = with_needs(gates, asked) if request.needs else asked
    known = durations or {}
    places, asked_names = places_of(chosen), {gate.name for gate in asked}
    planned = [
        msgspec.structs.replace(
            _planned(gate, places, config, known),
            needed=gate.name not in asked_names,
            despite_needs=request.despite_needs,
            **_workers(gate, profile, request, workers or {}),
        )
        for gate in chosen
    ]
    settings = settled(request, profile, config)
    exclusions = () if settings.include_excluded else tuple(config.exclusions)
    limits = _limits(request, settings.test_timeout)
    return Plan(
        config=config,
        settings=settings,
        gates=tuple(planned),
        starts=start_order(
            {item.gate.name: item.needs for item in planned}, {item.gate.name: item.expected for item in planned}
        ),
        jobs=1 if settings.no_capture else min(settings.jobs or cores, len(planned)),
        default_filter="" if settings.ignore_default_filter else profile.filter,
        effective_filter=effective_filter(exclusions, settings.filter),
        exclusions=exclusions,
        quarantine=tuple(config.quarantine),
        rules=_rules(config, profile, request, limits),
        limits=limits,
        whole=len(chosen) == len(gates) and not settings.partition and request.rest is None,
        asked=_asked(profile, request),
        rest=request.rest,
        asks=asks_of(request, profile),
        notes=_notes(config, gates, planned, request, settings),
    )


def settled(request: Request, profile: Profile, config: Config) -> Settings:
    """Command line and environment over profile over config."""
    # A test that no longer exists is no longer outstanding, which is not a failure.
    gone = Settings(no_tests="warn") if request.rest else Settings()
    given = settle(request, gone, profile, config)
    given["profile"] = profile.name
    given["filter"] = _both("" if request.ignore_default_filter else profile.filter, request.filter)
    if given.get("order") == "default":
        del given["order"]
    if given.get("order") != "random":  # then it decides nothing
        given.pop("seed", None)
    return Settings(**given)


def _notes(
    config: Config, gates: Sequence[Gate], planned: Sequence[PlannedGate], request: Request, settings: Settings
) -> tuple[str, ...]:
    asked = [item.gate.name for item in planned if not item.needed]
    needed = [item.gate.name for item in planned if item.needed]
    return (
        *(said_of_rerun(request.rest, asked, needed) if request.rest else []),
        *request.notes,
        *said_of_needs(needed, request),
        *said_of_choice(gates, [item.gate for item in planned], config, rerun=request.rest is not None),
        *_said_of_settings(settings),
    )


def _asked(profile: Profile, request: Request) -> Asked:
    given = {name: value for name, value in request.given.items() if name in Asked.__struct_fields__}
    return Asked(**{**given, "profile": profile.name})


def _planned(
    gate: Gate, known: Mapping[str, Mapping[str, int]], config: Config, durations: Mapping[str, float]
) -> PlannedGate:
    places = {name: place for need in gate.config.needs for name, place in known.get(need, {}).items()}
    needs = tuple(sorted(places.keys() - {gate.name}, key=places.__getitem__))
    return PlannedGate(
        gate=gate, needs=needs, timeout=gate.config.timeout or config.timeout, expected=durations.get(gate.name)
    )


def _workers(gate: Gate, profile: Profile, request: Request, known: Mapping[str, tuple[int, str]]) -> dict[str, object]:
    """The parts of a planned gate that depend on the request."""
    number, reason = known.get(gate.name, (0, ""))
    only = request.only.get(gate.name)
    if request.workers:
        number, reason = request.workers, f"{request.workers}, by {request.source('workers')}"
    elif profile.workers:
        number, reason = profile.workers, f"{profile.workers}, by the profile {profile.name}"
    elif only is not None and len(only.tests) < number:
        number = max(1, len(only.tests))
        reason = f"{plural(number, 'worker')}: no more tests are outstanding"
    return {"workers": number, "workers_reason": reason, "only": only}


def _both(one: str, other: str) -> str:
    return f"({one}) and ({other})" if one and other else one or other


def _limits(request: Request, timeout: float | None) -> tuple[Override, ...]:
    source = request.source("test_timeout") if request.test_timeout else "test-timeout"
    limit = {"period": timeout, "terminate_after": 1, "grace": 0.0}
    return () if timeout is None else (Override(source, "", {"slow_timeout": limit}),)


def _rules(config: Config, profile: Profile, request: Request, limits: tuple[Override, ...]) -> tuple[Override, ...]:
    """Command line over profile over config, as in nextest; None if none of them has a value."""
    asked = []
    if request.retries is not None:
        asked = [Override(request.source("retries"), "", {"retries": {**NONE, "count": request.retries}})]
    written = (*asked, *profile.rules, *config.rules)
    if not any(layer.settings for layer in written):
        return ()
    return (*limits, *written) if request.test_timeout else (*written, *limits)


def _said_of_settings(settings: Settings) -> list[str]:
    said = [f"only part of the tests was run: --partition {settings.partition}"] if settings.partition else []
    if settings.order == "random":
        said.append(f"tests ran in a random order; --order random --seed {settings.seed} repeats it")
    elif settings.order:
        said.append(f"tests ran in the order {settings.order}")
    if settings.stressed:
        times = plural(settings.stress_count, "time") if settings.stress_count else ""
        length = f"for {format_duration(settings.stress_duration)}" if settings.stress_duration else ""
        said.append(f"each test was repeated: {' and '.join(filter(None, (times, length)))}")
    return said


def available_cores() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
