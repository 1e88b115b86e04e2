"""Compare the counts of a suite with its contents.

Each attribute is compared separately, and a negative one, or one that is not a number, is a contradiction: nothing cancels
out. Runners differ in what they call a failure and an error, so each of these words is compared with the number of both,
and so is their sum. Only counts that are too high matter: a file that shows more failures than it counts hides
none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import msgspec

from gates.portable.values import plural
from gates.readers.formats import JUNIT_ODDITIES
from gates.readers.junit.words import NO, bad_word, counts_failures

_NUMBER = re.compile(r"\d{1,15}(?:\.0*)?|\d{1,3}(?:,\d{3}){1,4}", re.ASCII)

_BAD = ("failures", "errors")
_SKIPS = ("skipped", "skip", "skips", "ignored", "not-run")


class CaseCounts(msgspec.Struct, frozen=True):
    """The contents of a suite, including nested suites.

    Attributes:
        cases: number of cases.
        bad: results that are failures or errors.
        skipped: skips.
        attempts: additional attempts of cases, however they ended.
        flaky: attempts that failed before one that passed.
    """

    cases: int = 0
    bad: int = 0
    skipped: int = 0
    attempts: int = 0
    flaky: int = 0

    def since(self, before: CaseCounts) -> CaseCounts:
        """The difference between two counts."""
        names = self.__struct_fields__
        return CaseCounts(**{name: getattr(self, name) - getattr(before, name) for name in names})


class Doubt(msgspec.Struct, frozen=True):
    """A count that the elements do not confirm.

    Attributes:
        text: the element, the attribute, the number, and what was found.
        oddity: the name by which it may be accepted; empty if it may not.
    """

    text: str
    oddity: str = ""


def doubts(
    tag: str,
    attributes: Mapping[str, str],
    found: CaseCounts,
    accepted: Collection[str] = (),
    passed: Collection[str] = (),
) -> list[Doubt]:
    """Counts of a suite that its contents do not confirm, the most dangerous first.

    Args:
        tag: of the suite.
        attributes: of the suite.
        found: its contents.
        accepted: known oddities of its writer. They affect other counts; each doubt is still reported.
        passed: additional words for a pass, see `words.said_by`.
    """
    name = attributes.get("name", "")
    where = f"<{tag} name={name[:100]!r}>" if name else f"<{tag}>"
    told: list[Doubt] = []
    numbers: dict[str, int] = {}
    also_bad = [key for key in attributes if key not in _BAD and counts_failures(key)]
    for key in ("tests", "started", *_BAD, *also_bad, *_SKIPS):
        text = attributes.get(key, "").strip()
        if not text or (key not in {"tests", "started", *_BAD} and text != "0" and text.lower() in NO):
            continue
        if _NUMBER.fullmatch(text):
            numbers[key] = int(text.partition(".")[0].replace(",", ""))
        else:
            oddity = "" if text.startswith("-") else "unreadable-counts"
            told.append(Doubt(f'{where} says {key}="{text[:40]}", which counts nothing', oddity))
    told += _bad(where, numbers, also_bad, found, accepted)
    told += _tests(where, numbers, found, accepted)
    for key in _SKIPS:
        if numbers.get(key, 0) > found.skipped:
            told.append(Doubt(_said(where, key, numbers[key], found.skipped, "skip"), "skipped-count-unlisted"))
    some_passed = found.cases > found.bad + found.skipped
    word = "" if found.bad else bad_word(attributes, passed, some_passed=some_passed)
    if word:
        told.append(Doubt(f"{where} says {word}, and nothing in it failed"))
    return told


def _bad(
    where: str, numbers: dict[str, int], also_bad: Collection[str], found: CaseCounts, accepted: Collection[str]
) -> list[Doubt]:
    told: list[Doubt] = []
    failures, errors = (numbers.get(key, 0) for key in _BAD)
    if "errors-count-output" in accepted and failures + errors > found.bad >= failures:
        return [Doubt(_said(where, "errors", errors, found.bad - failures, "error"), "errors-count-output")]
    for key in (*_BAD, *also_bad):
        number = numbers.get(key, 0)
        if number > found.bad:
            told.append(Doubt(_said(where, key, number, found.bad, "failure"), _of_bad(key, number, found)))
    if not told and failures + errors > found.bad:
        text = f'{where} says failures="{failures}" and errors="{errors}", {_are(found.bad, "failure")} in it'
        told.append(Doubt(text, _of_bad("failures", failures + errors, found)))
    return told


def _of_bad(key: str, number: int, found: CaseCounts) -> str:
    """The name by which too many failures may be accepted. If none is shown, the count can only mean output."""
    if number <= found.bad + found.flaky:
        return "counts-include-attempts"
    if found.bad:
        return "failures-count-assertions"
    return "errors-count-output" if key == "errors" else ""


def _tests(where: str, numbers: Mapping[str, int], found: CaseCounts, accepted: Collection[str]) -> list[Doubt]:
    tests, started = numbers.get("tests", 0), numbers.get("started", numbers.get("tests", 0))
    told = []
    if started < tests:
        told.append(Doubt(f'{where} says tests="{tests}" and started="{started}": the others never ran'))
    unlisted = 0
    if "skipped-count-unlisted" in accepted:
        unlisted = max(0, max(numbers.get(key, 0) for key in _SKIPS) - found.skipped)
    if tests > found.cases + unlisted:
        attempts = tests <= found.cases + found.attempts
        oddity = "counts-include-attempts" if attempts else "tests-count-assertions"
        told.append(Doubt(_said(where, "tests", tests, found.cases, "test case"), oddity))
    return told


def _said(where: str, key: str, number: int, found: int, noun: str) -> str:
    return f'{where} says {key}="{number}", {_are(found, noun)} in it'


def _are(number: int, noun: str) -> str:
    return f"{plural(number, noun)} {'is' if number == 1 else 'are'}"


def acceptable(doubt: Doubt) -> str:
    """How a doubt may be accepted, for people; empty if it may not be."""
    if not doubt.oddity:
        return ""
    return f'if {JUNIT_ODDITIES[doubt.oddity]}, accept it: accept = ["{doubt.oddity}"] in [junit] of the config'
