"""Whether one expression of the filter language selects less than another, as far as their parts show it. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from gates.analysis.strictness.rules import Rule, Said, Subject, text_of
from gates.portable.filters import Expression, FilterSyntaxError, Not, Or, parse, to_text
from gates.portable.filters.nodes import And


@dataclass(frozen=True)
class Filter(Rule):
    """An expression that selects tests.

    Attributes:
        leaves_out: the tests that it selects do not count.
    """

    default: Any = ""
    leaves_out: bool = False

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """Said once; a change that only runs can judge is neither weaker nor stronger."""
        old, new = text_of(before).strip(), text_of(after).strip()
        if same(old, new):
            return
        less, more = selects_less(new, old), selects_less(old, new)
        counts_less, counts_more = (more, less) if self.leaves_out else (less, more)
        counted = "fewer tests count" if counts_less else "more tests count" if counts_more else "other tests count"
        direction = "weaker" if counts_less else "stronger" if counts_more else "other"
        shown = f"from {old or 'nothing'} to {new or 'nothing'}"
        what = f"{about.tool} changes {about.key}{about.where} {shown}: {counted}"
        yield Said(direction, old, new, what)  # type: ignore[arg-type] # one of the three


def same(one: str, other: str) -> bool:
    """Whether two expressions are the same but for their form and the order of their parts."""
    return _canonical(one) == _canonical(other)


def selects_less(one: str, other: str) -> bool:
    """Whether the first certainly selects no test that the second does not, and perhaps fewer; empty is everything."""
    if not one or not other:
        return bool(one) and not other
    parts, others = _parts(one, And), _parts(other, And)
    if parts and others and parts > others:  # more conditions
        return True
    choices, other_choices = _parts(one, Or), _parts(other, Or)
    return bool(choices) and choices < other_choices


def _parts(text: str, kind: type) -> frozenset[str]:
    try:
        tree = parse(text)
    except FilterSyntaxError:
        return frozenset()
    return frozenset(_spread(tree, kind))


def _spread(tree: Expression, kind: type) -> Iterator[str]:
    if isinstance(tree, Not) and isinstance(tree.operand, (Or, And)) and not isinstance(tree.operand, kind):
        for part in tree.operand.operands:
            yield from _spread(Not(part), kind)
    elif isinstance(tree, (Or, And)) and isinstance(tree, kind):
        for part in tree.operands:
            yield from _spread(part, kind)
    else:
        yield to_text(tree)


def _canonical(text: str) -> object:
    try:
        return _form(parse(text)) if text else ""
    except FilterSyntaxError:
        return text


def _form(tree: Expression) -> Hashable:
    """A tree in a form in which the order of operands does not matter."""
    if isinstance(tree, Not):
        return ("not", _form(tree.operand))
    if isinstance(tree, (And, Or)):
        return (type(tree).__name__, frozenset(_form(part) for part in tree.operands))
    return to_text(tree)
