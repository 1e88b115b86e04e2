"""Match tests of the base with renamed tests of the head. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher

from gates.analysis.shapes import Shape

ALIKE = 0.75
"""Minimum likeness, of body and name together, for two tests to count as the same one."""

BODY_ALIKE = 0.6
"""Minimum likeness of the bodies; an equal name alone is not enough."""

BODY, NAME = 0.7, 0.3
"""Weights."""

COMPARED = 400
"""Maximum number of tests per side for comparing bodies pairwise; beyond it, only equal bodies and names count."""


def pairs_of(
    gone: Sequence[str], come: Sequence[str], base: Mapping[str, Shape], head: Mapping[str, Shape]
) -> dict[str, str]:
    """Test of the base → the test of the head that it became; ids without parameters.

    First those with an equal body, then those with the same name in another file, then the most alike, each once.

    Args:
        gone: tests that only the base has.
        come: tests that only the head has.
        base: what the source of the base shows about tests; may lack any.
        head: the same, for the head.
    """
    found: dict[str, str] = {}
    left, free = dict.fromkeys(gone), dict.fromkeys(come)

    def take(pairs: Iterable[tuple[str, str]]) -> None:
        for one, other in pairs:
            if one in left and other in free:
                found[one] = other
                del left[one], free[other]

    take(
        _equal(
            left,
            free,
            {t: base[t].fingerprint for t in left if t in base},
            {t: head[t].fingerprint for t in free if t in head},
        )
    )
    take(_equal(left, free, {t: _behind(t) for t in left}, {t: _behind(t) for t in free}))
    if len(left) <= COMPARED and len(free) <= COMPARED:
        scored = [
            (-score, one, other)
            for one in left
            for other in free
            if one in base and other in head and (score := likeness(one, other, base[one], head[other])) >= ALIKE
        ]
        take((one, other) for _, one, other in sorted(scored))
    return found


def _equal(
    left: Iterable[str], free: Iterable[str], of_left: Mapping[str, str], of_free: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Pairs with the same key, if only one test of each side has it."""
    seldom = {key for key, number in Counter(of_left.values()).items() if number == 1}
    seldom &= {key for key, number in Counter(of_free.values()).items() if number == 1}
    there = {of_free[test]: test for test in free if test in of_free}
    return [(test, there[of_left[test]]) for test in left if test in of_left and of_left[test] in seldom]


def likeness(one: str, other: str, before: Shape, after: Shape) -> float:
    """From 0 to 1; 0 if the bodies are too different, even with the same names."""
    mine, theirs = Counter(before.words), Counter(after.words)
    both, all_ = sum((mine & theirs).values()), sum((mine | theirs).values())
    body = both / all_ if all_ else 0.0
    if body < BODY_ALIKE:
        return 0.0
    name = SequenceMatcher(None, one.rpartition("::")[2], other.rpartition("::")[2], autojunk=False).ratio()
    return BODY * body + NAME * name


def _behind(test: str) -> str:
    return test.partition("::")[2] or test
