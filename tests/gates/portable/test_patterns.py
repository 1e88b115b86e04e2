"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import re

import pytest

from gates.portable.patterns import lazy_pattern


def test_a_pattern_is_compiled_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(re, "compile", None)
        found = lazy_pattern(r"(a+)(?P<rest>b)?", re.IGNORECASE)
    match = found.search("xAAB")
    assert match is not None
    assert match.groups() == ("AA", "B")
    assert found.sub("-", "aab c") == "- c"


def test_bytes_and_what_a_pattern_lacks() -> None:
    assert lazy_pattern(rb"\d+").findall(b"1 22") == [b"1", b"22"]
    with pytest.raises(AttributeError, match="no_such_method"):
        _ = lazy_pattern("a").no_such_method  # type: ignore[attr-defined]
