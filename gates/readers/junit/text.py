"""Convert any text for XML 1.0, without losing a character.

A test may print any bytes. Characters that XML cannot contain, or that its parsers change (a carriage
return becomes a newline), are written as a visible `#xNN`, as in pytest. The escape is only for people: a text that already
contained the letters `#x1B` looks the same.
"""

from __future__ import annotations

import re

from gates.portable.patterns import lazy_pattern

_UNFIT = lazy_pattern(
    "["
    "\x00-\x08\x0b-\x1f"  # C0 controls except tab and newline; a carriage return would be read back as a newline
    "\x7f-\x9f"  # DEL and C1 controls: legal, discouraged, invisible, and junit-xml's own printer drops them
    "\ud800-\udfff"  # lone surrogates: bytes that were not UTF-8 (`surrogateescape`)
    "\ufdd0-\ufdef\ufffe\uffff"  # noncharacters
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
    + "]"
)


def clean(text: str) -> str:
    """`text` with every character that XML cannot contain as `#xNN`: two, four or six upper-case hex digits."""
    if text.isascii() and text.isprintable():
        return text  # nearly all of it: names, files, properties
    return _UNFIT.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    width = 2 if code < 0x100 else 4 if code < 0x10000 else 6
    return f"#x{code:0{width}X}"
