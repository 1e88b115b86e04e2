"""Matching tests against a compiled expression.

Answers are three-valued: yes, no, or unknown if a fact is missing. Unknown selects: a test that may match is never
left out silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Optional

from ..quick_dataclass import dataclass
from . import columns
from .candidates import Candidates
from .nodes import And, Expression, Not, Predicate

if TYPE_CHECKING:
    from .candidate import Candidate
    from .columns import Column
    from .leaves import LeafQuestion
    from .resolution import Answer


@dataclass(frozen=True)
class Branch:
    """A node of the compiled tree.

    Attributes:
        expression: the node.
        text: its canonical form.
        parts: operands; for `default()` and `quarantined()`, the expression that they mean.
        leaf: of a predicate about a test.
    """

    expression: Expression
    text: str
    parts: tuple[Branch, ...] = ()
    leaf: Optional[LeafQuestion] = None

    def leaves(self) -> Iterator[LeafQuestion]:
        """The predicates below, in the order of the text."""
        if self.leaf is not None:
            yield self.leaf
        for part in self.parts:
            yield from part.leaves()


@dataclass(frozen=True)
class Leaf:
    """What one predicate matched by itself, wherever it is in the expression.

    Attributes:
        predicate: as in the expression.
        text: its canonical form.
        count: tests that match, or may match.
        unknown: how many of these only may match, because a fact is missing.
        why: which fact.
        question: the predicate that was evaluated.
    """

    predicate: Predicate
    text: str
    count: int
    unknown: int = 0
    why: str = ""
    question: Optional[LeafQuestion] = None


@dataclass(frozen=True)
class Selection:
    """The result of a filter for some tests.

    Attributes:
        column: an answer for each test, in their order.
        leaves: counts for each predicate, in the order of the text.
    """

    column: Column
    leaves: tuple[Leaf, ...]

    @property
    def matched(self) -> tuple[bool, ...]:
        """Which tests are selected; unknown selects."""
        return tuple(map(bool, self.column))

    @property
    def certain(self) -> tuple[bool, ...]:
        """Which tests certainly match: only these may be left out by an exclusion."""
        return tuple(value == columns.YES for value in self.column)


class Filter:
    """A compiled expression."""

    def __init__(self, root: Branch) -> None:
        self.root = root

    @property
    def expression(self) -> Expression:
        """What was compiled."""
        return self.root.expression

    def evaluate(self, test: Candidate) -> Answer:
        """True, False, or None if unknown."""
        return columns.answer(self.column(Candidates((test,)))[0])

    def matches(self, test: Candidate) -> bool:
        """Whether the test is selected; unknown selects."""
        return self.evaluate(test) is not False

    def column(self, tests: Iterable[Candidate]) -> Column:
        """The answers for some tests."""
        return value_of(self.root, _listed(tests), {})

    def select(self, some: Iterable[Candidate]) -> Selection:
        """Match many tests, and count the matches of each predicate: one without matches is probably a mistake."""
        tests = _listed(some)
        asked: dict[int, Column] = {}
        column = value_of(self.root, tests, asked)
        leaves = []
        for question in self.root.leaves():
            own = asked[id(question)]
            unknown = own.count(columns.UNKNOWN)
            why = question.why(tests[own.index(columns.UNKNOWN)]) if unknown else ""
            leaves.append(
                Leaf(question.predicate, question.text, own.count(columns.YES) + unknown, unknown, why, question)
            )
        return Selection(column, tuple(leaves))


def _listed(tests: Iterable[Candidate]) -> Candidates:
    return tests if isinstance(tests, Candidates) else Candidates(tests)


def value_of(branch: Branch, tests: Candidates, asked: dict[int, Column]) -> Column:
    """The column of a node; `asked` collects those of its predicates."""
    if branch.leaf is not None:
        found = asked[id(branch.leaf)] = branch.leaf.column(tests)
        return found
    parts = [value_of(part, tests, asked) for part in branch.parts]
    if isinstance(branch.expression, Not):
        return columns.negated(parts[0])
    return columns.both(parts) if isinstance(branch.expression, And) else columns.either(parts)
