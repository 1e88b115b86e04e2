"""Match paths with `*` within a folder and `**` across folders."""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|[^*?]")
_MEANINGS = {"**/": "(?:[^/]+/)*", "/**": "/.+", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def to_regex(pattern: str) -> str:
    """A regular expression for what a pattern matches; everything but `*` and `?` stands for itself."""
    return "".join(_MEANINGS.get(part) or re.escape(part) for part in _PARTS.findall(pattern))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(to_regex(pattern), re.DOTALL)


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern, which starts at the root, matches a path; a folder's name with `/` at its end means all in it."""
    pattern = pattern.removeprefix("/")
    return _compiled(f"{pattern}**" if pattern.endswith("/") else pattern).fullmatch(path) is not None
