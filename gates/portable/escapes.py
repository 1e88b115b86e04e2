"""Makes text of foreign origin (names, messages, tracebacks) harmless wherever it is shown.

This rule is only here: every renderer shows foreign text through `clean` or `one_line`, and everything that is
printed goes through `Commands`.
"""

from __future__ import annotations

import re

from .patterns import lazy_pattern

_COLOUR = lazy_pattern("\x1b\\[[0-9;:]*m")
_NEWLINE = lazy_pattern("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = (
    "["
    "\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls: would move the cursor or ring
    "\xad\u034f\u061c\u180b-\u180f\u200b-\u200f\u2060-\u206f\ufe00-\ufe0e\ufeff"  # invisible, or direction marks
    "\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800"  # invisible letters
    "\u202a-\u202e"  # embeddings: would reorder the text around them
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\ufff0-\ufffb"  # further format characters
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags, and variation selectors
    "\ud800-\udfff\ufffe\uffff"  # cannot be encoded, or must not be
    "]"
    "|(?<![\xa9\xae\u203c-\u3299\U0001f000-\U0001faff])\ufe0f"  # turns a sign into an emoji, and has no other meaning
)

_UNFIT = lazy_pattern(_INVISIBLE)
_UNFIT_JSON = lazy_pattern(f"{_INVISIBLE}|[\x85\u2028\u2029]")
"""The same, and the line separators that JSON allows in a string."""


def clean(text: str) -> str:
    r"""`text` without colour codes, with `\n` as the only line end, and what a reader would not see as a visible `\xNN`."""
    if text.isascii() and text.isprintable():
        return text  # nearly all of it
    return _UNFIT.sub(_escape, _NEWLINE.sub("\n", _COLOUR.sub("", text)))


def clean_json(text: str) -> str:
    """JSON whose invisible characters are written as JSON escapes: it means the same."""
    from .originals import json

    return _UNFIT_JSON.sub(lambda match: json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f", text)


def one_line(text: str, limit: int = 0) -> str:
    """`text` on one line; with a `limit`, cut visibly."""
    line = " ".join(clean(text).split())
    return f"{line[: limit - 1]}…" if limit and len(line) > limit else line


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_COMMAND = lazy_pattern(
    r"##(?:vso|teamcity)?\["  # of Azure, TeamCity, and of GitHub in former times
    r"|section_(?:start|end):\d"  # of GitLab
)
_AT_START = lazy_pattern(r"\s*::")  # of GitHub
_MAY_BEGIN = lazy_pattern(r"\s*:?")
_LINES = lazy_pattern(r"(?<=[\n\r])")
_LONGEST = 16
"""How many characters of a line are remembered: no command's marker is longer."""


class Commands:
    r"""Neutralises printed text that a CI system would take for a command, except commands of gates.

    The last character of its mark becomes `\u003a` or the like, which JSON reads as the same character. A line is followed
    across several texts.
    """

    def __init__(self, *, begins: bool = True) -> None:
        self._before = ""  # the end of the line so far
        self._begins = begins  # it contains only spaces so far, and at most a colon

    def inert(self, text: str) -> str:
        """The next text, without commands."""
        return "".join(map(self._inert, _LINES.split(text)))

    def _inert(self, part: str) -> str:
        line, known = self._before + part, len(self._before)
        ends = {match.end() - 1 for match in _COMMAND.finditer(line)}
        if self._begins and (start := _AT_START.match(line)) is not None:
            ends.add(start.end() - 1)
        for end in sorted(ends, reverse=True):
            if end >= known:
                part = f"{part[: end - known]}\\u{ord(line[end]):04x}{part[end - known + 1 :]}"
        ended = line.endswith(("\n", "\r"))
        self._begins = ended or (self._begins and _MAY_BEGIN.fullmatch(line) is not None)
        self._before = "" if ended else line[-_LONGEST:]
        return part
