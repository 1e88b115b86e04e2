"""Find the places where a text was shortened: the text next to them may be a piece of a secret.

pytest, unittest, reprlib and gates itself all mark their cuts; this module searches for these marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..patterns import lazy_pattern

_SHORTEST = 4
"""Minimum bytes of a piece to mask: six for a possible common word, eight if the cut is uncertain."""
_WORD, _UNSURE = 6, 8

_OWN = 12
"""Bytes of a mark longer than any ellipsis: a line written by gates itself."""

_MARKS = (  # each begins with letters that are quick to find
    (b"...", lazy_pattern(rb"\.\.\.+")),
    (b"\xe2\x80\xa6", lazy_pattern(rb"\xe2\x80\xa6(?: [\d,]+ bytes? cut \xe2\x80\xa6)?")),
    (b"\\u2026", lazy_pattern(rb"\\u2026(?: [\d,]+ bytes? cut \\u2026)?")),
    (b" chars]", lazy_pattern(rb"\[[\d,]+ chars\]")),  # of unittest
)
_DIFFERENCE = lazy_pattern(rb"^E? {2,}[-+] (\S+)$", re.MULTILINE)
"""A line of pytest's diffs, which omit the beginning and the end of long texts."""


class Pieces:
    """Knows the secrets in all forms that may be cut."""

    def __init__(self, forms: Mapping[bytes, str]) -> None:
        """Store the forms.

        Args:
            forms: of secrets, each with its replacement.
        """
        self._forms = forms
        self._grams = {form[at : at + _SHORTEST] for form in forms for at in range(len(form) - _SHORTEST + 1)}

    def find(self, data: bytes) -> list[tuple[int, int, str]]:
        """Start and end of each piece next to a cut, and its replacement."""
        found: list[tuple[int, int, str]] = []
        for sign, pattern in _MARKS:
            if sign in data:
                for mark in pattern.finditer(data):
                    start, end = mark.span()
                    if end - start > _OWN:
                        start, end = _without_newlines(data, start, end)
                    self._look(data, start, end, found)
        if b"  - " in data or b"  + " in data:
            for line in _DIFFERENCE.finditer(data):
                self._look(data, line.end(1), line.start(1), found, _UNSURE)
        return found

    def _look(
        self, data: bytes, before: int, after: int, found: list[tuple[int, int, str]], least: int = _SHORTEST
    ) -> None:
        """Find the piece that ends at `before`, and the one that begins at `after`."""
        if data[max(0, before - _SHORTEST) : before] in self._grams:
            size, said = max((_longest(form, data, before, -1), said) for form, said in self._forms.items())
            if _enough(data[before - size : before], least):
                found.append((before - size, before, said))
        if data[after : after + _SHORTEST] in self._grams:
            size, said = max((_longest(form, data, after, 1), said) for form, said in self._forms.items())
            if _enough(data[after : after + size], least):
                found.append((after, after + size, said))


def _without_newlines(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The place of a separate line that marks a cut, including the line ends around it."""
    for newline in (b"\n", b"\\n"):
        if data.endswith(newline, 0, start) and data.startswith(newline, end):
            return start - len(newline), end + len(newline)
    return start, end


def _longest(form: bytes, data: bytes, at: int, way: int) -> int:
    """How many bytes after a place (`way` 1), or before it (-1), are a piece of a form."""
    size = 0
    while size < len(form):
        more = size + 1
        piece = data[at : at + more] if way > 0 else data[max(0, at - more) : at]
        if len(piece) < more or piece not in form:
            break
        size = more
    return size


def _enough(piece: bytes, least: int) -> bool:
    return len(piece) >= (max(least, _WORD) if piece.isalpha() else least)


def replaced(data: bytes, spans: Iterable[tuple[int, int, str]]) -> bytes:
    """`data` with replacements in these places; overlapping ones are merged."""
    parts: list[bytes] = []
    at = 0
    for start, end, said in sorted(spans):
        if end <= at:
            continue
        if start >= at:
            parts += [data[at:start], said.encode("utf-8", "surrogateescape")]
        at = end
    return b"".join([*parts, data[at:]])
