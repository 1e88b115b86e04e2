"""The order in which tests run. Pure: every worker of a session computes the same one.

Standard library only, Python 3.9 syntax: the pytest plugin sorts by it in foreign environments (see `values`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .originals import random
from .quick_dataclass import dataclass
from .values import BAD_TESTS, LOST_TESTS, TestOutcome

_WRONG = frozenset(str(outcome) for outcome in (*BAD_TESTS, *LOST_TESTS, TestOutcome.FLAKY))


@dataclass(frozen=True)
class Known:
    """The result of a test when it last ran.

    Attributes:
        outcome: as in its result.
        seconds: its duration.
    """

    outcome: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Sortable:
    """A test, with what determines its place.

    Attributes:
        id: pytest's node id.
        priority: tests with a higher one always start earlier.
    """

    id: str
    priority: int = 0


def sort(tests: Sequence[Sortable], order: str, history: Mapping[str, Known] | None = None, seed: int = 0) -> list[int]:
    """Positions of the tests in the order in which they are to run.

    Failed or new tests come first in their given order, then all others. The longest files come first, and in a file
    the longest test, because splitting the tests of a file repeats its fixtures. For the same reason, shuffling applies
    to files, to the classes of a file, and to their tests.

    Args:
        tests: in pytest's order.
        order: one of `values.ORDERS`; empty for pytest's.
        history: previous results of tests, by id.
        seed: for the random order.
    """
    known = history or {}
    positions = list(range(len(tests)))
    if order == "failed-first":
        positions.sort(key=lambda at: known.get(tests[at].id, Known()).outcome not in _WRONG)
    elif order == "new-first":
        positions.sort(key=lambda at: tests[at].id in known)
    elif order == "longest-first":
        positions = _longest_first(tests, known)
    elif order == "random":
        positions = _shuffled(positions, tests, random.Random(seed))
    positions.sort(key=lambda at: -tests[at].priority)
    return positions


def _longest_first(tests: Sequence[Sortable], known: Mapping[str, Known]) -> list[int]:
    seconds = [known[test.id].seconds if test.id in known else None for test in tests]
    measured = [one for one in seconds if one is not None]
    # A test of unknown length counts as an average one: starting it late is the costlier mistake.
    usual = sum(measured) / len(measured) if measured else 0.0
    each = [usual if one is None else one for one in seconds]
    files: dict[str, float] = {}
    for test, length in zip(tests, each):
        file = _file(test.id)
        files[file] = files.get(file, 0.0) + length
    rank = {file: number for number, file in enumerate(files)}
    return sorted(range(len(tests)), key=lambda at: (-files[_file(tests[at].id)], rank[_file(tests[at].id)], -each[at]))


def _shuffled(positions: Sequence[int], tests: Sequence[Sortable], dice: random.Random, depth: int = 0) -> list[int]:
    """Shuffle files, then classes within a file, then tests."""
    groups: dict[str, list[int]] = {}
    for at in positions:
        parts = tests[at].id.split("[")[0].split("::")
        name = "::".join(parts[: depth + 1])
        groups.setdefault(name if depth < len(parts) - 1 else f"{name} {at}", []).append(at)
    names = list(groups)
    dice.shuffle(names)
    found: list[int] = []
    for name in names:
        inside = groups[name]
        found += _shuffled(inside, tests, dice, depth + 1) if len(inside) > 1 else inside
    return found


def _file(test: str) -> str:
    return test.partition("::")[0]
