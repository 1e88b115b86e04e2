"""What tests did about mutants, for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Self, TextIO

from gates.portable.escapes import clean, one_line
from gates.portable.values import format_duration, plural
from gates.render.artifacts import Annotation
from gates.render.markup import code, escape, fenced
from gates.render.red_green import SAID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from gates.compare.values import Comparison
    from gates.results import Mutant, MutantReport, Mutation

NAMED = 5
"""Tests that are named below a survivor."""

LISTED = 8
"""Lines that are listed as unknown, or because no test runs them."""


class Shown:
    """Shows each mutant as it is tried: survivors stay, on a terminal the others are one line that changes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._counts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live and self._counts:
            self._stream.write("\r\x1b[K")

    def take(self, mutant: Mutant) -> None:
        """Show one."""
        self._counts[mutant.finding] += 1
        if self._live:
            self._stream.write("\r\x1b[K")
        if mutant.finding == "survived" or not self._live:
            self._stream.write(clean(f"{mutant.finding:<9} {mutant.path}:{mutant.line}  {mutant.operator}\n"))
        if self._live:
            self._stream.write(f"mutants: {counted(self._counts)}")
        self._stream.flush()


def counted(counts: Counter[str]) -> str:
    """How many of each kind."""
    return ", ".join(f"{number} {finding}" for finding, number in counts.items()) or "none was tried"


def mutants_text(mutation: Mutation) -> str:
    """For a terminal: the survivors, each with its diff and the tests that ran, and lines about the rest."""
    lines: list[str] = []
    for mutant in mutation.of("survived"):
        lines += [*survivor_lines(mutant), ""]
    lines += grouped_lines(mutation)
    return "\n".join([*lines, *closing_lines(mutation), ""])


def grouped_lines(mutation: Mutation) -> list[str]:
    """Lines about which nothing is known, and those that no test runs: by reason, the first places of each."""
    groups: dict[str, list[str]] = {}
    for one in mutation.of("unknown"):
        groups.setdefault(f"could not be tried ({one.reason})", []).append(f"{one.path}:{one.line}")
    for one in mutation.of("unreached"):
        groups.setdefault("run by no test after the collection", []).append(f"{one.path}:{one.line}")
    return [
        f"{plural(len(places), 'changed line')} {words}: {', '.join([*places[:LISTED], *(['…'] if len(places) > LISTED else [])])}"
        for words, places in groups.items()
    ]


def survivor_lines(mutant: Mutant) -> list[str]:
    """A survivor: where, what, and which tests passed all the same."""
    return [
        f"SURVIVED {place_of(mutant)}: {mutant.operator} [{mutant.id}]",
        *(f"    {line}" for line in mutant.diff.splitlines()),
        f"    {passed_line(mutant)}",
        *([f"    {mutant.reason}"] if mutant.reason else []),
    ]


def place_of(mutant: Mutant) -> str:
    """File, line and function."""
    return f"{mutant.path}:{mutant.line}{f' in {mutant.function}' if mutant.function else ''}"


def passed_line(mutant: Mutant) -> str:
    """Which tests passed all the same."""
    shown = [*mutant.tests[:NAMED], *(["…"] if len(mutant.tests) > NAMED else [])]
    return f"{plural(len(mutant.tests), 'test')} passed all the same: {', '.join(shown)}"


def closing_lines(mutation: Mutation) -> list[str]:
    """How many of each kind there were, and what else must be known."""
    counts: Counter[str] = Counter(one.finding for one in mutation.mutants)
    head = f"mutants: {counted(counts)} in {format_duration(mutation.seconds)}"
    if mutation.left_out:
        head += (
            f"; {plural(mutation.left_out, 'mutant')} did not fit into the budget of {format_duration(mutation.budget)}"
        )
    notes = [f"note: {note}" for note in mutation.notes]
    failed = [f"failed: {entry}" for entry in mutation.ledger]
    return [head, *notes, *failed, *([f"not everything is known: {mutation.unknown}"] if mutation.unknown else [])]


def survivor_markdown(mutant: Mutant) -> list[str]:
    """Its diff, and the tests that passed all the same."""
    return [*fenced(mutant.diff, "diff"), "", f"{escape(passed_line(mutant))}.", ""]


def title_of(mutant: Mutant) -> str:
    """Where it is, and what it is."""
    return f"{place_of(mutant)}: {mutant.operator}"


SURVIVED = "mutants that no test noticed"
"""Words of the list."""


def mutant_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    """The row of a comparison's table; none if no mutant was asked for."""
    found = comparison.mutation
    return [("Mutants", "-", mutants_line(found))] if found is not None else []


def mutants_line(mutation: Mutation) -> str:
    """What became of the mutants, in one line."""
    counts: Counter[str] = Counter(one.finding for one in mutation.mutants)
    words = [counted(counts) if counts else "no changed line is worth one"]
    if mutation.left_out:
        words.append(f"{plural(mutation.left_out, 'mutant')} did not fit into the budget")
    if mutation.unknown:
        words = [*(words if counts else []), f"not everything is known: {one_line(mutation.unknown, SAID)}"]
    return "; ".join([*words, *mutation.ledger])


def mutant_lists(comparison: Comparison) -> list[tuple[str, tuple[str, ...]]]:
    """The survivors of a comparison."""
    found = comparison.mutation.of("survived") if comparison.mutation is not None else ()
    return [(SURVIVED, tuple(map(title_of, found)))] if found else []


def mutant_words(comparison: Comparison) -> list[str]:
    """What is important, counted."""
    found = comparison.mutation.of("survived") if comparison.mutation is not None else ()
    return [f"{plural(len(found), 'mutant')} survived"] if found else []


def mutant_annotations(comparison: Comparison) -> Iterator[Annotation]:
    """At the line of each survivor: an error if it makes a regression."""
    level: Literal["error", "warning"] = "error" if "survived" in comparison.fail_on else "warning"
    for one in comparison.mutation.of("survived") if comparison.mutation is not None else ():
        text = "\n".join((one.diff, passed_line(one)))
        yield Annotation(one.path, one.line, f"no test notices: {one.operator}", text, level)


def mutants_markdown(report: MutantReport) -> str:
    """`mutants.md`: for a pull request."""
    mutation = report.mutation
    survived = mutation.of("survived")
    title = f"{plural(len(survived), 'mutant')} survived" if survived else "No mutant survived"
    lines = [f"# {title}", "", f"Changed lines of {code(report.head)} since {code(report.base)}.", ""]
    return "\n".join([*lines, *markdown_lines(mutation)])


def markdown_lines(mutation: Mutation) -> list[str]:
    """The survivors with their diffs, and what else must be known."""
    lines: list[str] = []
    for mutant in mutation.of("survived"):
        lines += [f"**{code(place_of(mutant))}**: {escape(mutant.operator)}", "", *survivor_markdown(mutant)]
    lines += [f"- {escape(line)}" for line in grouped_lines(mutation)]
    lines += [f"- {escape(line)}" for line in closing_lines(mutation)]
    return [*lines, ""]
