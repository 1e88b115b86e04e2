"""Keeps account of the contents of a document, of its contradictions, and of harmless oddities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gates.readers.formats import JUNIT_ACCEPTED
from gates.readers.junit.counts import CaseCounts, acceptable, doubts
from gates.readers.junit.outcomes import FLAKY_ELEMENTS
from gates.readers.junit.producers import DIALECTS
from gates.readers.junit.words import ReportedOutcome, normal
from gates.results import TestResult

if TYPE_CHECKING:
    from gates.readers.junit.cases import RawCase
    from gates.readers.junit.rules import JUnitRules

_SHOWN = 20
"""How many contradictions are reported; there may be one in each of thousands of suites."""


class Account:
    """The contents so far, and the reasons not to trust the file.

    Args:
        rules: of the config, which accept some oddities.

    Attributes:
        bad: results that are failures or errors.
        skipped: skips.
        passed_words: additional words for a pass.
    """

    def __init__(self, rules: JUnitRules) -> None:
        self.bad = self.skipped = self._attempts = self._flaky = 0
        self.passed_words = frozenset(map(normal, rules.passed_words))
        self._accepted = frozenset(rules.accept)
        self._contradictions: list[str] = []
        self._untold = 0
        self._notes: dict[str, None] = {}
        self._hinted: set[str] = set()  # oddities for which the way to accept them was shown

    def found(self, cases: int) -> CaseCounts:
        """The counts so far, after `cases` cases."""
        return CaseCounts(cases, self.bad, self.skipped, self._attempts, self._flaky)

    def count(self, case: RawCase) -> int:
        """Count the results of a case; return how many are failures or errors."""
        bad = 0
        for result in case.results:
            bad += result.is_bad
            self.skipped += result.is_skip
            if result.is_attempt and not result.nested:
                self._attempts += 1
                self._flaky += result.tag in FLAKY_ELEMENTS
        self.bad += bad
        return bad

    def contradict(self, text: str) -> None:
        """The file cannot be trusted if it shows a pass."""
        if len(self._contradictions) < _SHOWN:
            self._contradictions.append(text)
        else:
            self._untold += 1

    def without_result(self, test: TestResult, case: RawCase, said: ReportedOutcome) -> None:
        """A case reports a failure, or something unknown, but contains no failure or error."""
        self.bad += 1
        unknown, tag = said.unknown, case.unknown[:100]
        if tag:
            text, key, word = f"contains <{tag}>, which gates does not know", "silent-elements", tag
            meaning = "it does not say how the test ended"
        elif unknown:
            text, key, word = f"says {said.word}, which gates does not know", "passed-words", unknown
            meaning = "it means that the test passed"
        else:
            self.contradict(f"{test.id!r} says {said.word} without a <failure> or <error>")
            return
        hint = "" if word in self._hinted else f'; if {meaning}: {key} = ["{word}"] in [junit] of the config'
        self._hinted.add(word)
        self.contradict(f"{test.id!r} {text}{hint}")

    def suite(self, tag: str, attributes: Mapping[str, str], found: CaseCounts, producer: str) -> None:
        """A suite ends: compare its counts with its contents."""
        known = DIALECTS.get(producer, {})
        # A writer whose `skipped` counts unlisted tests may still count only listed ones in `tests`.
        assumed = {*known} - {"skipped-count-unlisted"} | self._accepted
        for doubt in doubts(tag, attributes, found, assumed, self.passed_words):
            if doubt.oddity in known:
                self.note(f"{doubt.text} ({known[doubt.oddity]})")
            elif doubt.oddity in self._accepted:
                self.accepted(doubt.text, doubt.oddity)
            else:
                hint = "" if doubt.oddity in self._hinted else acceptable(doubt)
                self._hinted.add(doubt.oddity)
                self.contradict(f"{doubt.text}; {hint}" if hint else doubt.text)

    def accepted(self, what: str, name: str) -> None:
        """The config accepts something through this name or list."""
        self.note(f"{what} ({JUNIT_ACCEPTED}: {name})")

    def note(self, text: str) -> None:
        """A harmless oddity."""
        if len(self._notes) < _SHOWN:
            self._notes[text] = None

    def contradictions(self, cases: int) -> tuple[str, ...]:
        """The notes about them, after the last of `cases`."""
        empty = () if cases else ("there is no test case in the file",)
        more = (f"and {self._untold} more",) if self._untold else ()
        return (*empty, *self._contradictions, *more)

    def notes(self) -> tuple[str, ...]:
        """Harmless oddities, for people."""
        return tuple(self._notes)
