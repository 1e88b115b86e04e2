"""How selections of lint rules are ordered: a prefix stands for all rules that begin with it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gates.analysis.strictness.rules import Rule, Said, Subject, text_of
from gates.results.weakening import Direction

EVERYWHERE = ""
"""The pattern of rules that are ignored in every file."""


def covers(one: str, other: str) -> bool:
    """Whether a selector stands for everything that the other stands for."""
    return one == "ALL" or other.startswith(one)


def covered(one: str, others: Collection[str]) -> bool:
    """Whether any of some selectors stands for everything that this one stands for."""
    return any(covers(other, one) for other in others)


def meets(one: str, others: Collection[str]) -> bool:
    """Whether a selector has rules in common with any of some others."""
    return any(covers(other, one) or covers(one, other) for other in others)


@dataclass(frozen=True)
class Selected:
    """What a linter reports.

    Attributes:
        rules: selectors of the rules.
        ignored: pattern of files → selectors that are ignored there.
    """

    rules: frozenset[str]
    ignored: Mapping[str, frozenset[str]]

    def ignores(self, pattern: str, rule: str) -> bool:
        """Whether a rule is ignored in files of a pattern."""
        return covered(rule, self.ignored.get(pattern, ())) or covered(rule, self.ignored.get(EVERYWHERE, ()))


@dataclass(frozen=True)
class Selection(Rule):
    """Which rules are reported, and where they are ignored, as one value: what is selected and ignored has no effect."""

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """For rules that are selected, and for each pattern of files in which some are ignored."""
        if not isinstance(before, Selected) or not isinstance(after, Selected):
            return
        for old, new, is_base in ((before, after, True), (after, before, False)):
            direction: Direction = "weaker" if is_base else "stronger"
            verb = "no longer reports" if is_base else "now reports"
            lost = sorted(one for one in old.rules if not covered(one, new.rules) and not old.ignores(EVERYWHERE, one))
            if lost:
                shown = (text_of(lost), "") if is_base else ("", text_of(lost))
                yield Said(
                    direction, *shown, f"{about.tool} {verb} {text_of(lost)}: the selection changed", tuple(lost)
                )
            for pattern, rules in new.ignored.items():
                yield from self._ignored(pattern, rules, (old, new), about, is_base=is_base)

    def _ignored(
        self, pattern: str, rules: Collection[str], sides: tuple[Selected, Selected], about: Subject, *, is_base: bool
    ) -> Iterator[Said]:
        """Rules that `new` ignores in files of a pattern, and `old` did not."""
        old, new = sides
        added = sorted(one for one in rules if not old.ignores(pattern, one))
        if not added:
            return
        renamed = pattern and not old.ignored.get(pattern) and any(
            other and other not in new.ignored and set(added) <= gone for other, gone in old.ignored.items()
        )  # fmt: skip
        matter = [one for one in added if meets(one, old.rules) and not renamed]
        idle = [] if renamed and not is_base else [one for one in added if one not in matter]
        why = "the pattern has another name" if renamed else "nothing selects it"
        where = f" in {pattern}" if pattern else ""
        verb = "no longer reports" if is_base else "now reports"
        directions: tuple[tuple[Direction, Sequence[str], str], ...] = (
            ("weaker" if is_base else "stronger", matter, ""),
            ("other", idle, f": {why}"),
        )
        for direction, group, reason in directions:
            if group:
                shown = ("", text_of(group)) if is_base else (text_of(group), "")
                yield Said(direction, *shown, f"{about.tool} {verb} {text_of(group)}{where}{reason}", tuple(group))
