"""`gates compare --confirm N`: run newly failing tests again on both sides, before the head is blamed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from gates.compare.confirm import RepeatedOutcomes
from gates.compare.tests import naming
from gates.compare.values import TestsComparison
from gates.config.request import Request
from gates.portable.errors import GatesError
from gates.portable.settings.declare import replace
from gates.portable.values import ExitCode, TestOutcome
from gates.results.duplicates import worst_first, worst_of
from gates.results.files import CONFIRM_FOLDER
from gates.results.outstanding import Part

if TYPE_CHECKING:
    from gates.pipeline.execute import Finished

    Which = Literal["base", "head"]
    RunSide = Callable[[Which, Request, Path], Finished]


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the extra runs.

    Attributes:
        again: outcomes, run by run.
        notes: why they do not show more.
        interrupted: the user ended them.
    """

    again: RepeatedOutcomes
    notes: tuple[str, ...] = ()
    interrupted: bool = False


def run_again(
    tests: TestsComparison, before: Finished, after: Finished, times: int, request: Request, run: RunSide
) -> Confirmed:
    """Run tests N more times on base and head, in turns: a change over time then affects both.

    Args:
        tests: their changes; newly failing ones are run.
        before: the base's run.
        after: the head's run.
        times: how often.
        request: what the user asked for.
        run: runs a side, with reports in a folder.
    """
    newly, both = frozenset(tests.newly_failing), (*before.tests, *after.tests)
    renamed = {one.before: one.after for one in tests.renamed}
    names = {"base": naming(both, renamed), "head": naming(both)}
    folder = after.reports / CONFIRM_FOLDER
    again: dict[str, list[dict[str, TestOutcome]]] = {"base": [], "head": []}
    sides: tuple[tuple[Which, Finished], ...] = (("base", before), ("head", after))
    for number in range(1, times + 1):
        for side, first in sides:
            sys.stderr.write(f"confirm {number} of {times}: {len(newly)} newly failing on the {side}\n")
            wanted = only_these(
                request,
                [(result.gate, result.id) for result in worst_first(first.tests) if names[side](result) in newly],
            )
            try:
                done = run(side, wanted, folder / f"{side}-{number}")
            except GatesError as error:
                return _confirmed(again, (f"run {number} of the {side}, to confirm, failed to start: {error}",))
            if done.run.exit_code == ExitCode.INTERRUPTED:
                return _confirmed(again, ("interrupted before everything was confirmed",), interrupted=True)
            again[side].append({name: result.outcome for name, result in worst_of(done.tests, names[side]).items()})
    return _confirmed(again)


def only_these(request: Request, tests: Iterable[tuple[str, str]]) -> Request:
    """The request for only these `(gate, test)` pairs."""
    by_gate: dict[str, list[str]] = {}
    for gate, test in tests:
        by_gate.setdefault(gate, []).append(test)
    # Regardless of what the filter selects now: it may depend on what failed last.
    only = {gate: Part(tests=tuple(ids), anyway=True) for gate, ids in by_gate.items()}
    return replace(request, gates=tuple(only), only=only, no_tests="pass")


def _confirmed(
    again: dict[str, list[dict[str, TestOutcome]]], notes: tuple[str, ...] = (), *, interrupted: bool = False
) -> Confirmed:
    sides = {side: tuple(outcomes) for side, outcomes in again.items()}
    return Confirmed(again=RepeatedOutcomes(**sides), notes=notes, interrupted=interrupted)
