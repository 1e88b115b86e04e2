"""Why a check that is gone is not missed: its subject is gone, or the code no longer refuses or warns about what it was about."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence

from gates.analysis.checks.claims import CheckedTest, Claim
from gates.analysis.checks.reading import Side, digest_of
from gates.analysis.checks.subjects import Production
from gates.analysis.checks.supports import calls_of

EXPECTED = frozenset({"raises", "warns"})
"""Kinds of claims that say that the code refuses something, or warns about it."""

_ONLY_WHERE = re.compile(r"not \(?(\w+)\)?")
"""The condition of a skip: the test runs only where the name is true."""


class Excuses:
    """Reasons that the changed production code gives."""

    def __init__(self, production: Production, base: Side) -> None:
        self._production, self._base = production, base

    def of_claim(self, claim: Claim, before: CheckedTest, after: Iterable[Claim]) -> str:
        """Why one check of a test that is gone is not missed; empty if nothing says so.

        Args:
            claim: of the base, which nothing on the head makes.
            before: its test.
            after: the claims of what became of the test.
        """
        module = self._base.module(before.path)
        lost = self._production.is_gone(claim) or min(self._missing(before) & claim.words, default="")
        lost = lost or (self._production.missing_in(module, claim.text) if module is not None else "")
        if lost:
            return f"its subject is gone: {lost}"
        # What stands below an expected warning was said of what warned.
        around = next((one for one in before.claims if one.kind == "warns" and claim.text in one.text), claim)
        return self.accepted_now(claim, before.claims, after) or self.accepted_now(around, before.claims, after)

    def of_test(self, before: CheckedTest) -> str:
        """Why none of the checks of a test that is gone are missed: it is named after what is gone, or ran only with that."""
        name = f"_{before.id.rpartition('::')[2]}_"
        missing = self._missing(before)
        for one in sorted((self._production.gone_definitions | missing) & before.words, key=len, reverse=True):
            if len(one) > 3 and f"_{one.strip('_')}_" in name:
                return f"its subject is gone: {one}"
        lost = next((found[1] for mark in before.marks if (found := _ONLY_WHERE.fullmatch(mark.condition))), "")
        return f"it ran only where {lost} says so, and that is gone" if lost in missing else ""

    def of_names(self, node: ast.AST, before: CheckedTest, left: Iterable[Claim]) -> str:
        """Why a test that is gone is no more than a hint: it uses what is gone, or code that another package has now.

        Args:
            node: its arguments and its code.
            before: the test.
            left: its checks that nothing else makes.
        """
        attributes = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
        gone = (self._production.gone_definitions | self._missing(before)) & digest_of(node)[1]
        gone |= self._production.gone_fields & attributes
        if gone:
            return f"it uses {min(gone)}, which is gone"
        handed = self._production.handed_on
        each = [min(handed & calls_of(claim), default="") for claim in left] if handed else []
        return f"another package has its code now: {each[0]}" if each and all(each) else ""

    def accepted_now(self, claim: Claim, before: Sequence[Claim], after: Iterable[Claim]) -> str:
        """Why nothing is refused, or warned about, any more, if that is what a claim is about."""
        after = [one for one in after if one.counts]
        if self._production.raises_less(claim) or (claim.kind == "warns" and _says_that_nothing_warns(after, before)):
            return _reason(claim)
        for one in before:
            # What is said about an error goes with the error.
            if one.kind in EXPECTED and f"raised({one.subject})" in f"{claim.subject} {claim.expected}":
                there = [other for other in after if other.subject == one.subject]
                if any(other.kind in EXPECTED for other in there):
                    return ""
                if there or self.accepted_now(one, (), after):
                    return _reason(one)
        return ""

    def _missing(self, before: CheckedTest) -> frozenset[str]:
        module = self._base.module(before.path)
        return self._production.missing(module) if module is not None else frozenset()


def _reason(claim: Claim) -> str:
    names = " or ".join(claim.exceptions) or "any warning"
    return f"the code no longer {'raises' if claim.kind == 'raises' else 'gives'} {names} there"


def _says_that_nothing_warns(after: Iterable[Claim], before: Sequence[Claim]) -> bool:
    """Whether a test says on the head alone that nothing warns."""
    said = {claim.key for claim in before}
    return any(
        claim.subject.startswith("recwarn")
        and claim.key not in said
        and (claim.kind == "false" or claim.expected == "[]")
        for claim in after
    )
