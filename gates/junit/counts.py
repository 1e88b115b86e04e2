"""What a suite says of itself against what is in it.

Runners differ in what they call a failure and an error, so only their sum can hide something. Only counts that are too
high are looked at: a file that shows more failures than it counts hides none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gates.values import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

DIALECTS = {
    "pytest": "pytest counts subtests, and a teardown that fails, as tests of their own",
    "Catch2": "Catch2 counts assertions",
    "doctest": "doctest counts assertions",
}
"""Producer → why its `tests` is higher than the number of its cases, and its `skipped` than that of its skips."""

_SUITES = {
    "pytest tests": "pytest",
    "pytest": "pytest",
    "nextest-run": "nextest",
    "jest tests": "jest",
    "vitest tests": "vitest",
    "Mocha Tests": "mocha",
}
"""Name of a suite → the runner that calls it so."""


class Found(msgspec.Struct, frozen=True):
    """What a suite holds, and the suites inside it: cases, results that are failures or errors, and skips."""

    cases: int = 0
    bad: int = 0
    skipped: int = 0

    def since(self, before: Found) -> Found:
        """What was found between two counts."""
        return Found(self.cases - before.cases, self.bad - before.bad, self.skipped - before.skipped)


def producer_of(attributes: Mapping[str, str]) -> str:
    """The runner that wrote a suite with these attributes; empty where unknown."""
    if attributes.get("hostname") == "tbd":
        return "Catch2"
    if "doctest_version" in attributes:
        return "doctest"
    return _SUITES.get(attributes.get("name", ""), "")


def contradictions(tag: str, attributes: Mapping[str, str], found: Found, producer: str) -> tuple[list[str], list[str]]:
    """What a suite counts and does not hold: what could hide something, and what a known producer means otherwise."""
    name = attributes.get("name", "")
    where = f"<{tag} name={name!r}>" if name else f"<{tag}>"
    wrong: list[str] = []
    notes: list[str] = []
    said = count(attributes, "failures") + count(attributes, "errors")
    if said > found.bad:
        wrong.append(f"{where} counts {plural(said, 'failure')} and errors, and holds {found.bad}")
    harmless = DIALECTS.get(producer)
    tests = count(attributes, "tests")
    if tests > found.cases:
        (notes if harmless else wrong).append(f"{where} counts {plural(tests, 'test')}, and holds {found.cases}")
    skipped = max(count(attributes, key) for key in ("skipped", "skip", "skips", "ignored"))
    if skipped > found.skipped:
        (notes if harmless else wrong).append(
            f"{where} counts {plural(skipped, 'skipped test')}, and holds {found.skipped}"
        )
    return wrong, [f"{note} ({harmless})" for note in notes]


def count(attributes: Mapping[str, str], name: str) -> int:
    """A count, which may have commas between thousands; 0 where it is missing or unreadable."""
    text = attributes.get(name)
    if not text:
        return 0
    try:
        return int(text.replace(",", ""))
    except ValueError:
        return 0
