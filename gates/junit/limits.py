"""What a JUnit file may ask of its reader."""

from __future__ import annotations

import msgspec


class JUnitLimits(msgspec.Struct, frozen=True, kw_only=True):
    """`[junit]` of the config; a file that asks for more is refused.

    Attributes:
        max_size: bytes of a file.
        max_depth: elements inside each other; runners stay below ten.
        max_attribute: characters of the value of an attribute.
        max_text: characters of a text that is kept: of a result, or the output of a test that did not pass.
    """

    max_size: int = 1 << 30
    max_depth: int = 64
    max_attribute: int = 1 << 20
    max_text: int = 16 << 20
