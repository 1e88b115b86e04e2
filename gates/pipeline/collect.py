"""Ask the gates of a project for their tests, without running any."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from gates.files.temporary import scratch
from gates.planning.plan import Plan, Request
from gates.planning.prepare import Discovered, Prepared, discover_subject, plan_run, worktree
from gates.planning.pytest_gates import pytest_gates
from gates.planning.test_queries import Tests
from gates.portable.errors import EnvironmentProblem
from gates.portable.exclusions import named_expressions
from gates.portable.filters import Described, TableFacts
from gates.portable.regular import read_text
from gates.portable.settings.declare import replace
from gates.portable.values import BAD_TESTS
from gates.results.event_schema import GateEnded
from gates.results.files import LOGS_FOLDER
from gates.run import Engine, EngineOptions, TestsDescribed, TestsLanded
from gates.run.inject import write_injection
from gates.run.masking import StructMask
from gates.run.remains import known
from gates.run.signals import StopRequest
from gates.run.start import RunContext
from gates.storage.streams import streams_in


def tests_of_project(root: Path, request: Request) -> Tests:
    """Ask the gates that have tests for their list, without running a test.

    Raises:
        GatesError: config, noxfile or request is wrong, or no gate lists a test.
    """
    return collect_tests(discover_subject(worktree(root)), request)


def collect_tests(found: Discovered, request: Request) -> Tests:
    """The tests of a subject that is checked out; errors as of `tests_of_project`."""
    request = replace(request, needs=False)  # nothing is run
    prepared = plan_run(found, request)
    plan = _narrowed(prepared.plan, pytest_gates(prepared, request.gates))
    prepared = msgspec.structs.replace(prepared, plan=plan)
    described, broken = _described(prepared)
    candidates = {test.id: test for test in described}  # two gates may have the same tests
    return Tests(
        candidates=tuple(candidates.values()),
        facts=TableFacts(prepared.facts, "it was not computed"),
        named=named_expressions(plan.default_filter, plan.quarantine),
        expression=plan.settings.filter,
        exclusions=plan.exclusions,
        quarantine=plan.quarantine,
        rules=plan.rules or plan.limits,
        broken=broken,
    )


def _narrowed(plan: Plan, listing: tuple[str, ...]) -> Plan:
    """The plan for only these gates, without those that they need: nothing is run, so nothing must have passed."""
    kept = tuple(msgspec.structs.replace(item, needs=()) for item in plan.gates if item.gate.name in listing)
    return msgspec.structs.replace(plan, gates=kept, starts=tuple(name for name in plan.starts if name in listing))


def _described(prepared: Prepared) -> tuple[list[Described], tuple[str, ...]]:
    """What is known about each test, and what could not be collected."""
    found: list[Described] = []
    broken: dict[str, None] = {}
    ended: list[GateEnded] = []
    run_id = f"list-{secrets.token_hex(8)}"
    with scratch() as folder, known(prepared.store.folder, run_id), StopRequest() as stop:
        (folder / LOGS_FOLDER).mkdir()
        context = RunContext(
            root=prepared.root,
            work=folder,
            logs=streams_in(folder / LOGS_FOLDER),
            injection=write_injection(folder),
            environment=dict(os.environ),
            plan=prepared.plan,
            mask=StructMask.of(prepared.config),
            run_id=run_id,
            collect=True,
        )
        engine = Engine(prepared.plan, EngineOptions(config=prepared.config, context=context, stopped=stop.why))
        try:
            for event in engine.events():
                if isinstance(event, TestsDescribed):
                    found += event.tests
                elif isinstance(event, TestsLanded):
                    bad = (test for test in event.results if test.phase == "collect" and test.outcome in BAD_TESTS)
                    broken |= {f"{test.id}: {test.message}": None for test in bad}
                elif isinstance(event, GateEnded):
                    ended.append(event)
            if not found and not broken:
                logs = [read_text(folder / event.result.log, "utf-8", "replace") for event in ended if event.result.log]
                tail = "\n".join(line for log in logs for line in log.splitlines()[-12:])
                raise EnvironmentProblem(
                    "no gate lists its tests",
                    place=", ".join(event.result.name for event in ended),
                    got=tail,
                    remedy="name a gate that runs pytest with --gate",
                )
        finally:
            engine.close()
    return found, tuple(broken)
