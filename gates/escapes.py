"""Text of foreign origin (names, messages, tracebacks), made unable to do anything to where it is shown."""

from __future__ import annotations

import re

_COLOUR = re.compile("\x1b\\[[0-9;:]*m")
_NEWLINE = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_UNFIT = re.compile(
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls: would move the cursor or ring
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks: would reorder what stands beside them
    "\ud800-\udfff\ufffe\uffff"  # cannot be encoded, or must not be
    "]"
)


def clean(text: str) -> str:
    r"""`text` without colour codes, with `\n` as the only line end, and other controls as a visible `\xNN`."""
    return _UNFIT.sub(_escape, _NEWLINE.sub("\n", _COLOUR.sub("", text)))


def one_line(text: str, limit: int = 0) -> str:
    """`text` on one line; with a `limit`, cut visibly."""
    line = " ".join(clean(text).split())
    return f"{line[: limit - 1]}…" if limit and len(line) > limit else line


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
