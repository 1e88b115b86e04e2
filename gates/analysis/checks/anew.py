"""Whether new tests check the code that changed, and that a test which is gone checked before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from gates.analysis.checks.claims import EXISTS, CheckedTest, Claim

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Newcomer:
    """A test that is new, or that checks more than before.

    Attributes:
        id: of the test.
        names: in its code.
        claims: number of checks that no test of its name made on the base.
    """

    id: str
    names: frozenset[str]
    claims: int


class Newcomers:
    """New checks, each of which stands in for one check that is gone: not more may go than come."""

    def __init__(self, tests: Iterable[Newcomer], changed: frozenset[str]) -> None:
        """Know these tests, and the names of definitions whose code changed."""
        self._left = {test: test.claims for test in tests if test.claims > 0 and test.names & changed}
        self._changed = changed

    def for_test(self, names: frozenset[str], lost: int) -> str:
        """The new test that checks most of the changed code which a test that is gone used; empty without enough of them.

        Args:
            names: in the code of the test that is gone.
            lost: number of its checks that nothing else makes.
        """
        subjects = names & self._changed
        chosen = list(self._covering(subjects))
        if not subjects or frozenset().union(*(one.names for one in chosen)) & subjects != subjects:
            return ""
        if sum(self._left[one] for one in chosen) < max(1, lost):
            return ""
        due = max(1, lost)
        for one in chosen:
            used = min(due, self._left[one])
            self._left[one] -= used
            due -= used
        return chosen[0].id

    def _covering(self, subjects: frozenset[str]) -> Iterator[Newcomer]:
        """Tests that still have checks to give and use some of these names, those with the most first."""
        fit = [one for one, left in self._left.items() if left and one.names & subjects]
        return iter(sorted(fit, key=lambda one: (-len(one.names & subjects), one.id)))


def new_checks(after: CheckedTest, before: CheckedTest | None, known: Collection[Key]) -> int:
    """How many checks a test makes that nothing made before, beyond those that it makes no longer.

    Args:
        after: the test of the head.
        before: the same test of the base; None if it is new.
        known: keys of all checks of the base.
    """
    now = {key(claim) for claim in after.claims if claim.counts and claim.level > EXISTS}
    was = {key(claim) for claim in before.claims if claim.counts} if before is not None else set()
    return max(0, len(now.difference(known)) - len(was - now))


def key(claim: Claim) -> Key:
    """The same for checks of the same thing that expect the same."""
    return claim.kind, claim.subject, claim.expected
