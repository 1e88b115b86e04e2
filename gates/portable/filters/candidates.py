"""Many tests in order, grouped by what they share: a predicate about a shared part is evaluated once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Union, overload

from .candidate import Candidate, Described

UNKNOWN_VALUE = object()
"""Placeholder for a value: the test has parameters, but this one is unknown."""


class Groups(NamedTuple):
    """Tests that share something, so that a predicate about it is evaluated once.

    Attributes:
        of: the group of each test, in the order of the tests.
        members: one test of each group.
    """

    of: Sequence[int]
    members: Sequence[Candidate]


class Candidates(Sequence[Candidate]):
    """Tests in order. Subclasses that know more can tell which tests share what (see `pytest_plugin`)."""

    def __init__(self, tests: Iterable[Candidate]) -> None:
        self._tests = list(tests)

    def __len__(self) -> int:
        return len(self._tests)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Candidate]: ...

    def __getitem__(self, index: Union[int, slice]) -> Union[Candidate, Sequence[Candidate]]:
        return [self.at(place) for place in range(len(self))[index]] if isinstance(index, slice) else self.at(index)

    def at(self, position: int) -> Candidate:
        """The test at a position."""
        return self._tests[position]

    @property
    def ids(self) -> Sequence[str]:
        """The id of each test."""
        return [test.id for test in self._tests]

    @property
    def functions(self) -> Groups:
        """Tests of one function, which differ only in their parameters. Unknown here, so each is separate."""
        return Groups(range(len(self._tests)), self._tests)

    @property
    def marked(self) -> Groups:
        """Tests of one function with the same markers."""
        return self.functions

    def param_values(self, key: str) -> Iterable[object]:
        """The value of a parameter for each test; for an empty key, all parameters as in the id.

        A string; None for a test without it; `UNKNOWN_VALUE` if unknown.
        """
        return (_param_value(test, key) for test in self)


def _param_value(test: Candidate, key: str) -> object:
    shown = test.names.param
    if not shown or not key:
        return shown or None
    return UNKNOWN_VALUE if test.params is None else test.params.get(key)


def describe(tests: Candidates) -> list[dict[str, Any]]:
    """Everything known about each test, as JSON; what the tests of a function share is in the row of the first.

    A test's row has `id`, `params` and `like` (the row with the rest of its data); or all of `Candidate.to_json`.
    """
    firsts: dict[int, int] = {}
    rows: list[dict[str, Any]] = []
    for position, (test, group) in enumerate(zip(tests, tests.marked.of)):
        first = firsts.setdefault(group, position)
        if first == position:
            rows.append(test.to_json())
        else:
            rows.append({"id": test.id, "params": test.params, "like": first})
    return rows


def of_descriptions(rows: Iterable[Mapping[str, Any]]) -> Iterator[Described]:
    """The tests from the output of `describe`, in order."""
    found: list[Described] = []
    for row in rows:
        like = row.get("like")
        found.append(Described(row) if like is None else found[like].twin(row["id"], row["params"]))
    return iter(found)
