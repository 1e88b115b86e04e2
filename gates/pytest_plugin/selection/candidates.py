"""pytest's items as the filter language sees them; each part is looked up when a predicate asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Optional

import pytest

from ...portable.filters.candidate import Candidate, Mark, NodeParts, here, split_id
from ...portable.filters.candidates import Candidates, Groups
from ...portable.masking import distinct
from ..reporting.text import words
from ..secrets import SECRETS

LONGEST = 1000
"""Characters of a value that a filter sees."""


class ItemCandidate(Candidate):
    """A collected item. Everything that pytest knows of it is known."""

    def __init__(self, item: pytest.Item, above: str = "") -> None:
        # Not the base's: this is done for every test, and most filters need no more than the id.
        self.id: str = item.nodeid
        self._item = item
        self.above = above

    @cached_property
    def file(self) -> str:  # type: ignore[override]  # an attribute of the base
        """Path relative to the root of the tests."""
        return self.id.partition("::")[0]

    @cached_property
    def names(self) -> NodeParts:
        """The parts of the id; of an item that is no Python function, its name may hold anything."""
        if isinstance(self._item, pytest.Function) or self._is_doctest:
            return split_id(self.id)
        return NodeParts(self.file, (), self._item.name, "", self.id)

    @property
    def module(self) -> Optional[str]:  # type: ignore[override]
        """The name under which pytest imported the file; empty where the item lies in no module."""
        if self._is_doctest:  # its item lies in a file of doctests, which is a module all the same
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
        """Every fixture that it uses, directly or not; what it asks for while it runs cannot be seen."""
        return tuple(getattr(self._item, "fixturenames", ()))

    @property
    def params(self) -> Optional[Mapping[str, str]]:  # type: ignore[override]
        """Values by the names of the parameters."""
        spec = getattr(self._item, "callspec", None)
        return {name: text_of(value) for name, value in spec.params.items()} if spec is not None else {}

    @property
    def docstring(self) -> Optional[str]:  # type: ignore[override]
        """The function's; empty where it has none."""
        return str(getattr(getattr(self._item, "obj", None), "__doc__", None) or "")

    @property
    def platform(self) -> Optional[tuple[str, ...]]:  # type: ignore[override]
        """The names of this platform."""
        return here()


class ItemCandidates(Candidates):
    """Collected items; what a filter does not ask for is never looked up."""

    def __init__(self, items: Sequence[pytest.Item], above: str = "") -> None:
        self._items, self._above = items, above
        self._made: dict[int, ItemCandidate] = {}

    def __len__(self) -> int:
        return len(self._items)

    def at(self, position: int) -> Candidate:
        """The test at a position, made when somebody asks for it."""
        found = self._made.get(position)
        if found is None:
            found = self._made[position] = ItemCandidate(self._items[position], self._above)
            found.recorded = self.shown.get(found.id, "")
        return found

    @cached_property
    def shown(self) -> dict[str, str]:
        """Ids that hold a secret, and what stands for them in results."""
        return distinct(self.ids, SECRETS.mask)

    @cached_property
    def ids(self) -> Sequence[str]:
        """The id of each test."""
        return [item.nodeid for item in self._items]

    @cached_property
    def functions(self) -> Groups:
        """Tests that pytest made of one function: same parent, same original name, and the same lookup of fixtures."""
        return self._grouped(
            (getattr(item, "originalname", None) or item.name, id(item.parent), id(getattr(item, "_fixtureinfo", None)))
            for item in self._items
        )

    @cached_property
    def marked(self) -> Groups:
        """The same, where the markers of the test itself are the same, too: parameters and plugins may add some."""
        functions = self.functions.of
        return self._grouped(
            (functions[position], *map(id, item.own_markers)) for position, item in enumerate(self._items)
        )

    def param_values(self, key: str) -> Iterable[object]:
        """The value of a parameter for each test, or what its id shows of all of them."""
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

    Made once for all tests that share it: the texts of `parametrize` hold the parameters of all of them.
    """
    found = _MARKS.get(id(mark))
    if found is None or found[0] is not mark:
        texts = {key: text_of(value) for key, value in mark.kwargs.items()}
        found = _MARKS[id(mark)] = mark, Mark(mark.name, tuple(map(text_of, mark.args)), texts)
    return found[1]


_MARKS: dict[int, tuple[pytest.Mark, Mark]] = {}
"""By identity, for a marker need not be hashable; the marker itself is kept, so that no other one gets its identity."""


def text_of(value: Any) -> str:
    """A value as a filter compares it."""
    if isinstance(value, str):
        return value
    try:
        return words(repr(value), LONGEST)
    except Exception as error:  # noqa: BLE001 (a value's own repr may raise anything; it must not end the collection)
        return f"<{type(value).__name__}: {type(error).__name__} in its repr>"
