"""What a rule is: a judgement of two versions, with examples that it must find and twins that it must not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gates.analysis.checks.claims import CheckedTest, Claim
from gates.results.weakening import Strength

Pair = tuple[str, str]
"""The text of a test file on the base and on the head."""


@dataclass(frozen=True)
class Verdict:
    """What a rule says.

    Attributes:
        what: in one sentence.
        strength: `certain` makes a regression.
        before: text of the base, if it is not the claim's.
        after: text of the head, if it is not the claim's.
        line: on the head, if it is not the claim's.
    """

    what: str
    strength: Strength = "certain"
    before: str = ""
    after: str = ""
    line: int = 0


@dataclass(frozen=True)
class ClaimRule:
    """Judges a claim of the base and the claim of the head about the same subject.

    Attributes:
        name: of the rule, in findings.
        judge: gives a verdict if the second is weaker in the way that the rule is about.
        examples: that it finds.
        twins: that look alike and are not weaker.
    """

    name: str
    judge: Callable[[Claim, Claim], Verdict | None]
    examples: tuple[Pair, ...] = ()
    twins: tuple[Pair, ...] = ()


@dataclass(frozen=True)
class TestRule:
    """Judges a whole test of the base and what became of it; the rest is as in `ClaimRule`."""

    __test__ = False

    name: str
    judge: Callable[[CheckedTest, CheckedTest], Iterator[Verdict]]
    examples: tuple[Pair, ...] = ()
    twins: tuple[Pair, ...] = ()


def number(text: str) -> float | None:
    """The number that a text is; None if it is none."""
    try:
        return float(text.replace("_", "").strip("()"))
    except ValueError:
        return None
