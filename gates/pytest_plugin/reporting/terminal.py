"""The plugin's lines for the terminal: what was left out, and why. `lines` is pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from ...portable.originals import time
from ...portable.settings.plugin import PluginSettings
from ..selection.catalogue import Catalogue
from ..selection.deselection import FILTER

if TYPE_CHECKING:
    from ...portable.exclusions import Exclusion


class Terminal:
    """Header and summary lines."""

    def __init__(self, settings: PluginSettings, exclusions: Sequence[Exclusion], header: Sequence[str] = ()) -> None:
        self._settings, self._exclusions, self._header = settings, exclusions, list(header)
        self._catalogue: Catalogue | None = None

    def take(self, catalogue: Catalogue) -> None:
        """Remember the collected tests."""
        self._catalogue = catalogue

    def say(self, line: str) -> None:
        """Add a line to the header."""
        self._header.append(line)

    def pytest_report_header(self) -> list[str]:
        """Lines about decisions before the tests start."""
        return list(self._header)

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:  # noqa: ARG002
        """Lines about what was left out."""
        today = dt.datetime.fromtimestamp(time.time(), dt.timezone.utc).date()
        for line in lines(self._settings, self._exclusions, self._catalogue, today):
            terminalreporter.write_line(line)


def lines(
    settings: PluginSettings, exclusions: Sequence[Exclusion], catalogue: Catalogue | None, today: dt.date
) -> list[str]:
    """The summary; empty if nothing was left out and the ledger has no problems."""
    shown = []
    expired = [f"{entry.name} ({entry.expires})" for entry in exclusions if entry.expires < today]
    tail = f"; expired: {', '.join(expired)}" if expired else ""
    if exclusions and settings.include_excluded:
        shown.append(f"--include-excluded: {settings.source} is not applied{tail}")
    elif exclusions and catalogue is not None:
        counts = catalogue.excluded
        # Largest number of tests first, because that matters most.
        found = sorted((entry for entry in exclusions if counts.get(entry.name)), key=lambda entry: -counts[entry.name])
        named = ", ".join(f"{entry.name} {counts[entry.name]} ({entry.category})" for entry in found)
        if named:
            total = sum(counts.values())
            shown.append(f"{total} excluded by {settings.source}: {named}; --include-excluded runs them{tail}")
        elif tail:
            shown.append(f"nothing excluded by {settings.source}{tail}")
    if catalogue is not None:
        if catalogue.deselected:
            chosen = [f"the filter: {settings.filter}"] if settings.filter else []
            chosen += [f"--partition {settings.partition}"] if settings.partition else []
            chosen += ["the list of what is outstanding"] if settings.only_file else []
            shown.append(f"{catalogue.deselected} deselected by {' and '.join(chosen)}")
        shown += _said_of_leaves(catalogue)
    return shown


def _said_of_leaves(catalogue: Catalogue) -> list[str]:
    """Problems of the user's own expression. A ledger may name tests that this session did not collect."""
    shown = []
    for source, leaf in catalogue.leaves:
        if source == FILTER and (leaf.error or leaf.warning):
            shown.append(f"the filter's {leaf.error or leaf.warning}")
        if leaf.note and (source == FILTER or leaf.unknown):
            shown.append(f"the {source}'s {leaf.text} is {leaf.note}" if leaf.unknown else f"{leaf.text}: {leaf.note}")
    return shown
