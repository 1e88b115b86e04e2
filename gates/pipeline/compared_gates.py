"""Choose the gates that run on both sides of a comparison."""

from __future__ import annotations

from gates.config.request import Request
from gates.planning.gate_needs import with_needs
from gates.planning.prepare import Prepared
from gates.portable.settings.declare import replace


def with_compared_gates(prepared: Prepared, request: Request) -> Request:
    """The gates that run on both sides; one that only has diagnostics may be missing on the base."""
    if request.gates:
        return request
    names = gates_to_compare(prepared)
    return replace(request, gates=names, if_there=frozenset(names) - set(_gates_with_tests(prepared)))


def named_gates(prepared: Prepared, request: Request) -> list[str]:
    """The gates that will run, including those that they need; empty for all."""
    chosen = [gate for gate in prepared.gates if {gate.name, gate.group} & set(request.gates or ())]
    return [gate.name for gate in with_needs(prepared.gates, chosen)]


def gates_to_compare(prepared: Prepared) -> tuple[str, ...]:
    """Gates with test results, diagnostics or coverage, in checklist order; all gates if none has tests."""
    planned = [item.gate for item in prepared.plan.gates]
    found = _gates_with_tests(prepared)
    return tuple(gate.name for gate in planned if not found or gate.name in found or gate.has_artifacts)


def _gates_with_tests(prepared: Prepared) -> tuple[str, ...]:
    """Gates that are known to have tests, or have the name of one that does."""
    known = gates_known_to_have_tests(prepared)
    return tuple(
        item.gate.name
        for item in prepared.plan.gates
        if item.gate.name in known or item.gate.group in ("test", "tests")
    )


def gates_known_to_have_tests(prepared: Prepared) -> tuple[str, ...]:
    """Gates that declare test results, or had some last time."""
    history = prepared.store.history()
    return tuple(
        item.gate.name
        for item in prepared.plan.gates
        if item.gate.config.tests in ("pytest", "junit")
        or item.gate.config.junit
        or (item.gate.name in history and history[item.gate.name].tests)
    )
