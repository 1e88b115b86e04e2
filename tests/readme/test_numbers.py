"""Numbers that somebody typed are wrong a month later. Only the picture has any: a script puts them there."""

from __future__ import annotations

import re

import pytest

from tests.readme.pages import README

_COUNTED = r"tests?|cases?|ways|gates|files|lines|packages|commands|checks|runs|cores|users|projects|functions|classes"
_UNITS = r"%|times|[nµm]?s|sec(?:ond)?s?|m|min(?:ute)?s?|h|hours?|days?|weeks?|[kKMG]i?B|bytes?"
_NUMBER = r"\d[\d,.]*|(?:a |many )?(?:dozen|hundred|thousand|million)s?"
MEASURED = re.compile(rf"(?<![\w.])(?:{_NUMBER})(?: of)?(?:[ -]\w+)??[ -]?(?:{_COUNTED}|{_UNITS})(?!\w)", re.IGNORECASE)
_SETTING = re.compile(r'(?m)^[\w-]+ = ".*"$')


def measured(text: str) -> list[str]:
    """Counts, times and sizes in a text; what a config sets is none."""
    return [found[0] for found in MEASURED.finditer(_SETTING.sub("", text))]


def test_nobody_typed_a_count_or_a_time_into_the_readme() -> None:
    assert measured(README) == [], "leave it out, or let a script write it"


@pytest.mark.parametrize(
    "text",
    [
        "2545 tests run",
        "all 5,007 tests pass",
        "343 of 343 tests",
        "PASS  test  2m 07s",
        "27.2s",
        "in 4.5 minutes",
        "a 15-minute run",
        "1.5 times faster",
        "59 MiB of memory",
        "more than a hundred ways to look green",
        "dozens of cases",
        "97% covered",
        "7 quick gates",
    ],
)
def test_a_typed_number_is_found(text: str) -> None:
    assert measured(text)


@pytest.mark.parametrize(
    "text",
    [
        "Python 3.11 or newer (tested up to 3.13) and git",
        "exit code 0 only if every gate passed",
        'timeout = "20m"',
        "`.venv/bin/nox -s test`",
        "param(size=3)",
        "one crashed test",
        "a hook for each commit",
    ],
)
def test_what_is_no_measurement_is_left_alone(text: str) -> None:
    assert measured(text) == []
