"""Gives each test its rules, once it is known which tests run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..exclusions import named_expressions
from ..filters import Resolution, TableFacts
from ..rules import RuleBook, Rules
from .candidates import ItemCandidates
from .selection import NO_FACTS, above

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..exclusions import Exclusion
    from ..protocol import Settings


class Ruler:
    """Owns the rules of the session's tests; the ones that need nothing from us are left out."""

    def __init__(self, settings: Settings, quarantine: Sequence[Exclusion]) -> None:
        self._settings, self._quarantine = settings, quarantine
        self.rules: dict[pytest.Item, Rules] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Choose for every test that runs."""
        settings = self._settings
        facts = {text: Resolution.from_json(data) for text, data in settings.facts.items()}
        named = named_expressions(settings.default_filter, self._quarantine)
        tests = ItemCandidates(session.items, above(session.config.rootpath, settings.root))
        chosen = RuleBook.from_json(settings.rules).choose(tests, TableFacts(facts, NO_FACTS), named)
        for item, one in zip(session.items, chosen):
            if one.rules != Rules():
                self.rules[item] = one.rules
