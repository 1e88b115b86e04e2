"""Path globs: `*` and `?` stay within a folder, `**` crosses folders, and a folder stands for everything below it."""

from __future__ import annotations

import re

_PARTS = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|\[!?[^\]]+\]|.", re.DOTALL)
_MEANINGS = {"**/": "(?:[^/]+/)*", "/**": "/.+", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def to_regex(glob: str, *, sets: bool = True) -> str:
    """A regular expression for what a glob matches; with `sets`, `[abc]` and `[!abc]` are one character of a set."""
    return "".join(_MEANINGS.get(part) or _part(part, sets) for part in _PARTS.findall(glob))


def _part(part: str, sets: bool) -> str:
    if len(part) == 1 or not sets:
        return re.escape(part)
    inside, negated = part[1:-1], part.startswith("[!")
    inside = re.sub(r"[\\^\[&|~]", r"\\\g<0>", inside[1:] if negated else inside)  # of these, Python would warn
    return f"[{'^/' if negated else ''}{inside}]"


def path_pattern(glob: str) -> re.Pattern[str]:
    """What a glob from the root matches: paths, and everything below a folder that it fits."""
    glob = glob.removeprefix("./")
    return re.compile(rf"(?s:{to_regex(glob.rstrip('/') or glob)})(?:/.*)?\Z")
