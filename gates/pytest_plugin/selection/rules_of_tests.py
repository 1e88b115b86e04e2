"""Gives each test its rules, once the selected tests are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from ...portable.exclusions import Exclusion, named_expressions
from ...portable.filters import Resolution, TableFacts
from ...portable.originals import exists, json, write_whole
from ...portable.rules import RuleBook, Rules
from ...portable.settings.plugin import PluginSettings
from ..usage_errors import collection_errors
from .candidates import ItemCandidates
from .deselection import NO_FACTS, above


class RuleResolver:
    """Owns the rules of the session's tests; those without special settings are omitted."""

    def __init__(
        self,
        settings: PluginSettings,
        quarantine: Sequence[Exclusion],
        leave: Callable[[Mapping[pytest.Item, Rules]], None] | None = None,
    ) -> None:
        self._settings, self._quarantine, self._leave = settings, quarantine, leave
        self.rules: dict[pytest.Item, Rules] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Assign rules to every selected test, before sorting, which needs priorities."""
        settings = self._settings
        facts = {text: Resolution.from_json(data) for text, data in settings.facts.items()}
        named = named_expressions(settings.default_filter, self._quarantine)
        tests = ItemCandidates(items, above(session.config.rootpath, settings.root))
        with collection_errors(session.config, items):
            chosen = RuleBook.from_json(settings.rules).choose(tests, TableFacts(facts, NO_FACTS), named)
            for item, one in zip(items, chosen):
                if one.rules != Rules():
                    self.rules[item] = one.rules
        if self._leave is not None:
            self._leave(self.rules)


def leave_retried(path: Path) -> Callable[[Mapping[pytest.Item, Rules]], None]:
    """How a worker tells the controller, which has no rules, which tests to retry if they kill a worker."""

    def leave(rules: Mapping[pytest.Item, Rules]) -> None:
        retried = {
            item.nodeid: [kind for kind in ("crashed", "timeout") if kind in one.retries.on]
            for item, one in rules.items()
            if one.retries.count
        }
        retried = {test: kinds for test, kinds in retried.items() if kinds}
        if retried and not exists(path):
            write_whole(path, json.dumps(retried))

    return leave
