"""Globs of names and of paths, as regular expressions.

Not `fnmatch`: its time grows with the square of a pattern's length, it does not support paths, and it makes a pattern without a
meaning (`[z-a]`) one that quietly matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..originals import warnings
from ..patterns import lazy_pattern
from .bounds import BoundedPattern

_SET = lazy_pattern(r"\[(!?)(\]?[^\]]*)\]")
_ACROSS = lazy_pattern(r"\*\*/|/\*\*\Z|\*\*")
_MEANINGS = {"**/": "(?:[^/]+/)*", "/**": "/.+", "**": ".*"}
_WITHIN = {"*": "[^/]*", "?": "[^/]"}
_ANY = {"*": ".*", "?": "."}


def name_pattern(glob: str) -> re.Pattern[str]:
    """The pattern of a glob for a whole name: `*` any text, `?` any character, `[abc]` and `[!abc]` one of a set.

    Raises:
        re.error: a set has no meaning.
    """
    return compiled(rf"(?s:{''.join(_parts(glob))})\Z")


def path_pattern(glob: str) -> BoundedPattern:
    """The pattern of a glob from the root: paths, and everything below a matching folder.

    `*` and `?` stay within a folder, `**` crosses folders.

    Raises:
        re.error: a set has no meaning.
    """
    return BoundedPattern(path_regex(glob), glob)


def path_regex(glob: str) -> re.Pattern[str]:
    """The same, for callers that limit the time of the match themselves."""
    glob = glob.removeprefix("./")
    return compiled(rf"(?s:{to_regex(glob.rstrip('/') or glob)})(?:/.*)?\Z")


def compiled(pattern: str) -> re.Pattern[str]:
    """The regular expression, without Python's warnings about patterns whose meaning may change.

    Raises:
        re.error: it is wrong.
    """
    with warnings.catch_warnings():  # with warnings as errors, they would end a run
        warnings.simplefilter("ignore")
        return re.compile(pattern)


def to_regex(glob: str, *, sets: bool = True) -> str:
    """The regular expression of a path glob, without its end; with `sets`, `[abc]` is one character of a set."""
    return "".join(_parts(glob, path=True, sets=sets))


def _parts(glob: str, *, path: bool = False, sets: bool = True) -> Iterator[str]:
    at, last = 0, glob.rfind("]")  # without the latter, every `[` outside a set would be searched to the end
    while at < len(glob):
        letter = glob[at]
        found = _SET.match(glob, at) if sets and letter == "[" and at < last else None
        across = _ACROSS.match(glob, at) if path and letter in "*/" else None
        if found is not None:
            yield _set(found[2], negated=bool(found[1]), path=path)
        elif across is not None:
            yield _MEANINGS[across[0]]
        else:
            yield (_WITHIN if path else _ANY).get(letter) or re.escape(letter)
        taken = found or across
        at = taken.end() if taken is not None else at + 1


def _set(inside: str, *, negated: bool, path: bool) -> str:
    escaped = re.sub(r"[\\^\[\]&|~]", r"\\\g<0>", inside)
    within = "(?!/)" if negated and path else ""
    return f"{within}[{'^' if negated else ''}{escaped}]"
