"""Why a test is selected or not: the tree of an expression with an answer at every node."""

from __future__ import annotations

from collections.abc import Iterator

from ..quick_dataclass import dataclass
from . import columns
from .candidate import Candidate
from .candidates import Candidates
from .compile import operator_of
from .match import Branch, Filter, value_of
from .resolution import Answer

WORDS = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True)
class Explained:
    """A node with its answer.

    Attributes:
        text: an operator's word, or a predicate.
        answer: for the test in question.
        why: what is missing where the answer is unknown; what must be known of it otherwise.
        parts: the nodes below.
    """

    text: str
    answer: Answer
    why: str = ""
    parts: tuple[Explained, ...] = ()

    def lines(self, depth: int = 0) -> Iterator[tuple[int, Explained]]:
        """The tree from the top, each node with its depth."""
        yield depth, self
        for part in self.parts:
            yield from part.lines(depth + 1)


def explain(compiled: Filter, test: Candidate) -> Explained:
    """The tree of an expression for one test."""
    return _explained(compiled.root, test)


def _explained(branch: Branch, test: Candidate) -> Explained:
    answer = columns.answer(value_of(branch, Candidates((test,)), {})[0])
    why = ""
    if branch.leaf is not None:
        why = branch.leaf.why(test) if answer is None else branch.leaf.note
    text = operator_of(branch.expression) or branch.text
    return Explained(text, answer, why, tuple(_explained(part, test) for part in branch.parts))


def render(tree: Explained) -> str:
    """The tree as text: `true`, `false` or `unknown` in front of every node."""
    lines = []
    for depth, node in tree.lines():
        why = f"  ({node.why})" if node.why else ""
        lines.append(f"{WORDS[node.answer]:<8}{'  ' * depth}{node.text}{why}")
    return "\n".join(lines) + "\n"
