"""Decide what runs, in what order, and what each gate waits for. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

import msgspec

from gates.config import Config, Profile
from gates.config.request import Request
from gates.config.values import NoTests, Output
from gates.planning.discover import Gate
from gates.planning.expectations import asks_of, refuse_unheard
from gates.planning.gate_needs import said_of_needs, with_needs
from gates.portable.errors import ManyErrors, NothingSelected, UsageError
from gates.portable.exclusions import Exclusion, effective_filter
from gates.portable.rules import NONE, Override, SetupScript
from gates.portable.values import format_duration, listed, parse_max_fail, plural
from gates.results.outstanding import Asked, Outstanding, Part, said_of_rerun

__all__ = ["DEFAULT_PROFILE", "Plan", "PlannedGate", "Request", "available_cores", "make_plan"]

DEFAULT_PROFILE = "default"


class PlannedGate(msgspec.Struct, frozen=True, kw_only=True):
    """A gate with what it waits for.

    Attributes:
        gate: what to run.
        needs: names of planned gates that must have passed first.
        timeout: seconds.
        expected: seconds it took last time; None when unknown.
        workers: answer to `pytest -n auto`; 0 leaves it to xdist.
        workers_reason: why so many, for people.
        only: the tests that run; None for all.
        needed: it runs only because another gate needs it: as a whole, whatever was asked of tests.
    """

    gate: Gate
    needs: tuple[str, ...] = ()
    timeout: float
    expected: float | None = None
    workers: int = 0
    workers_reason: str = ""
    only: Part | None = None
    needed: bool = False

    @property
    def workers_said(self) -> str:
        """What is said of workers before it starts: nothing, where nobody knows whether it is about tests at all."""
        return self.workers_reason if self.gate.config.tests == "pytest" else ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What runs.

    Attributes:
        profile: name of the checklist.
        gates: in the checklist's order.
        starts: their names in the order in which free slots take them: longest first, as far as durations are known.
        jobs: slots.
        filter: the user's expression, within the profile's.
        default_filter: the profile's expression, which `default()` stands for.
        exclusions: entries of the ledger that hold in this run.
        ledger: all entries of the ledger, whether or not they hold.
        quarantine: entries of the quarantine.
        no_tests: what to do when no test is selected.
        partition: the part of the selected tests that runs; empty for all.
        supervise: run the tests of a session without workers in a watched process.
        groups: groups of tests, with how many of them may run at the same time.
        scripts: setup scripts that tests need.
        rules: how tests are run, the first layer that has a setting decides; empty for pytest's own way.
        limits: what `test_timeout` comes to, with its source; alone it needs no rules.
        whole: every gate of the project is part of the run, so a name in the config that nothing has is a mistake.
        no_capture: output of tests goes to the terminal as it comes, so nothing runs beside it.
        asked: what decides which tests run, as a rerun must know it.
        rest: what is outstanding of the run whose rest this one runs; None for a run of its own.
        output: what is said of tests.
        global_timeout: seconds for the whole run; None for no limit.
        stall_timeout: seconds without any sign of life from a gate that runs tests; None goes by the gate's timeout.
        max_fail: tests that may fail, and what happens then to those that run; None for all.
        order: in which tests run; empty for pytest's.
        seed: for the random order.
        stress_count: how often each test runs; 0 for once.
        stress_duration: seconds for which each test runs again and again; None for once.
        effective_filter: what a test must match to be run.
        nox_args: extra arguments for every nox call.
        asks: what this run asks of tests, as the user knows it.
        junit: what a JUnit file may ask for, and what is accepted of it, where it is not the default.
        notes: what the reader should know about the choice.
    """

    profile: str
    gates: tuple[PlannedGate, ...]
    starts: tuple[str, ...]
    jobs: int
    filter: str = ""
    default_filter: str = ""
    exclusions: tuple[Exclusion, ...] = ()
    ledger: tuple[Exclusion, ...] = ()
    quarantine: tuple[Exclusion, ...] = ()
    no_tests: NoTests = "fail"
    partition: str = ""
    rules: tuple[Override, ...] = ()
    limits: tuple[Override, ...] = ()
    groups: dict[str, int] = {}
    supervise: bool = True
    scripts: dict[str, SetupScript] = {}
    whole: bool = False
    no_capture: bool = False
    asked: Asked = Asked()
    rest: Outstanding | None = None
    output: Output = Output()
    global_timeout: float | None = None
    stall_timeout: float | None = None
    max_fail: tuple[int, str] | None = None
    order: str = ""
    seed: int = 0
    stress_count: int = 0
    stress_duration: float | None = None
    effective_filter: str = ""
    include_excluded: bool = False
    test_timeout: float | None = None
    no_install: bool = False
    nox_args: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    junit: dict[str, int | tuple[str, ...]] = {}
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
        gates: all that were discovered.
        request: what the user asked for.
        durations: seconds that gates took last time.
        workers: how many xdist workers a gate's tests deserve, and why.
        cores: processors at hand.

    Raises:
        UsageError: an unknown profile; needs that form a circle.
        ManyErrors: unknown gates.
        NothingSelected: no gate is left.
    """
    profile = _profile(config, request)
    asked = _chosen(gates, request, profile)
    refuse_unheard(request, asked)
    chosen = with_needs(gates, asked) if request.needs else asked
    known = durations or {}
    meant, asked_names = _meant(chosen), {gate.name for gate in asked}
    planned = [
        msgspec.structs.replace(
            _planned(gate, meant, config, known),
            needed=gate.name not in asked_names,
            **_workers(gate, profile, request, workers or {}),
        )
        for gate in chosen
    ]
    needed = [item.gate.name for item in planned if item.needed]
    include = request.include_excluded or profile.include_excluded
    exclusions = () if include else config.exclusions
    default = "" if request.ignore_default_filter else profile.filter
    wanted = _both(default, request.filter)
    jobs = request.jobs or profile.jobs or config.jobs or cores
    timeout = request.test_timeout or profile.test_timeout or config.test_timeout
    limits, order = _limits(request, timeout), _ordering(profile, request)
    return Plan(
        profile=profile.name,
        gates=tuple(planned),
        starts=_order(planned),
        jobs=1 if request.no_capture else min(jobs, len(planned)),
        no_capture=request.no_capture,
        output=_output(profile, request),
        filter=wanted,
        default_filter=default,
        exclusions=tuple(exclusions),
        ledger=tuple(config.exclusions),
        quarantine=tuple(config.quarantine),
        # A test that is gone is outstanding no longer, and that is no fault.
        no_tests=request.no_tests or ("warn" if request.rest else profile.no_tests or config.no_tests),
        whole=len(chosen) == len(gates) and not request.partition and request.rest is None,
        asked=_asked(profile, request),
        rest=request.rest,
        effective_filter=effective_filter(exclusions, wanted),
        include_excluded=include,
        partition=request.partition,
        rules=_rules(config, profile, request, limits),
        limits=limits,
        groups=config.groups,
        supervise=config.supervise,
        scripts=config.scripts,
        junit=config.junit,
        test_timeout=timeout,
        global_timeout=request.global_timeout or profile.global_timeout or config.global_timeout,
        stall_timeout=request.stall_timeout or profile.stall_timeout or config.stall_timeout,
        max_fail=parse_max_fail(request.max_fail or profile.max_fail) if request.max_fail or profile.max_fail else None,
        order=order[0],
        seed=order[1],
        stress_count=request.stress_count,
        stress_duration=request.stress_duration,
        no_install=request.no_install,
        nox_args=config.nox_args,
        asks=asks_of(request, profile),
        notes=(
            *(said_of_rerun(request.rest, [gate.name for gate in asked], needed) if request.rest else []),
            *request.notes,
            *said_of_needs(needed, request),
            *_notes(gates, chosen, config, rerun=request.rest is not None),
            *([f"only part of the tests was run: --partition {request.partition}"] if request.partition else []),
            *_said_of_order(order, request),
        ),
    )


def _chosen(gates: Sequence[Gate], request: Request, profile: Profile) -> list[Gate]:
    names = request.gates or (None if request.rest else profile.gates)
    if names is not None and request.if_there:
        there = {name for gate in gates for name in (gate.name, gate.group)}
        names = tuple(name for name in names if name in there or name not in request.if_there)
    chosen = list(gates) if names is None else _select(gates, names)
    if request.rest is None:
        if chosen:
            return chosen
        raise NothingSelected(
            f"profile {profile.name!r} selects no gate", remedy=f"known: {', '.join(gate.name for gate in gates)}"
        )
    left = request.rest.all_gates
    rest = [gate for gate in chosen if gate.name in left]
    if rest:
        return rest
    if {gate.name for gate in gates} & set(left):
        raise UsageError(
            "none of these gates is outstanding",
            expected=", ".join(left),
            got=", ".join(request.gates),
            remedy="gates rerun",
        )
    raise UsageError("none of the outstanding gates exists any more", got=", ".join(left), remedy="gates run")


def _asked(profile: Profile, request: Request) -> Asked:
    return Asked(
        profile=profile.name,
        filter=request.filter,
        partition=request.partition,
        include_excluded=request.include_excluded,
        ignore_default_filter=request.ignore_default_filter,
    )


def _limits(request: Request, timeout: float | None) -> tuple[Override, ...]:
    source = request.source("test_timeout") if request.test_timeout else "test-timeout"
    limit = {"period": timeout, "terminate_after": 1, "grace": 0.0}
    return () if timeout is None else (Override(source, "", {"slow_timeout": limit}),)


def _rules(config: Config, profile: Profile, request: Request, limits: tuple[Override, ...]) -> tuple[Override, ...]:
    """Command line over profile over config, as nextest has it; nothing where nobody says anything."""
    asked = []
    if request.retries is not None:
        asked = [Override(request.source("retries"), "", {"retries": {**NONE, "count": request.retries}})]
    written = (*asked, *profile.rules, *config.rules)
    if not any(layer.settings for layer in written):
        return ()
    return (*limits, *written) if request.test_timeout else (*written, *limits)


def _ordering(profile: Profile, request: Request) -> tuple[str, int]:
    order = request.order or profile.order
    return ("" if order == "default" else order), (request.seed or 0) if order == "random" else 0


def _output(profile: Profile, request: Request) -> Output:
    asked = {name: value for name in Output.__struct_fields__ if (value := getattr(request, name))}
    return Output(**(profile.output | asked))


def _said_of_order(order: tuple[str, int], request: Request) -> list[str]:
    said = [f"tests ran in the order {order[0]}"] if order[0] and order[0] != "random" else []
    if order[0] == "random":
        said.append(f"tests ran in a random order; --order random --seed {order[1]} repeats it")
    if request.stress_count or request.stress_duration:
        times = plural(request.stress_count, "time") if request.stress_count else ""
        length = f"for {format_duration(request.stress_duration)}" if request.stress_duration else ""
        said.append(f"each test was repeated: {' and '.join(filter(None, (times, length)))}")
    return said


def available_cores() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def _profile(config: Config, request: Request) -> Profile:
    name = request.profile
    if not name or name == DEFAULT_PROFILE:
        return config.profiles.get(DEFAULT_PROFILE) or Profile(name=DEFAULT_PROFILE)
    if name not in config.profiles:
        near = get_close_matches(name, config.profiles, 1)
        known = ", ".join([DEFAULT_PROFILE, *config.profiles])
        raise UsageError(
            f"no profile is named {name!r}",
            place=request.source("profile") if "profile" in request.variables else "",
            remedy=f"did you mean {near[0]!r}?" if near else f"known profiles: {known}",
        )
    return config.profiles[name]


def _select(gates: Sequence[Gate], names: Sequence[str]) -> list[Gate]:
    errors = []
    wanted = set()
    for name in names:
        found = {gate.name for gate in gates if name in (gate.name, gate.group)}
        if not found:
            known = [gate.name for gate in gates]
            near = get_close_matches(name, [*known, *(gate.group for gate in gates)], 1, 0.5)
            errors.append(
                UsageError(
                    f"no gate is named {name!r}",
                    remedy=f"did you mean {near[0]!r}?" if near else f"known gates: {listed(known)}",
                )
            )
        wanted |= found
    if errors:
        raise ManyErrors(tuple(errors))
    return [gate for gate in gates if gate.name in wanted]


def _meant(gates: Sequence[Gate]) -> dict[str, dict[str, int]]:
    """Name or group → the gates that it means, with their places in the checklist."""
    found: dict[str, dict[str, int]] = {}
    for place, gate in enumerate(gates):
        for word in (gate.name, gate.group):
            found.setdefault(word, {})[gate.name] = place
    return found


def _planned(
    gate: Gate, meant: Mapping[str, Mapping[str, int]], config: Config, durations: Mapping[str, float]
) -> PlannedGate:
    places = {name: place for need in gate.config.needs for name, place in meant.get(need, {}).items()}
    needs = tuple(sorted(places.keys() - {gate.name}, key=places.__getitem__))
    return PlannedGate(
        gate=gate,
        needs=needs,
        timeout=gate.config.timeout or config.timeout,
        expected=durations.get(gate.name),
    )


def _workers(gate: Gate, profile: Profile, request: Request, known: Mapping[str, tuple[int, str]]) -> dict[str, object]:
    """What of a planned gate depends on the request."""
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


def _order(planned: Sequence[PlannedGate]) -> tuple[str, ...]:
    """Names so that a gate stands after what it needs and, among the free ones, the longest way to the end is first.

    A gate of unknown length counts as long: starting it late is the dearer mistake.
    """
    graph = {item.gate.name: set(item.needs) for item in planned}
    try:
        topological = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise UsageError(
            "gates need each other in a circle", got=" → ".join(error.args[1]), remedy="remove one of these needs"
        ) from error
    known = [item.expected for item in planned if item.expected is not None]
    unknown = max(known, default=1.0)
    length = {item.gate.name: unknown if item.expected is None else item.expected for item in planned}
    # Length of the longest way from the start of a gate to the end of the run.
    way: dict[str, float] = {}
    behind = dict.fromkeys(topological, 0.0)
    for name in reversed(topological):
        way[name] = length[name] + behind[name]
        for need in graph[name]:
            behind[need] = max(behind[need], way[name])
    # Gates that take no time have ways of the same length as what they need: the number of gates before decides.
    depth: dict[str, int] = {}
    for name in topological:
        depth[name] = max((depth[need] + 1 for need in graph[name]), default=0)
    place = {item.gate.name: number for number, item in enumerate(planned)}
    return tuple(sorted(topological, key=lambda name: (-way[name], depth[name], place[name])))


def _both(one: str, other: str) -> str:
    return f"({one}) and ({other})" if one and other else one or other


def _notes(gates: Sequence[Gate], chosen: Sequence[Gate], config: Config, *, rerun: bool) -> tuple[str, ...]:
    names = {gate.name for gate in chosen} | {gate.group for gate in chosen}
    left = [gate.name for gate in gates if gate.name not in names and not rerun]
    notes = [f"not part of this run: {listed(left)}"] if left else []
    for gate in chosen:
        missing = [need for need in gate.config.needs if need not in names]
        if missing:
            notes.append(f"{gate.name} needs {', '.join(missing)}, which this run does not include")
    unlisted = [name for name in config.accept_could_not_run if name in names]
    if unlisted:
        notes.append(f"the config accepts that these could not run: {', '.join(unlisted)}")
    return tuple(notes)
