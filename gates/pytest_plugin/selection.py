"""Takes out of pytest's list what the filter does not select and what the ledger excludes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import pytest

from .catalogue import Dropped, make_catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..exclusions import Exclusion
    from ..filters import Filter
    from ..protocol import Settings
    from .catalogue import Catalogue


class Selection:
    """Owns the choice of tests in a process that collects; every xdist worker makes the same one."""

    def __init__(self, exclusions: Sequence[tuple[Exclusion, Filter]], wanted: Filter | None) -> None:
        self._exclusions, self._wanted = exclusions, wanted
        self.dropped = Dropped()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Choose after -k, -m and other plugins: what they deselect is not ours to count."""
        if self._wanted is None and not self._exclusions:
            return
        from ..filters import TestName

        names = [TestName(id=item.nodeid, file=item.nodeid.partition("::")[0]) for item in items]
        wanted = None
        if self._wanted is not None:
            wanted = self._wanted.select(names)
            self.dropped.unmatched = tuple(leaf.text for leaf in wanted.leaves if not leaf.count)
        kept = []
        for position, (item, name) in enumerate(zip(items, names)):
            if wanted is not None and not wanted.matched[position]:
                self.dropped.deselected.append(item)
                continue
            excluded_by = next((entry.name for entry, filter_ in self._exclusions if filter_.matches(name)), "")
            if excluded_by:
                self.dropped.excluded.append((item, excluded_by))
            else:
                kept.append(item)
        gone = [item for item, _ in self.dropped.excluded] + self.dropped.deselected
        if gone:
            config.hook.pytest_deselected(items=gone)
            items[:] = kept


class Lister:
    """Tells its listeners what was collected, once the collection is finished."""

    def __init__(self, selection: Selection, listeners: Sequence[Callable[[Catalogue], None]]) -> None:
        self._selection, self._listeners = selection, listeners

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Under xdist, before the worker says that it is ready."""
        catalogue = make_catalogue(session.items, self._selection.dropped)
        for listener in self._listeners:
            listener(catalogue)


def read_exclusions(settings: Settings) -> tuple[Exclusion, ...]:
    """The entries that the settings carry.

    Raises:
        GatesError: an entry is broken.
    """
    if not settings.exclusions:
        return ()
    from ..exclusions import from_json

    return tuple(from_json(entry) for entry in settings.exclusions)


def make_selection(settings: Settings, exclusions: Sequence[Exclusion]) -> Selection:
    """Compile what is to be selected.

    Raises:
        GatesError: an expression has a syntax error.
    """
    if not settings.filter and not exclusions:
        return Selection((), None)
    from ..filters import compile_filter

    wanted = compile_filter(settings.filter) if settings.filter else None
    active = () if settings.include_excluded else exclusions
    return Selection([(entry, compile_filter(entry.filter)) for entry in active], wanted)
