"""What tests did about mutants, for people."""

from __future__ import annotations

from collections import Counter

from gates.portable.values import format_duration, plural
from gates.results import Mutant, Mutation

NAMED = 5
"""Tests that are named below a survivor."""


def mutants_text(mutation: Mutation) -> str:
    """The survivors, each with its diff and the tests that ran, and a line about the rest."""
    lines: list[str] = []
    for mutant in mutation.mutants:
        if mutant.finding == "survived":
            lines += [*survivor_lines(mutant), ""]
    return "\n".join([*lines, *closing_lines(mutation), ""])


def survivor_lines(mutant: Mutant) -> list[str]:
    """A survivor: where, what, and which tests passed all the same."""
    where = f" in {mutant.function}" if mutant.function else ""
    shown = [*mutant.tests[:NAMED], *(["…"] if len(mutant.tests) > NAMED else [])]
    return [
        f"SURVIVED {mutant.path}:{mutant.line}{where}: {mutant.operator} [{mutant.id}]",
        *(f"    {line}" for line in mutant.diff.splitlines()),
        f"    {plural(len(mutant.tests), 'test')} passed all the same: {', '.join(shown)}",
        *([f"    {mutant.reason}"] if mutant.reason else []),
    ]


def closing_lines(mutation: Mutation) -> list[str]:
    """How many of each kind there were, and what else must be known."""
    counts = Counter(one.finding for one in mutation.mutants)
    told = ", ".join(f"{number} {finding}" for finding, number in counts.items())
    left = f"; {plural(mutation.left_out, 'mutant')} did not fit into the budget" if mutation.left_out else ""
    head = f"mutants: {told or 'none was tried'} in {format_duration(mutation.seconds)}{left}"
    notes = [f"note: {note}" for note in mutation.notes]
    return [head, *notes, *([f"unknown: {mutation.unknown}"] if mutation.unknown else [])]
