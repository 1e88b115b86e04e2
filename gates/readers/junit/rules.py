"""The config for JUnit files: limits, and accepted oddities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class JUnitRules(msgspec.Struct, frozen=True, kw_only=True):
    """`[junit]` of the config; a file beyond a limit is refused.

    Attributes:
        max_size: bytes of a file.
        max_depth: nesting of elements; runners stay below ten.
        max_attribute: characters in the value of an attribute.
        max_text: characters of a text that is kept: of a result, or the output of a test that did not pass.
        accept: contradictions that count only as notes, by name: see `formats.JUNIT_ODDITIES`.
        passed_words: words of a runner for a passed test, besides those that gates knows.
        silent_elements: elements in test cases that do not show how these ended, besides those that gates knows.
    """

    max_size: int = 1 << 30
    max_depth: int = 64
    max_attribute: int = 1 << 20
    max_text: int = 16 << 20
    accept: tuple[str, ...] = ()
    passed_words: tuple[str, ...] = ()
    silent_elements: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> JUnitRules:
        """The rules of a config, which contains those that are not the default."""
        return msgspec.convert(dict(table), cls)
