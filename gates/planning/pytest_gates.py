"""Find gates that certainly run pytest: only these may be started to list tests, because any other would do its work."""

from __future__ import annotations

import ast
from pathlib import Path, PurePath

from gates.planning.discover import NOXFILE, Gate
from gates.planning.prepare import Prepared
from gates.portable.errors import UsageError
from gates.portable.regular import read_text

_PROGRAMS = frozenset({"pytest", "py.test"})


def pytest_gates(prepared: Prepared, named: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Gates of the plan that run pytest.

    Those that the config declares so; if there are none: those whose tests came from pytest last time, whose
    command is pytest, or whose nox session mentions it.

    Args:
        prepared: contains the plan.
        named: gates that the user named: each must run pytest.

    Raises:
        UsageError: a named gate does not, or no gate does.
    """
    gates = [item.gate for item in prepared.plan.gates]
    declared = tuple(gate.name for gate in gates if gate.config.tests == "pytest")
    if declared and not named:
        return declared
    history = prepared.store.history()
    mentioned = _sessions_with_pytest(prepared.root)
    found = tuple(
        gate.name
        for gate in gates
        if gate.name in declared
        or (
            _may(gate)
            and (
                (gate.name in history and history[gate.name].injected) or _names_pytest(gate) or gate.group in mentioned
            )
        )
    )
    others = [gate.name for gate in gates if gate.name not in found]
    if (named and others) or not found:
        raise UsageError(
            f"not known to run pytest: {', '.join(others)}",
            expected="a gate that runs pytest: tests are listed by pytest, and no other gate is started for it",
            remedy="if it does run pytest, set tests = 'pytest' in its table; gates list --results FILE lists the tests of a results file",
        )
    return found


def _may(gate: Gate) -> bool:
    return gate.config.tests == "auto" and not gate.config.junit


def _names_pytest(gate: Gate) -> bool:
    return any(PurePath(word).name in _PROGRAMS for word in gate.config.command)


def _sessions_with_pytest(root: Path) -> set[str]:
    """Names of sessions whose function mentions pytest, or a function of the noxfile that does."""
    try:
        tree = ast.parse(read_text(root / NOXFILE))
    except (OSError, ValueError, SyntaxError, RecursionError):
        return set()
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    words = {name: _words(node) for name, node in functions.items()}
    found = {name for name, own in words.items() if _PROGRAMS & own}
    while more := {name for name, own in words.items() if name not in found and found & own}:
        found |= more
    return {_session_name(functions[name]) for name in found} | found


def _words(function: ast.FunctionDef) -> set[str]:
    """Strings and names in the function."""
    nodes = list(ast.walk(function))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts | {node.id for node in nodes if isinstance(node, ast.Name)} - {function.name}


def _session_name(function: ast.FunctionDef) -> str:
    """The name from its decorator; else its own."""
    for decorator in function.decorator_list:
        for keyword in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return function.name
