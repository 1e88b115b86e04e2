"""The config for JUnit files: limits, and accepted oddities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gates.portable.settings.declare import Declared, declare
from gates.portable.settings.kinds import COUNT, LIMIT, TEXTS, several_of
from gates.readers.formats import JUNIT_ODDITIES


class JUnitRules(Declared):
    """`[junit]` of the config; a file beyond a limit is refused."""

    max_size: int = declare(LIMIT, "bytes of a file", default=1 << 30, unset="`1 GiB`")
    max_depth: int = declare(COUNT, "depth of nested elements", default=64)  # runners stay below ten
    max_attribute: int = declare(LIMIT, "characters in the value of an attribute", default=1 << 20, unset="`1 MiB`")
    max_text: int = declare(LIMIT, "characters in a text that is kept", default=16 << 20, unset="`16 MiB`")
    accept: tuple[str, ...] = declare(
        several_of(*JUNIT_ODDITIES),
        f"counts that mean something else, by name: {', '.join(f'`{name}`' for name in JUNIT_ODDITIES)}; see "
        "[what they could hide](junit.md#what-makes-a-file-inconsistent)",
        default=(),
    )
    passed_words: tuple[str, ...] = declare(
        TEXTS, "words for a passed test, besides those that gates knows", default=()
    )
    silent_elements: tuple[str, ...] = declare(
        TEXTS, "elements that do not tell how a test ended, besides those that gates knows", default=()
    )

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> JUnitRules:
        """The rules of a config, which holds those that are not the default."""
        return cls(**table)
