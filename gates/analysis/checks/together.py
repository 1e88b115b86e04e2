"""Findings about a helper, told once with the tests that they concern."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from gates.portable.values import plural
from gates.results.weakening import Weakening

Place = tuple[str, int]
"""A file and a line of the base."""

_NAMED = 3
"""Tests that are named."""


def told_once(found: Iterable[tuple[Place, Weakening]]) -> Iterator[Weakening]:
    """One finding for each statement of a helper that says the same of several tests, as far as both sides are the same.

    Args:
        found: where the helper's statement is on the base, and what was found about it in one test.
    """
    together: dict[tuple[object, ...], list[tuple[Place, Weakening]]] = defaultdict(list)
    for place, one in found:
        together[place, one.rule, one.what, one.before, one.strength].append((place, one))
    for each in together.values():
        tests = list(dict.fromkeys(one.test for _, one in each))
        place, first = each[0]
        if len(tests) == 1:
            yield first
            continue
        names = ", ".join(test.rpartition("::")[2] for test in tests[:_NAMED])
        more = f" and {len(tests) - _NAMED} more" if len(tests) > _NAMED else ""
        # The helper itself, unless all of them name one place on the head.
        same = bool(first.after) and len({(one.path, one.line, one.after) for _, one in each}) == 1
        yield Weakening(
            rule=first.rule, what=f"{first.what} ({plural(len(tests), 'test')}: {names}{more})", path=first.path if same else place[0],
            line=first.line if same else 0, before=first.before, after=first.after if same else "", strength=first.strength,
        )  # fmt: skip
