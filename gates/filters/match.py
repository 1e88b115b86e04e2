"""Matching tests against a compiled expression.

Answers are three-valued: True, False, or None for "unknown", where a fact is missing. Unknown selects: a test that may
be meant is never left out silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .nodes import Expression, Predicate


@dataclass(frozen=True)
class TestName:
    """What a filter may know of a test without running it.

    Attributes:
        id: pytest's node id.
        file: path relative to the root of the tests, with `/`.
    """

    __test__ = False

    id: str
    file: str = ""

    @classmethod
    def from_id(cls, nodeid: str) -> TestName:
        """Take the file from the node id."""
        return cls(nodeid, nodeid.partition("::")[0])


Answer = Optional[bool]
Question = Callable[[TestName], Answer]


@dataclass(frozen=True)
class LeafQuestion:
    """A predicate of the expression, ready to be asked."""

    predicate: Predicate
    text: str
    ask: Question


@dataclass(frozen=True)
class Leaf:
    """How many tests one predicate matched by itself, wherever it stands in the expression."""

    predicate: Predicate
    text: str
    count: int


@dataclass(frozen=True)
class Selection:
    """What a filter selects of some tests.

    Attributes:
        matched: one value for each test, in their order.
        leaves: a count for each predicate, in the order of the text.
    """

    matched: tuple[bool, ...]
    leaves: tuple[Leaf, ...]


class Filter:
    """A compiled expression."""

    def __init__(self, expression: Expression, ask: Question, leaves: Sequence[LeafQuestion]) -> None:
        self.expression = expression
        self._ask, self._leaves = ask, tuple(leaves)

    def evaluate(self, test: TestName) -> Answer:
        """True, False, or None where it cannot be known."""
        return self._ask(test)

    def matches(self, test: TestName) -> bool:
        """Whether the test is selected; unknown selects."""
        return self._ask(test) is not False

    def select(self, tests: Sequence[TestName]) -> Selection:
        """Match many tests, and count what each leaf matches: one that matches nothing is probably a mistake."""
        ask = self._ask
        return Selection(
            tuple(ask(test) is not False for test in tests),
            tuple(
                Leaf(leaf.predicate, leaf.text, sum(leaf.ask(test) is not False for test in tests))
                for leaf in self._leaves
            ),
        )
