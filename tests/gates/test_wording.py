"""Words that people read: a test *failed*, it is not *wrong*; and one thing is not several things."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gates.portable.values import noun, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]

SOURCES = tuple(sorted((ROOT / "gates").rglob("*.py")))

READ_ALOUD = (*SOURCES, *sorted((ROOT / "kvcache").rglob("*.py")), *sorted((ROOT / "docs").rglob("*.py")))
"""Their docstrings, comments and messages are read."""

TEXTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "changelog.d").glob("*.md")))

NOUNS = frozenset(
    noun(2, one)
    for one in (
        *("argument", "assertion", "attempt", "branch", "byte", "case", "character", "clause", "commit"),
        *("core", "day", "dependency", "digit", "directory", "entry", "environment", "error", "exclusion", "failure"),
        *("file", "finding", "folder", "frame", "gate", "group", "interpreter", "job", "layer", "level", "line"),
        *("module", "pair", "path", "predicate", "problem", "process", "record", "result", "round"),
        *("second", "session", "slot", "subtest", "suspect", "test", "time", "variable", "warning", "worker"),
    )
)
"""What is counted in sentences; the noun of a new count belongs here."""

BANNED = re.compile(
    r"\b(?:w[eo]nt wrong|go(?:es)? wrong|tests? got lost|(?:tests?|cases?) (?:is|are) wrong|wrong (?:tests?|cases?)"
    r"|none is wrong|1 (?:cases|tests|files|errors|records|processes))\b",
    re.IGNORECASE,
)


STILTED = re.compile(
    r"\b(?:of ours|for ever|without a word|comes? again by itself|whatever (?:they|it) took|who (?:made|took|introduced) what"
    r"|(?:say|says|said|tells?|told) of (?:it|them|tests?|the)|hands? on|(?<!-)(?:nobody|somebody|whoever|whomever|whyever|likewise)(?!-)"
    r"|who dies|in peace|in whatever|thing of its own|to say of|that is said|as a rule|heeds?|lies there|stands? for a new one|is none of)\b",
    re.IGNORECASE,
)
"""Turns of phrase that a native reader stumbles over.

Say what happens to the thing (`it is not used`), or name who does it (`no other process can write to it`), in place of *nobody*
and its like. They are allowed in names with hyphens, such as those of cases.
"""


@pytest.mark.parametrize(
    ("number", "word", "said"),
    [
        (0, "gate", "0 gates"),
        (1, "gate", "1 gate"),
        (2, "gate", "2 gates"),
        (1200, "test", "1,200 tests"),
        (1, "process", "1 process"),
        (2, "process", "2 processes"),
        (2, "branch", "2 branches"),
        (2, "day", "2 days"),
        (3, "changed dependency", "3 changed dependencies"),
        (1, "changed dependency", "1 changed dependency"),
    ],
)
def test_a_number_and_its_noun_agree(number: int, word: str, said: str) -> None:
    assert plural(number, word) == said


def _counted_by_hand(path: Path) -> list[str]:
    """Places in f-strings where a number stands before a noun that is always plural, or before an `s` that comes and goes."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, [*node.values[1:], None], strict=True):
            if not isinstance(value, ast.FormattedValue):
                continue
            if isinstance(value.value, ast.IfExp) and _is_ending(value.value):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(value.value)}")
            text = after.value if isinstance(after, ast.Constant) else ""
            said = re.match(r" (?:[a-z]+ )?([a-z]+)\b", str(text))
            direct = re.match(r" ([a-z]+)\b", str(text))
            if (direct and direct[1] in NOUNS) or (said and said[1] in NOUNS and _is_adjective(str(text))):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(value.value)}{str(text)[:30]}")
    return found


def _is_adjective(text: str) -> bool:
    """Whether the word before the noun only describes it: `3 further files`, and not `x holds tests`."""
    return text.split(maxsplit=1)[0] in {
        "further",
        "more",
        "other",
        "older",
        "pytest",
        "nox",
        "test",
        "collected",
        "skipped",
        "new",
    }


def _is_ending(choice: ast.IfExp) -> bool:
    words = [each.value for each in (choice.body, choice.orelse) if isinstance(each, ast.Constant)]
    if len(words) != 2:
        return False
    short, long = sorted(map(str, words), key=len)
    return long in {"s", "es", noun(2, short) if short else ""}


@pytest.mark.slow
def test_nobody_counts_a_noun_by_hand() -> None:
    assert [found for path in SOURCES for found in _counted_by_hand(path)] == [], "use gates.portable.values.plural"


def _places(banned: re.Pattern[str], paths: Iterable[Path]) -> list[str]:
    places = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for found in banned.finditer(text):
            number = text.count("\n", 0, found.start())
            places.append(f"{path.relative_to(ROOT)}:{number + 1}: {text.splitlines()[number].strip()}")
    return places


def test_a_test_failed_and_is_not_called_wrong() -> None:
    assert _places(BANNED, (*READ_ALOUD, *TEXTS)) == []


def test_no_reader_stumbles_over_a_phrase_that_plain_english_does_not_have() -> None:
    assert _places(STILTED, (*READ_ALOUD, *TEXTS)) == []
