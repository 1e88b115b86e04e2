"""Check the tree after each gate, and fail the gates during which it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from gates.portable.values import GateOutcome
from gates.results import GateResult
from gates.run.witnesses.tree import changed_words, left_words, staged_words, tree_witness, written_words
from gates.vcs.watch import TreeChanges


class Guard:
    """Checks the tree when a gate has ended.

    Args:
        look: returns the changes since its last call; None if there is nothing to check.
    """

    def __init__(self, look: Callable[[], TreeChanges] | None) -> None:
        self._look = look
        self._ran: dict[str, None] = {}
        self._changes: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        self._left: dict[tuple[str, ...], list[str]] = {}
        self._written: dict[tuple[str, ...], list[str]] = {}
        self._staged: dict[tuple[str, ...], tuple[str, ...]] = {}

    @property
    def changed(self) -> tuple[str, ...]:
        """The changes of the subject."""
        return tuple(dict.fromkeys(fault for faults, _ in self._changes for fault in faults))

    @property
    def left(self) -> tuple[str, ...]:
        """New files that are part of the tree now, but that no tool reads automatically."""
        return tuple(name for files in self._left.values() for name in files)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on these, on additions to the index, and on files that were written and restored."""
        found = [left_words(files, gates) for gates, files in self._left.items()]
        found += [written_words(files, gates) for gates, files in self._written.items()]
        return (*found, *(staged_words(indexes, gates) for gates, indexes in self._staged.items()))

    @property
    def why_not(self) -> str:
        """Why no more gates may start; empty while they may. They would validate something else than the earlier gates."""
        return "; ".join(changed_words(faults, gates) for faults, gates in self._changes)

    def started(self, gate: str) -> None:
        """A gate runs from now on."""
        self._ran[gate] = None

    def ended(self, result: GateResult, running: Iterable[str]) -> GateResult:
        """The result of an ended gate, changed to a failure if the tree changed.

        Args:
            result: the result from the gate's other witnesses.
            running: gates that still run.
        """
        if self._look is None:
            return result
        seen, ran = self._look(), tuple(self._ran)
        if seen.faults:
            self._changes.append((seen.faults, ran))
        if seen.left:
            self._left.setdefault(ran, []).extend(seen.left)
        if seen.written:
            self._written.setdefault(ran, []).extend(seen.written)
        if seen.staged:
            self._staged[ran] = seen.staged
        self._ran = dict.fromkeys(running)
        witnesses = [tree_witness(faults, gates) for faults, gates in self._changes if result.name in gates]
        if not witnesses:
            return result
        said = "; ".join(witness.detail for witness in witnesses)
        undecided = result.outcome in (GateOutcome.PASSED, GateOutcome.SKIPPED, GateOutcome.COULD_NOT_RUN)
        return msgspec.structs.replace(
            result,
            outcome=GateOutcome.FAILED if undecided else result.outcome,
            reason=said if undecided or not result.reason else f"{result.reason}; {said}",
            witnesses=(*result.witnesses, *witnesses),
        )
