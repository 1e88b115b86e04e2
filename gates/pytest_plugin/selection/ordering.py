"""Sorts the tests as requested, equally in every worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from ...portable.order import Known, Sortable, sort
from ...portable.originals import json
from ...portable.regular import read_text
from ...portable.settings.plugin import PluginSettings
from .deselection import shown_ids

if TYPE_CHECKING:
    from ...portable.rules import Rules


class Sorter:
    """Sorts the selected tests; registered after everything that selects."""

    def __init__(self, settings: PluginSettings, rules: Mapping[pytest.Item, Rules]) -> None:
        self._settings, self._rules = settings, rules

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort, if there is a criterion."""
        priorities = {item: rules.priority for item, rules in self._rules.items() if rules.priority}
        if not self._settings.order and not priorities:
            return
        tests = [Sortable(name, priorities.get(item, 0)) for item, name in zip(items, shown_ids(items))]
        order, seed = self._settings.order, self._settings.seed or 0
        items[:] = [items[at] for at in sort(tests, order, read_history(self._settings.history_file), seed)]


def read_history(file: str) -> dict[str, Known]:
    """Previous results of tests; empty if the file is gone: an order is not a reason to fail."""
    if not file:
        return {}
    try:
        data = json.loads(read_text(file))
        return {test: Known(str(outcome), float(seconds)) for test, (outcome, seconds) in data.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
