"""Let a gate's own pytest try faults: the faults go there as texts, and the answers come back line by line."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gates.analysis.mutants.source import Fault
from gates.files.temporary import scratch
from gates.planning.prepare import Prepared
from gates.portable.exclusions import union
from gates.portable.filters import Not, to_text
from gates.portable.regular import read_bytes, read_text
from gates.portable.settings.declare import replace
from gates.results.event_schema import GateEnded
from gates.results.files import LOGS_FOLDER
from gates.run import Engine, EngineOptions
from gates.run.inject import write_injection
from gates.run.masking import StructMask
from gates.run.remains import known
from gates.run.signals import StopRequest
from gates.run.start import RunContext
from gates.storage.streams import streams_in

AT_A_TIME = 7
"""Mutants of one file that are tried before those of other files."""

PATIENCE = 900.0
"""Seconds beyond the budget for installing the gate's environment and for collecting its tests."""

Listener = Callable[[dict[str, Any]], None]


class SessionOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate's pytest is asked to try.

    Attributes:
        gate: whose tests.
        faults: in the order in which they are worth trying.
        texts: path → text of each file with faults.
        near: test file → how close it is; None for all test files.
        seconds: the budget.
        known: ids of tests that are not run again.
        only: ids of the tests that run, without parameters; None for all.
        slow: ids of tests that are known to take long.
        every: try every fault, not only one per line.
        of_each_test: try so many faults with each test alone; 0 for the usual way.
    """

    gate: str
    faults: Sequence[Fault]
    texts: Mapping[str, str]
    near: Mapping[str, int] | None
    seconds: float
    known: Collection[str] = ()
    only: Sequence[str] | None = None
    slow: Sequence[str] = ()
    every: bool = False
    of_each_test: int = 0


class SessionEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How the session ended.

    Attributes:
        stopped: why the user's wish ended it; empty if it was not that.
        tail: the last lines of the gate's log, if it gave no answer at all.
    """

    stopped: str = ""
    tail: str = ""


def try_faults(prepared: Prepared, order: SessionOrder, take: Listener) -> SessionEnd:
    """Start the gate, and pass each of its answers on as soon as it is there. Nothing is left behind, however this ends.

    Args:
        prepared: the subject, with a plan that contains the gate.
        order: what to try.
        take: receives the records of `pytest_plugin.mutants.order.Answers`.

    Raises:
        GatesError: the gate cannot be started.
    """
    run_id = f"mutants-{secrets.token_hex(8)}"
    with scratch() as folder, known(prepared.store.folder, run_id), StopRequest() as stop:
        (folder / LOGS_FOLDER).mkdir()
        (folder / "t").mkdir()
        answers = _Answers(folder / "answers.jsonl", take)
        planned = _planned(prepared, order)
        context = RunContext(
            root=planned.root,
            work=folder,
            logs=streams_in(folder / LOGS_FOLDER),
            injection=write_injection(folder),
            # pytest-cov removes the data of the last run when it starts.
            environment={**os.environ, "TMPDIR": str(folder / "t"), "COVERAGE_FILE": str(folder / "t" / ".coverage")},
            plan=planned.plan,
            mask=StructMask.of(planned.config),
            run_id=run_id,
            facts=None,
            mutants=_write(folder, planned.root, order),
        )

        def why_stop() -> str:
            answers.poll()
            return stop.why()

        engine = Engine(planned.plan, EngineOptions(config=planned.config, context=context, stopped=why_stop))
        log = ""
        try:
            for event in engine.events():
                if isinstance(event, GateEnded) and event.result.log:
                    log = read_text(folder / event.result.log, "utf-8", "replace")
        finally:
            engine.close()
            answers.poll()
        tail = "" if answers.any else "\n".join(log.splitlines()[-12:])
        return SessionEnd(stopped=stop.why(), tail=tail)


class _Answers:
    """Reads whole lines of the answers, as they come."""

    def __init__(self, path: Path, take: Listener) -> None:
        self._path, self._take = path, take
        self._read = 0
        self.any = False

    def poll(self) -> None:
        """Pass new records on."""
        if not self._path.exists():
            return
        data = read_bytes(self._path)
        end = data.rfind(b"\n") + 1
        for line in data[self._read : end].splitlines():
            self.any = True
            self._take(msgspec.json.decode(line))
        self._read = end


def _write(folder: Path, root: Path, order: SessionOrder) -> Path:
    path = folder / "mutants.json"
    faults = [
        (one.id, one.path, one.line, one.edit.start, one.edit.end, one.edit.text, one.probe) for one in order.faults
    ]
    told = {
        "root": str(root),
        "answers": str(folder / "answers.jsonl"),
        "scratch": str(folder / "t"),
        "seconds": order.seconds,
        "at_a_time": AT_A_TIME,
        "texts": dict(order.texts),
        "near": order.near,
        "faults": faults,
        "known": sorted(order.known),
        "only": order.only,
        "slow": order.slow,
        "every": order.every,
        "of_each_test": order.of_each_test,
    }
    path.write_bytes(msgspec.json.encode(told))
    return path


def _planned(prepared: Prepared, order: SessionOrder) -> Prepared:
    """The plan for one gate without what a run adds to its tests: workers, retries, limits; the quarantine does not judge."""
    plan = prepared.plan
    chosen = tuple(
        msgspec.structs.replace(item, needs=(), needed=False, workers=0, timeout=order.seconds + PATIENCE)
        for item in plan.gates
        if item.gate.name == order.gate
    )
    judged = to_text(Not(union(plan.quarantine))) if plan.quarantine else ""
    both = (
        f"({plan.settings.filter}) and {judged}" if plan.settings.filter and judged else plan.settings.filter or judged
    )
    settings = replace(
        plan.settings, test_timeout=None, stall_timeout=order.seconds + PATIENCE, global_timeout=None, retries=None,
        max_fail="", filter=both, stress_count=0, stress_duration=None, no_capture=False,
    )  # fmt: skip
    needed = tuple(layer for layer in plan.rules if "setup" in layer.settings)
    rules = tuple(type(layer)(layer.source, layer.filter, {"setup": layer.settings["setup"]}) for layer in needed)
    plan = msgspec.structs.replace(
        plan, gates=chosen, starts=(order.gate,), settings=settings, rules=rules, limits=(), jobs=1,
        config=replace(plan.config, supervise=False),
    )  # fmt: skip
    return msgspec.structs.replace(prepared, plan=plan)
