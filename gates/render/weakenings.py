"""The part of a summary about what checks less than on the base: each finding with before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from gates.compare.values import Comparison
from gates.compare.weakenings import OF_OUTCOMES, rule_of, weakenings_of
from gates.render.artifacts import Annotation
from gates.render.text import one_line, plural
from gates.results import Weakening

HEADING = "Weaker than on the base"
HINTS = "Perhaps weaker (hints, which fail nothing)"
HOW_TO_ACCEPT = "To accept one, say why: --accept-weakened ID=REASON"

SHOWN_HINTS = 10
"""Hints that a terminal shows; findings that count are never cut."""

_LONGEST = 300


class WeakeningView(msgspec.Struct, frozen=True):
    """A finding, laid out.

    Attributes:
        where: the test, or the place of a setting.
        place: file and line, if `where` does not say it.
        what: what became weaker.
        before: the text on the base.
        after: the text on the head.
        mutant: diff of a fault that the base's version of the test finds, and the head's does not.
        id: to accept it by.
        accepted: why it was accepted; empty if it was not.
        counts: it makes a regression.
    """

    where: str
    place: str
    what: str
    before: str
    after: str
    mutant: str
    id: str
    accepted: str
    counts: bool

    @property
    def diff(self) -> tuple[str, ...]:
        """Before and after, as lines of a diff; none if both are unknown."""
        return (
            *(f"- {line}" for line in self.before.splitlines()),
            *(f"+ {line}" for line in self.after.splitlines()),
        )


def weakening_views(comparison: Comparison) -> tuple[tuple[WeakeningView, ...], tuple[WeakeningView, ...]]:
    """What got weaker, accepted or not, and what only perhaps did."""
    shown = [(one, _view(one)) for one in _all(comparison)]
    return (
        tuple(view for one, view in shown if one.counts or one.accepted),
        tuple(view for one, view in shown if not one.counts and not one.accepted),
    )


def _all(comparison: Comparison) -> tuple[Weakening, ...]:
    """All findings; files of earlier versions list tests only."""
    return comparison.weakenings or weakenings_of(comparison.tests)


def _view(one: Weakening) -> WeakeningView:
    place = f"{one.path}:{one.line}" if one.line else one.path
    return WeakeningView(
        where=one.test or place,
        place=place if one.test and one.line else "",
        what=one_line(one.what, _LONGEST),
        before=one.before,
        after=one.after,
        mutant=one.mutant,
        id=one.id,
        accepted=one_line(one.accepted, _LONGEST),
        counts=one.counts,
    )


def weakening_lines(weaker: Sequence[WeakeningView], hints: Sequence[WeakeningView]) -> list[str]:
    """Lines for a terminal."""
    lines = []
    for heading, views, most in ((HEADING, weaker, len(weaker)), (HINTS, hints, SHOWN_HINTS)):
        if not views:
            continue
        lines += ["", f"{heading} ({len(views)}):"]
        for view in views[:most]:
            place = f" ({view.place})" if view.place else ""
            lines.append(f"  {view.where}{place}: {view.what} [{view.id}]")
            lines += [f"    {line}" for line in view.diff]
            if view.mutant:
                lines += ["    Only the base's test finds this fault:", *(f"      {line}" for line in view.mutant.splitlines())]  # fmt: skip
            lines += [f"    Accepted: {view.accepted}"] if view.accepted else []
        lines += [f"  … and {len(views) - most} more"] if len(views) > most else []
    if any(not view.accepted for view in weaker):
        lines.append(f"  {HOW_TO_ACCEPT}")
    return lines[1:]


def weakening_words(comparison: Comparison, words: dict[str, str]) -> tuple[str, ...]:
    """What got weaker, counted, for the verdict.

    Args:
        comparison: the comparison.
        words: field of the test comparison → its words.
    """
    accepted = {(one.rule, one.test) for one in _all(comparison) if one.accepted}
    said = []
    for field in OF_OUTCOMES:
        open_ = [
            test
            for test in getattr(comparison.tests, field)
            if (rule_of(field), test.partition("[")[0]) not in accepted
        ]
        said += [f"{len(open_)} {words[field]}"] if open_ else []
    outcomes = {rule_of(field) for field in OF_OUTCOMES}
    counted = Counter(_kind(one) for one in _all(comparison) if one.counts and one.rule not in outcomes)
    said += [f"{counted['test']} checking less"] if counted["test"] else []
    said += [plural(counted["setting"], "weaker setting")] if counted["setting"] else []
    number = sum(1 for one in _all(comparison) if one.accepted)
    return (*said, *([f"{number} weaker, accepted"] if number else []))


def _kind(one: Weakening) -> str:
    return "setting" if one.rule.endswith("-setting") else "test"


def weakening_annotations(comparison: Comparison) -> Iterator[Annotation]:
    """At the place of each finding: an error if it makes a regression."""
    for one in _all(comparison):
        if one.accepted:
            continue
        texts = [one.what, *([f"before: {one.before}"] if one.before else [])]
        texts += [f"after: {one.after}"] if one.after else []
        texts += [f"only the base's test finds this fault:\n{one.mutant}"] if one.mutant else []
        title = f"{'weaker' if one.counts else 'perhaps weaker'}: {one.test or one.path} ({one.id})"
        yield Annotation(one.path, one.line, title, "\n".join(texts), "error" if one.counts else "warning")
