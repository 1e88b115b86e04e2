"""`gates list`: what a run would contain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from gates.config import load_config
from gates.planning.discover import discover
from gates.planning.plan import Request
from gates.planning.prepare import plan_by_history
from gates.portable.values import ExitCode, format_duration
from gates.run.start import command_line_of
from gates.storage.cache import Store
from gates.vcs.git import Git


def gate_listing(root: Path, request: Request, *, as_json: bool = False) -> str:
    """One line per gate: name, duration of the last run, command, title."""
    config = load_config(root)
    gates = discover(root, config)
    plan = plan_by_history(config, gates, request, Store.of(root, Git.of(root)))
    rows = [
        {
            "name": item.gate.name,
            "kind": item.gate.kind,
            "title": item.gate.title,
            "command": command_line_of(item, plan),
            "needs": list(item.needs),
            "timeout": item.timeout,
            "last": item.expected,
            "workers": item.workers_said,
        }
        for item in plan.gates
    ]
    if as_json:
        return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n"
    names = max(len(item.gate.name) for item in plan.gates)
    lines = []
    for item in plan.gates:
        last = format_duration(item.expected) if item.expected is not None else "?"
        needs = f"  needs {', '.join(item.needs)}" if item.needs else ""
        title = f"  {item.gate.title}" if item.gate.title else ""
        workers = f"  -n auto: {item.workers_said}" if item.workers_said else ""
        lines.append(f"{item.gate.name:<{names}}  {last:>8}  {command_line_of(item, plan)}{needs}{title}{workers}")
    notes = [f"note: {note}" for note in plan.notes]
    return "\n".join([*lines, *notes]) + "\n"


def matching_tests(
    root: Path, request: Request, results: Sequence[Path], *, as_json: bool
) -> tuple[str, Sequence[str], ExitCode]:
    """The tests that match, from the project or from results files; notes; and the exit code.

    Raises:
        GatesError: the tests cannot be listed.
    """
    from gates.pipeline.collect import tests_of_project
    from gates.pipeline.result_files import tests_of_files
    from gates.planning.test_queries import listing

    expression = request.filter or "all()"
    tests = tests_of_files(root, results, [expression]) if results else tests_of_project(root, request)
    text, said = listing(tests, expression if results else tests.expression, as_json=as_json)
    return text, said, ExitCode.GATE_FAILED if tests.broken else ExitCode.PASSED
