"""Cut long texts to a limit, with a note. Secrets are masked first: half of one could not be found later."""

from __future__ import annotations

from ..portable.values import plural
from .secrets import hide

LIMIT = 64 * 1024
"""Maximum bytes (as UTF-8) of one text of a record, not counting the note about the cut."""


def cap(text: str, limit: int = LIMIT) -> str:
    """`text` itself, or its beginning and end with a line between them about how much was cut."""
    if len(text) * 4 <= limit:  # no character takes more than four bytes
        return text
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= limit:
        return text
    data = hide(text).encode("utf-8", "surrogatepass")
    if len(data) <= limit:
        return data.decode("utf-8", "surrogatepass")
    half = limit // 2
    head, tail = data[:half], data[len(data) - half :]
    cut = len(data) - len(head) - len(tail)
    return f"{_decode(head)}\n… {plural(cut, 'byte')} cut …\n{_decode(tail)}"


def size(text: str) -> int:
    """Bytes of a text as UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def words(text: str, limit: int) -> str:
    """A single line, visibly cut to this many characters."""
    if len(text) > limit:
        text = hide(text)
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def _decode(data: bytes) -> str:
    # A cut may split a character, and lone surrogates must survive: no single error handler does both.
    for start in range(min(4, len(data)) or 1):
        for end in range(min(4, len(data)) or 1):
            try:
                return data[start : len(data) - end].decode("utf-8", "surrogatepass")
            except UnicodeDecodeError:
                continue
    return data.decode("utf-8", "replace")


def first_line(text: str, limit: int = 1000) -> str:
    """The first line of `text` that is not blank, for a message."""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped:
            return words(stripped, limit)
    return ""
