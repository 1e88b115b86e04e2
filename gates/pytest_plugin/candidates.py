"""pytest's items as the filter language sees them; each part is looked up when a predicate asks for it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Optional

import pytest

from ..filters.candidate import Candidate, Mark, Names, here, split_id

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 1000
"""Characters of a value that a filter sees."""


class ItemCandidate(Candidate):
    """A collected item. Everything that pytest knows of it is known."""

    def __init__(self, item: pytest.Item) -> None:
        # Not the base's: this is done for every test, and most filters need no more than the id.
        self.id: str = item.nodeid
        self._item = item

    @cached_property
    def file(self) -> str:  # type: ignore[override]  # an attribute of the base
        """Path relative to the root of the tests."""
        return self.id.partition("::")[0]

    @cached_property
    def names(self) -> Names:
        """The parts of the id."""
        return split_id(self.id)

    @property
    def module(self) -> Optional[str]:
        """The name under which pytest imported the file; for a file that is no module, what its path spells."""
        module = self._item.getparent(pytest.Module)
        name = getattr(module.obj, "__name__", None) if module is not None else None
        return str(name) if name else super().module

    @property
    def kind(self) -> Optional[str]:  # type: ignore[override]
        """One of `predicates.KINDS`."""
        if isinstance(self._item, pytest.Function):
            return "function" if self._item.cls is None else "method"
        return "doctest" if type(self._item).__name__ == "DoctestItem" else "other"

    @cached_property
    def marks(self) -> Optional[tuple[Mark, ...]]:  # type: ignore[override]
        """The markers of the test, its classes and its module, the nearest first."""
        return tuple(
            Mark(mark.name, tuple(map(text_of, mark.args)), {key: text_of(value) for key, value in mark.kwargs.items()})
            for mark in self._item.iter_markers()
        )

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


def text_of(value: Any) -> str:
    """A value as a filter compares it."""
    if isinstance(value, str):
        return value
    try:
        return repr(value)[:LONGEST]
    except Exception as error:  # noqa: BLE001 (a value's own repr may raise anything; it must not end the collection)
        return f"<{type(value).__name__}: {type(error).__name__} in its repr>"
