"""pytest's items as the filter language sees them; each part is looked up when a predicate needs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Optional

import pytest

from ...portable.filters.candidate import Candidate, Mark, NodeParts, here, split_id
from ...portable.filters.candidates import Candidates, Groups
from ...portable.masking import distinct
from ..secrets import SECRETS
from ..text import words

LONGEST = 1000
"""Maximum characters of a value that a filter sees."""


class ItemCandidate(Candidate):
    """A collected item, with everything that pytest knows about it."""

    def __init__(self, item: pytest.Item, above: str = "") -> None:
        # Not that of the base class: this runs for every test, and most filters need only the id.
        self.id: str = item.nodeid
        self._item = item
        self.above = above

    @cached_property
    def file(self) -> str:  # type: ignore[override]  # an attribute of the base
        """Path relative to the root of the tests."""
        return self.id.partition("::")[0]

    @cached_property
    def names(self) -> NodeParts:
        """The parts of the id; the name of an item that is not a Python function may contain anything."""
        if isinstance(self._item, pytest.Function) or self._is_doctest:
            return split_id(self.id)
        return NodeParts(self.file, (), self._item.name, "", self.id)

    @property
    def module(self) -> Optional[str]:  # type: ignore[override]
        """The name under which pytest imported the file; empty if the item is not in a module."""
        if self._is_doctest:  # its item is in a file of doctests, which is still a module
            return self.file[:-3].replace("/", ".") if self.file.endswith(".py") else ""
        module = self._item.getparent(pytest.Module)
        return str(getattr(module.obj, "__name__", "")) if module is not None else ""

    @property
    def kind(self) -> Optional[str]:  # type: ignore[override]
        """One of `predicates.KINDS`."""
        if isinstance(self._item, pytest.Function):
            return "function" if self._item.cls is None else "method"
        return "doctest" if self._is_doctest else "other"

    @property
    def _is_doctest(self) -> bool:
        return type(self._item).__name__ == "DoctestItem"

    @cached_property
    def marks(self) -> Optional[tuple[Mark, ...]]:  # type: ignore[override]
        """The markers of the test, its classes and its module, the nearest first."""
        return tuple(map(mark_of, self._item.iter_markers()))

    @property
    def fixtures(self) -> Optional[tuple[str, ...]]:  # type: ignore[override]
        """Every fixture that it uses, directly or not, except those requested while it runs."""
        return tuple(getattr(self._item, "fixturenames", ()))

    @property
    def params(self) -> Optional[Mapping[str, str]]:  # type: ignore[override]
        """Values by the names of the parameters."""
        spec = getattr(self._item, "callspec", None)
        return {name: text_of(value) for name, value in spec.params.items()} if spec is not None else {}

    @property
    def docstring(self) -> Optional[str]:  # type: ignore[override]
        """The docstring of the function; empty if it has none."""
        return str(getattr(getattr(self._item, "obj", None), "__doc__", None) or "")

    @property
    def platform(self) -> Optional[tuple[str, ...]]:  # type: ignore[override]
        """The names of this platform."""
        return here()


class ItemCandidates(Candidates):
    """Collected items; parts that no filter needs are never looked up."""

    def __init__(self, items: Sequence[pytest.Item], above: str = "") -> None:
        self._items, self._above = items, above
        self._made: dict[int, ItemCandidate] = {}

    def __len__(self) -> int:
        return len(self._items)

    def at(self, position: int) -> Candidate:
        """The test at a position, created on demand."""
        found = self._made.get(position)
        if found is None:
            found = self._made[position] = ItemCandidate(self._items[position], self._above)
            found.recorded = self.shown.get(found.id, "")
        return found

    @cached_property
    def shown(self) -> dict[str, str]:
        """Ids that contain a secret → their masked form in results."""
        return distinct(self.ids, SECRETS.mask)

    @cached_property
    def ids(self) -> Sequence[str]:
        """The id of each test."""
        return [item.nodeid for item in self._items]

    @cached_property
    def functions(self) -> Groups:
        """Tests that pytest made from one function: same parent, same original name, and the same lookup of fixtures."""
        return self._grouped(
            (getattr(item, "originalname", None) or item.name, id(item.parent), id(getattr(item, "_fixtureinfo", None)))
            for item in self._items
        )

    @cached_property
    def marked(self) -> Groups:
        """The same, if the markers of the test itself are also the same: parameters and plugins may add some."""
        functions = self.functions.of
        return self._grouped(
            (functions[position], *map(id, item.own_markers)) for position, item in enumerate(self._items)
        )

    def param_values(self, key: str) -> Iterable[object]:
        """The value of a parameter for each test, or all of them as in its id."""
        specs = (getattr(item, "callspec", None) for item in self._items)
        if not key:
            return (spec.id if spec is not None else None for spec in specs)
        missing = object()
        values = (missing if spec is None else spec.params.get(key, missing) for spec in specs)
        return (None if value is missing else text_of(value) for value in values)

    def _grouped(self, keys: Iterable[object]) -> Groups:
        numbers: dict[object, int] = {}
        groups = [numbers.setdefault(key, len(numbers)) for key in keys]
        members: list[Candidate] = []
        for position, group in enumerate(groups):
            if group == len(members):
                members.append(self[position])
        return Groups(groups, members)


def mark_of(mark: pytest.Mark) -> Mark:
    """A marker as a filter sees it.

    Created once for all tests that share it: the arguments of `parametrize` contain the parameters of all of them.
    """
    found = _MARKS.get(id(mark))
    if found is None or found[0] is not mark:
        texts = {key: text_of(value) for key, value in mark.kwargs.items()}
        found = _MARKS[id(mark)] = mark, Mark(mark.name, tuple(map(text_of, mark.args)), texts)
    return found[1]


_MARKS: dict[int, tuple[pytest.Mark, Mark]] = {}
"""By identity, because a marker may not be hashable; the marker is kept, so that no other one gets its identity."""


def text_of(value: Any) -> str:
    """A value as a filter compares it."""
    if isinstance(value, str):
        return value
    try:
        return words(repr(value), LONGEST)
    except Exception as error:  # noqa: BLE001 (a value's own repr may raise anything; it must not end the collection)
        return f"<{type(value).__name__}: {type(error).__name__} in its repr>"
