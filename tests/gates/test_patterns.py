"""Our own regular expressions meet ids, messages and logs of strangers: none takes time that grows faster than the text."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gates
from gates.portable.filters import bounds
from gates.portable.filters.bounds import TooSlow, bounded
from gates.portable.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH = 10_000
ATTACKS = (" ", "a", "/", ".", "a.", "a-", ":1", "'/", "0", "[", "a/", "\x1b]", "#, ", "a=", "x:")
"""What such patterns repeat, or look for behind a repetition."""
FRONTS = ("", "a:1: ", "[", "'")


PATTERNS = (re.Pattern, type(lazy_pattern("")))


def patterns_of(value: object) -> Iterator[re.Pattern[str] | re.Pattern[bytes]]:
    if isinstance(value, PATTERNS):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from patterns_of(one)


BOUNDED = {
    "gates.readers.diagnostics.log": "lines are cut at 4,000 characters",
    "gates.readers.diagnostics.reasons": "lines are cut at 4,000 characters",
    "gates.readers.junit.times": "a moment has 100 characters at most",
    "gates.portable.failure_signature": "texts are cut before",
}
"""Modules that look at the beginning of a text only."""


AnyPattern = re.Pattern[str] | re.Pattern[bytes]


def every_pattern() -> dict[str, tuple[AnyPattern, bool]]:
    """Our patterns, and whether our modules look for them anywhere in a text, or only at its beginning."""
    found = {}
    for module in pkgutil.walk_packages(gates.__path__, "gates."):
        if module.name.endswith("__main__") or module.name.startswith("gates.noxtools") or module.name in BOUNDED:
            continue
        source = Path(str(importlib.import_module(module.name).__file__)).read_text()
        for name, value in list(vars(sys.modules[module.name]).items()):
            anywhere = re.search(rf"\b{name}\.(search|sub|subn|findall|finditer|split)\(", source) is not None
            for number, pattern in enumerate(patterns_of(value)):
                found[f"{module.name}.{name}[{number}]"] = pattern, anywhere or not isinstance(value, PATTERNS)
    return found


def attack(pattern: AnyPattern, name: str, *, anywhere: bool = True) -> None:
    for front in FRONTS:
        for piece in ATTACKS:
            text = f"{front}{piece * (LENGTH // len(piece))}!"
            with bounded(f"{name} on {front + piece!r}…"):
                if isinstance(pattern.pattern, bytes):
                    (pattern.search if anywhere else pattern.match)(text.encode())
                else:
                    (pattern.search if anywhere else pattern.match)(text)


@pytest.mark.slow
def test_no_pattern_of_ours_explodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SECONDS", 0.15)  # of the processor; what grows with the text takes a thousandth of it
    found = every_pattern()
    assert len(found) > 100
    for name, (pattern, anywhere) in found.items():
        attack(pattern, name, anywhere=anywhere)


@pytest.mark.parametrize("bad", [r"(a+)+$", r"a+b", r"\s+x$", r"(\w+\.)+[A-Z]$"])
def test_one_that_does_would_be_found(monkeypatch: pytest.MonkeyPatch, bad: str) -> None:
    monkeypatch.setattr(bounds, "SECONDS", 0.05)
    with pytest.raises(TooSlow, match=r"^planted on "):
        attack(re.compile(bad), "planted")
