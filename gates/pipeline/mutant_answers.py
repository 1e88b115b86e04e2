"""Put together what the sessions of one or more gates answered about faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from gates.analysis.mutants.choose import diff_of
from gates.analysis.mutants.source import Fault
from gates.portable.values import plural
from gates.results import Mutant, Mutation

ORDER = ("survived", "unknown", "unreached", "suppressed", "timeout", "killed")
"""In this order, mutants are listed."""


class Told(msgspec.Struct, frozen=True):
    """A session's record about a mutant."""

    id: str
    finding: str
    tests: tuple[str, ...] = ()
    killed_by: str = ""
    reason: str = ""
    seconds: float = 0.0
    asserted: bool = False


class Collected:
    """What the sessions have answered so far.

    Args:
        faults: what they are asked to try, the most promising first.
        texts: path → text.
        show: receives each mutant that was tried.

    Attributes:
        tests: ids of the tests of earlier gates: those of a later gate with the same ids are not run again.
        spent: seconds of the budget that earlier gates took.
    """

    def __init__(self, faults: Sequence[Fault], texts: Mapping[str, str], show: Callable[[Mutant], None]) -> None:
        self._by_id, self._texts, self._show = {one.id: one for one in faults}, texts, show
        self._found: dict[str, Mutant] = {}
        self._unreached: dict[str, Fault] = {}
        self._failing: dict[str, None] = {}
        self._left_tests: dict[str, None] = {}
        self._unable: dict[str, str] = {}
        self._untried: set[tuple[str, int]] = set()
        self._left = 0
        self._gates: list[str] = []
        self.tests: set[str] = set()
        self.spent = 0.0

    def waiting(self, gate: str) -> list[Fault]:
        """The faults that a gate's tests may still notice: all, or those that earlier gates did not."""
        if not self._gates:
            return list(self._by_id.values())
        assert gate not in self._gates
        kept = [one for one in self._found.values() if one.finding in ("survived", "unknown")]
        return [*(self._by_id[one.id] for one in kept), *self._unreached.values()]

    def begin(self, gate: str) -> Callable[[Mapping[str, Any]], None]:
        """A gate is asked; returns the receiver of its records."""
        self._gates.append(gate)
        self._left = 0
        return lambda record: self._take(gate, record)

    def _take(self, gate: str, record: Mapping[str, Any]) -> None:
        kind = record["kind"]
        if kind == "mutant":
            self._try(msgspec.convert({key: value for key, value in record.items() if key != "kind"}, Told))
        elif kind == "unreached":
            first = len(self._gates) == 1
            self._unreached = {name: self._by_id[name] for name in record["ids"] if first or name in self._unreached}
        elif kind == "untried":
            self._untried |= {(self._by_id[name].path, self._by_id[name].line) for name in record["ids"]}
        elif kind == "test":
            self.tests.add(record["id"])
            if record["failed"]:
                self._failing[record["id"]] = None
        elif kind == "recorded":
            self._left_tests |= dict.fromkeys(record["left"])
        elif kind == "unable":
            self._unable[gate] = record["why"]
        elif kind == "end":
            self._left, self.spent = record["left"], self.spent + record.get("seconds", 0.0)

    def _try(self, told: Told) -> None:
        mutant = self._mutant(self._by_id[told.id], told)
        before = self._found.get(told.id)
        if before is not None and before.finding == "survived" and mutant.finding in ("survived", "unknown"):
            mutant = msgspec.structs.replace(before, tests=(*before.tests, *mutant.tests))
        self._found[told.id] = mutant
        self._show(mutant)

    def _mutant(self, fault: Fault, told: Told) -> Mutant:
        return Mutant(
            path=fault.path,
            line=fault.line,
            function=fault.function,
            operator=fault.what,
            kind=fault.operator,
            diff=diff_of(fault, self._texts[fault.path].encode()),
            finding=told.finding,  # type: ignore[arg-type]
            tests=told.tests,
            killed_by=told.killed_by,
            reason=told.reason,
            seconds=round(told.seconds, 3),
            id=fault.id,
        )

    def mutation(self, stopped: str) -> Mutation:
        """All that is known; `stopped` tells why the user ended it."""
        tried = {(one.path, one.line) for one in self._found.values()}
        unreached: dict[tuple[str, int], Fault] = {}
        for fault in self._unreached.values():
            if (fault.path, fault.line) not in tried:
                unreached.setdefault((fault.path, fault.line), fault)
        mutants = [
            *self._found.values(),
            *(self._mutant(fault, Told(id=fault.id, finding="unreached")) for fault in unreached.values()),
        ]
        return Mutation(
            mutants=tuple(sorted(mutants, key=lambda one: (ORDER.index(one.finding), one.path, one.line))),
            gates=tuple(self._gates),
            left_out=self._left + len(self._untried - tried),
            unknown="; ".join(self._unknown(stopped)),
            failing=tuple(self._failing),
            stopped=stopped,
            notes=self._notes(),
        )

    def _unknown(self, stopped: str) -> list[str]:
        """Why nothing, or not everything, is known."""
        said = [f"{gate}: {why}" for gate, why in self._unable.items()]
        if self._failing:
            shown = ", ".join(list(self._failing)[:3]) + (", …" if len(self._failing) > 3 else "")
            said.append(
                f"{plural(len(self._failing), 'test')} failed on the code as it is, so no mutant was tried with {'it' if len(self._failing) == 1 else 'them'}: {shown}"
            )
        return [*said, *([f"stopped: {stopped}"] if stopped else [])]

    def _notes(self) -> tuple[str, ...]:
        if not self._left_tests:
            return ()
        number = plural(len(self._left_tests), "test")
        return (f"{number} that may reach the changed lines did not fit into the budget, and judged no mutant",)
