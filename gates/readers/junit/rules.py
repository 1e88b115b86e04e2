"""The config for JUnit files: limits, and accepted oddities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gates.portable.settings.declare import Declared, declare
from gates.portable.settings.kinds import COUNT, LIMIT, TEXTS, several_of
from gates.readers.formats import JUNIT_ODDITIES


class JUnitRules(Declared):
    """`[junit]` of the config; a file beyond a limit is refused.

    Attributes:
        max_size: bytes of a file.
        max_depth: depth of nested elements.
        max_attribute: characters in the value of an attribute.
        max_text: characters in a text that is kept.
        accept: counts that mean something else, by name: `tests-count-assertions`, `failures-count-assertions`,
            `errors-count-output`, `skipped-count-unlisted`, `counts-include-attempts`, `unreadable-counts`; see [what
            they could hide](junit.md#what-makes-a-file-inconsistent).
        passed_words: words for a passed test, besides those that gates knows.
        silent_elements: elements that do not tell how a test ended, besides those that gates knows.
    """

    max_size: int = declare(LIMIT, default=1 << 30, unset="`1 GiB`")
    max_depth: int = declare(COUNT, default=64)
    max_attribute: int = declare(LIMIT, default=1 << 20, unset="`1 MiB`")
    max_text: int = declare(LIMIT, default=16 << 20, unset="`16 MiB`")
    accept: tuple[str, ...] = declare(several_of(*JUNIT_ODDITIES), default=())
    passed_words: tuple[str, ...] = declare(TEXTS, default=())
    silent_elements: tuple[str, ...] = declare(TEXTS, default=())

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> JUnitRules:
        """The rules of a config, which holds those that are not the default."""
        return cls(**table)
