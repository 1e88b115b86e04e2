"""Removes from pytest's list the tests that the filter does not select or the ledger excludes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional

import pytest

from ...portable.errors import ConfigError
from ...portable.masking import distinct
from ...portable.originals import os
from ...portable.partition import Partition, parse_partition
from ...portable.regular import read_text
from ...portable.settings.plugin import PluginSettings
from ..secrets import SECRETS
from ..usage_errors import collection_errors
from .catalogue import Catalogue, Deselected, make_catalogue
from .exclusion_lists import ExclusionLists

if TYPE_CHECKING:
    from ...portable.exclusions import Exclusion
    from ...portable.filters import Candidates, Filter
    from ...portable.filters.columns import Column
    from ...portable.filters.resolution import Facts

    CompiledEntries = Sequence[tuple[Exclusion, Filter]]

FILTER, PROFILE, EXCLUSION, QUARANTINE = "filter", "profile", "exclusion", "quarantine"
"""The source of an expression; for ledgers, followed by the name of the entry."""

NO_FACTS = "only `gates` can look it up, and this pytest runs without it"


@dataclass(frozen=True)
class LeftToRun:
    """The selected tests that are still to run.

    Attributes:
        tests: their ids.
        seen: ids of all other known tests: a test in neither is new, and runs, too. None if none is new.
        anyway: run `tests` even if the filter does not select them now; it did earlier.
        alone: collect only their files, and run them even if one of these cannot be collected.
    """

    tests: frozenset[str]
    seen: Optional[frozenset[str]]
    anyway: bool
    alone: bool = False

    def members(self, ids: Sequence[str], here: Sequence[bool]) -> list[bool]:
        """Which of these tests run; `here` tells whether each is in the part of this process."""
        return [
            (name in self.tests and (mine or self.anyway)) or (mine and self.seen is not None and name not in self.seen)
            for name, mine in zip(ids, here)
        ]


@dataclass(frozen=True)
class SelectionInputs:
    """The criteria of the selection.

    Attributes:
        wanted: the filter; None for all tests.
        exclusions: entries of the ledger with their filters.
        quarantine: entries of the quarantine with theirs.
        include_excluded: excluded tests also run, and are marked as excluded.
        describe: keep everything known about the tests for the listeners.
        of_profile: predicates of the filter that come from the config, by their canonical text.
        part: only this part of the selected tests runs.
        outstanding: of the selected tests, only these run; None for all.
        root: the project's folder; empty if it is that of the tests.
    """

    wanted: Optional[Filter] = None
    exclusions: CompiledEntries = ()
    quarantine: CompiledEntries = ()
    include_excluded: bool = False
    describe: bool = False
    of_profile: frozenset[str] = frozenset()
    part: Optional[Partition] = None
    outstanding: Optional[LeftToRun] = None
    root: str = ""

    @property
    def open(self) -> bool:
        """Whether there are no criteria."""
        chosen = self.wanted is not None or self.part is not None or self.outstanding is not None
        return not chosen and not self.exclusions and not self.quarantine and not self.describe

    def members(self, ids: Sequence[str], shown: Sequence[str]) -> list[bool]:
        """Which of the selected tests run here, by partition and by what is outstanding, which uses masked ids."""
        mine = [True] * len(ids) if self.part is None else self.part.members(ids)
        return mine if self.outstanding is None else self.outstanding.members(shown, mine)


class Deselector:
    """Selects tests in a collecting process; every xdist worker selects the same."""

    def __init__(self, choice: SelectionInputs) -> None:
        self._choice = choice
        self.dropped = Deselected()

    @property
    def alone(self) -> bool:
        """Whether nothing but the files of some tests is collected, and errors in one do not keep the others."""
        return self._choice.outstanding is not None and self._choice.outstanding.alone

    def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config) -> Optional[bool]:
        """Do not import files whose tests will not run."""
        if not self.alone or collection_path.name in ("__init__.py", "conftest.py"):
            return None
        root, path = f"{config.rootpath}{os.sep}", str(collection_path)
        if not path.startswith(root) or os.path.isdir(path):
            return None
        return True if path[len(root) :].replace(os.sep, "/") not in self._files else None

    @cached_property
    def _files(self) -> frozenset[str]:
        """The files of the tests that run, relative to the root of the tests."""
        outstanding = self._choice.outstanding
        return frozenset(name.partition("::")[0] for name in outstanding.tests) if outstanding else frozenset()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Select after -k, -m and other plugins, whose deselection is not counted here."""
        if not self._choice.open:
            with collection_errors(config, items):
                self._choose(config, items)

    def _choose(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        choice, dropped = self._choice, self.dropped
        from .candidates import ItemCandidates

        tests = ItemCandidates(items, above(config.rootpath, choice.root))
        if choice.describe:
            from ...portable.filters.candidates import describe

            dropped.described = describe(tests)
        wanted = self._wanted(tests)
        if wanted is not None and choice.outstanding is not None and choice.outstanding.anyway:
            from ...portable.filters.columns import either, of_bools

            wanted = either([wanted, of_bools(name in choice.outstanding.tests for name in shown_ids(items))])
        excluded = self._named(EXCLUSION, choice.exclusions, tests)
        dropped.quarantined = self._items_of(self._named(QUARANTINE, choice.quarantine, tests), items, wanted)
        named = self._items_of(excluded, items, wanted)
        if choice.include_excluded:
            dropped.included = named
        else:
            dropped.excluded = named
        if wanted is not None:
            from ...portable.filters.columns import refused

            dropped.deselected = list(compress(items, refused(wanted)))
        kept = items if wanted is None else list(compress(items, wanted))
        if dropped.excluded:
            kept = [item for item in kept if item not in dropped.excluded]
        if choice.part is not None or choice.outstanding is not None:
            names = dict(zip(items, shown_ids(items))) if choice.outstanding is not None else {}
            mine = choice.members([item.nodeid for item in kept], [names.get(item, item.nodeid) for item in kept])
            dropped.deselected += [item for item, here in zip(kept, mine) if not here]
            kept = list(compress(kept, mine))
        if len(kept) < len(items):
            config.hook.pytest_deselected(items=[*dropped.excluded, *dropped.deselected])
            items[:] = kept

    def _wanted(self, tests: Candidates) -> Column | None:
        if self._choice.wanted is None:
            return None
        from ...portable.filters import leaf_reports

        selection = self._choice.wanted.select(tests)
        of_profile = self._choice.of_profile
        self.dropped.leaves += [
            (PROFILE if report.text in of_profile else FILTER, report) for report in leaf_reports(selection, tests)
        ]
        return selection.column

    def _named(self, kind: str, entries: CompiledEntries, tests: Candidates) -> Mapping[int, str]:
        """Position of a test → the first entry that certainly matches it: uncertain matches must not exclude a test."""
        found: dict[int, str] = {}
        for entry, compiled in entries:
            from ...portable.filters import leaf_reports
            from ...portable.filters.columns import YES

            selection = compiled.select(tests)
            for position, value in enumerate(selection.column):
                if value == YES:
                    found.setdefault(position, entry.name)
            self.dropped.leaves += [(f"{kind} {entry.name}", report) for report in leaf_reports(selection, tests)]
        return found

    @staticmethod
    def _items_of(
        named: Mapping[int, str], items: Sequence[pytest.Item], wanted: Column | None
    ) -> dict[pytest.Item, str]:
        """Tests that an entry matches and the filter selects; others are not counted for the ledger."""
        return {items[position]: entry for position, entry in named.items() if wanted is None or wanted[position]}


def shown_ids(items: Sequence[pytest.Item]) -> list[str]:
    """The ids of all collected tests as in results: without secrets."""
    ids = [item.nodeid for item in items]
    shown = distinct(ids, SECRETS.mask)
    return [shown.get(one, one) for one in ids]


def above(tests: Path, project: str) -> str:
    """The path of the root of the tests below the project's, as in `Candidate.above`."""
    if not project:
        return ""
    relative = os.path.relpath(tests, project).replace(os.sep, "/")
    return "" if relative == "." else f"{relative}/"


class Lister:
    """Passes the catalogue to its listeners, once the collection is finished."""

    def __init__(
        self, selection: Deselector, listeners: Sequence[Callable[[Catalogue], None]], *, every_test: bool
    ) -> None:
        self._selection, self._listeners, self._every_test = selection, listeners, every_test

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Under xdist, before the worker reports that it is ready."""
        if not self._listeners:
            return
        catalogue = make_catalogue(session.items, self._selection.dropped, every_test=self._every_test)
        for listener in self._listeners:
            listener(catalogue)


def read_exclusion_lists(settings: PluginSettings) -> ExclusionLists:
    """Read the ledgers of the settings.

    Raises:
        GatesError: an entry is broken.
    """
    if not settings.exclusions and not settings.quarantine:
        return ExclusionLists()
    from ...portable.exclusions import from_json

    return ExclusionLists(tuple(map(from_json, settings.exclusions)), tuple(map(from_json, settings.quarantine)))


def make_selection(settings: PluginSettings, exclusion_lists: ExclusionLists) -> Deselector:
    """Compile the criteria.

    Raises:
        GatesError: an expression has a syntax error.
    """
    part = parse_partition(settings.partition) if settings.partition else None
    outstanding = read_outstanding(settings.only_file) if settings.only_file else None
    if not settings.filter and not exclusion_lists:
        return Deselector(
            SelectionInputs(describe=settings.describe, part=part, outstanding=outstanding, root=settings.root)
        )
    from ...portable.exclusions import named_expressions
    from ...portable.filters import Resolution, TableFacts, compile_filter, parse, predicates, to_text

    table = {text: Resolution.from_json(data) for text, data in settings.facts.items()}
    facts: Facts = TableFacts(table, NO_FACTS)
    named = named_expressions(settings.default_filter, exclusion_lists.quarantine)

    def compiled_entries(entries: Sequence[Exclusion]) -> CompiledEntries:
        return [(entry, compile_filter(entry.filter, facts, named)) for entry in entries]

    return Deselector(
        SelectionInputs(
            wanted=compile_filter(parse(settings.filter), facts, named) if settings.filter else None,
            exclusions=compiled_entries(exclusion_lists.exclusions),
            quarantine=compiled_entries(exclusion_lists.quarantine),
            include_excluded=settings.include_excluded,
            describe=settings.describe,
            of_profile=frozenset(map(to_text, predicates(named["default"]))) if "default" in named else frozenset(),
            part=part,
            outstanding=outstanding,
            root=settings.root,
        )
    )


def read_outstanding(file: str) -> LeftToRun:
    """The outstanding tests. All tests that share an id count: their numbers may have changed.

    Raises:
        ConfigError: the file cannot be read.
    """
    import re

    from ...portable.originals import json

    try:
        told = json.loads(read_text(file))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the list of tests to run cannot be read: {error}", place=file) from None
    numbered = {re.sub(r"#\d+\Z", "", name) for name in told["tests"]}
    seen = told["seen"]
    return LeftToRun(
        frozenset(numbered.union(told["tests"])),
        None if seen is None else frozenset(seen),
        told["anyway"],
        told.get("alone", False),
    )
