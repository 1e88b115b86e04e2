"""Plans, gates and surroundings for the runner's tests: gates are small commands of the running interpreter."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gates.config import Config, GateConfig
from gates.planning.discover import Gate
from gates.planning.plan import Plan, PlannedGate
from gates.portable.settings.run import Settings
from gates.portable.values import GateOutcome, TestOutcome
from gates.results import GateResult, TestResult
from gates.results.event_schema import GateEnded
from gates.run import Engine, EngineOptions
from gates.run.events import EngineEvent
from gates.run.inject import write_injection
from gates.run.launching import Keeper
from gates.run.masking import StructMask
from gates.run.start import RunContext
from gates.storage.streams import streams_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gates.vcs.watch import TreeChanges

NOTHING = StructMask({})
KEEPER = Keeper()
"""One for all tests of a process: it takes longer to start than most of them."""
atexit.register(KEEPER.close)


def python(code: str) -> tuple[str, ...]:
    """A command that runs Python code, without the site's packages: it starts in milliseconds."""
    return (sys.executable, "-I", "-S", "-c", code)


def a_gate(name: str, command: Sequence[str] = (), **config: Any) -> Gate:
    title = config.get("title", "")
    return Gate(
        name=name,
        group=name,
        kind="command",
        title=title,
        config=GateConfig(name=name, command=tuple(command), **config),
    )


def planned(
    name: str, code: str = "", *, needs: tuple[str, ...] = (), timeout: float = 60.0, **config: Any
) -> PlannedGate:
    command, expected = config.pop("command", None) or python(code), config.pop("expected", None)
    return PlannedGate(gate=a_gate(name, command, **config), needs=needs, timeout=timeout, expected=expected)


def a_plan(*gates: PlannedGate, jobs: int = 2, starts: tuple[str, ...] = (), **fields: Any) -> Plan:
    names = tuple(item.gate.name for item in gates)
    settings = {name: fields.pop(name) for name in Settings.SETTINGS if name in fields}
    return Plan(
        config=Config(root=Path()),
        settings=Settings(**settings),
        gates=gates,
        starts=starts or names,
        jobs=jobs,
        **fields,
    )


def surroundings(folder: Path, plan: Plan, environment: dict[str, str] | None = None, **fields: Any) -> RunContext:
    """What gates share, with everything below `folder`."""
    for name in ("project", "work", "logs"):
        (folder / name).mkdir(exist_ok=True)
    values = {
        "root": folder / "project",
        "work": folder / "work",
        "logs": streams_in(folder / "logs"),
        "injection": write_injection(folder / "work"),
        "environment": environment or {},
        "plan": plan,
        "mask": NOTHING,
        # A gate ends every process with its mark: those of another suite on this machine must have another one.
        "run_id": f"test-{folder.name}-{os.getpid()}",
        "keeper": KEEPER,
    }
    return RunContext(**{**values, **fields})


def an_engine(
    folder: Path,
    *gates: PlannedGate,
    jobs: int = 2,
    starts: tuple[str, ...] = (),
    accept: tuple[str, ...] = (),
    stopped: Callable[[], str] = lambda: "",
    at_once: Callable[[], bool] = lambda: False,
    global_timeout: float | None = None,
    look: Callable[[], TreeChanges] | None = None,
    **context: Any,
) -> Engine:
    plan = a_plan(*gates, jobs=jobs, starts=starts, global_timeout=global_timeout)
    config = Config(root=folder, accept_could_not_run=accept)
    around_them = surroundings(folder, plan, **context)
    settings = EngineOptions(config=config, context=around_them, stopped=stopped, at_once=at_once, look=look)
    return Engine(plan, settings)


def ended(events: Iterator[EngineEvent]) -> dict[str, GateResult]:
    """The results of a run, in the order in which gates ended."""
    return {event.result.name: event.result for event in events if isinstance(event, GateEnded)}


def a_result(name: str = "test", outcome: GateOutcome = GateOutcome.PASSED, **fields: Any) -> GateResult:
    return GateResult(name=name, outcome=outcome, **fields)


def a_test(name: str, outcome: TestOutcome = TestOutcome.PASSED, **fields: Any) -> TestResult:
    return TestResult(gate=fields.pop("gate", "test"), id=name, outcome=outcome, **fields)
