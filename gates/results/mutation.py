"""What tests do about small faults that are planted in changed lines."""

from __future__ import annotations

from typing import Literal

import msgspec

from gates.portable.values import SCHEMA_VERSION

FAULT_OPERATORS = (
    *("comparison", "boolean", "condition", "exception", "slice", "arithmetic", "argument", "negation"),
    *("deletion", "jump", "return", "constant"),
)
"""Kinds of faults, the most promising first."""


class Mutant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A small fault in one line of production code.

    Attributes:
        path: the file, with `/`.
        line: where the fault is.
        function: qualified name of the function around it.
        operator: what was changed, in a few words: `< became <=`.
        diff: unified diff of the fault.
        finding: `killed`: a test failed. `survived`: all tests that reach it passed. `timeout`: tests took far longer than
            without it, which counts as killed. `unreached`: no test runs the line. `suppressed`: an entry with a reason covers
            it. `unknown`: it could not be tried.
        tests: ids of the tests that ran against it, or would have.
        killed_by: id of the test that failed.
        kind: one of `FAULT_OPERATORS`.
        reason: of the suppression, or why nothing is known.
        seconds: that the tests took.
        id: a name that stays the same while function, operator and text of the line do.
    """

    path: str
    line: int
    function: str = ""
    operator: str
    kind: str = ""
    diff: str = ""
    finding: Literal["killed", "survived", "timeout", "unreached", "suppressed", "unknown"]
    tests: tuple[str, ...] = ()
    killed_by: str = ""
    reason: str = ""
    seconds: float = 0.0
    id: str = ""


class Mutation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The mutants of a branch's changed lines.

    Attributes:
        mutants: all that were tried, survivors first.
        gates: whose tests were run.
        left_out: how many did not fit into the budget.
        budget: seconds that it was allowed to take.
        seconds: that it took.
        unknown: why nothing, or not everything, is known.
        notes: what else the reader must know.
        failing: ids of tests that fail without any mutant.
        stopped: why the user ended it; empty if it was not ended.
        ledger: suppressions that expired or match nothing, a sentence each.
    """

    mutants: tuple[Mutant, ...] = ()
    gates: tuple[str, ...] = ()
    left_out: int = 0
    budget: float = 0.0
    seconds: float = 0.0
    unknown: str = ""
    notes: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    stopped: str = ""
    ledger: tuple[str, ...] = ()

    def of(self, finding: str) -> tuple[Mutant, ...]:
        """The mutants with a finding."""
        return tuple(one for one in self.mutants if one.finding == finding)


class MutantReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `gates mutants` writes.

    Attributes:
        schema_version: version of this schema.
        base: what the changed lines are compared with, and its commit.
        head: the subject.
        command_line: the command, to paste.
        exit_code: of the command.
        mutation: what became of the mutants.
    """

    schema_version: int = SCHEMA_VERSION
    base: str
    head: str
    command_line: str
    exit_code: int
    mutation: Mutation
