"""A run as trace events, for Perfetto and chrome://tracing: gates and tests as slices over time.

Format: "Trace Event Format", complete events (`X`) and metadata (`M`); times in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gates.compare.values import Comparison
from gates.render.formats.document import json_text
from gates.results import Run, TestResult


def render_trace(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None) -> str:  # noqa: ARG001
    """The whole file: a process for each gate, and in it a thread for each worker."""
    events = [*_gates(run), *_tests(run, tests)]
    return json_text({"displayTimeUnit": "ms", "traceEvents": events}, indent=0)


def _gates(run: Run) -> Iterator[dict[str, Any]]:
    for number, gate in enumerate(run.gates, 1):
        yield _named("process_name", number, 0, gate.name)
        yield _named("thread_name", number, 0, "the gate")
        about = {"outcome": str(gate.outcome), "reason": gate.reason, "cpu": gate.cpu, "peak": gate.peak}
        yield _slice(gate.name, "gate", number, 0, gate.started - run.started, gate.duration, about)


def _tests(run: Run, tests: Sequence[TestResult]) -> Iterator[dict[str, Any]]:
    processes = {gate.name: number for number, gate in enumerate(run.gates, 1)}
    threads: dict[tuple[str, int, str], int] = {}
    for test in tests:
        if test.started <= 0 or test.gate not in processes:
            continue
        key = test.gate, test.process, test.worker
        if key not in threads:
            threads[key] = 1 + sum(1 for gate, _, _ in threads if gate == test.gate)
            name = test.worker or (f"process {test.process}" if test.process else "tests")
            yield _named("thread_name", processes[test.gate], threads[key], name)
        about = {"outcome": str(test.outcome), "file": test.file, "line": test.line}
        place = processes[test.gate], threads[key]
        yield _slice(test.id, f"test,{test.outcome}", *place, test.started - run.started, test.duration, about)


def _named(what: str, process: int, thread: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": process, "tid": thread, "args": {"name": name}}


def _slice(name: str, kind: str, process: int, thread: int, at: float, lasts: float, about: dict[str, Any]) -> dict[str, Any]:  # fmt: skip
    args = {key: value for key, value in about.items() if value}
    times = {"ts": round(max(0.0, at) * 1e6), "dur": round(max(0.0, lasts) * 1e6)}
    return {"ph": "X", "name": name, "cat": kind, "pid": process, "tid": thread, **times, "args": args}
