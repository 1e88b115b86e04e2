"""Find the line of a key in a TOML file: the parser of the standard library keeps no positions."""

from __future__ import annotations

from collections import Counter

from gates.portable.patterns import lazy_pattern

_HEADER = lazy_pattern(r"\s*\[\[?(?P<keys>[^\]]+)\]\]?\s*(?:#.*)?$")
_KEY = lazy_pattern(
    r"\s*(?P<keys>(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_PART = lazy_pattern(r"\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+)")


def _split(keys: str) -> tuple[str, ...]:
    return tuple(match[1] or match[2] or match[3] or "" for match in _PART.finditer(keys))


def locate(text: str, path: tuple[str, ...]) -> int:
    """The line (from 1) of the key `path`, or of its nearest parent that exists; 0 for an empty file.

    The n-th table of `[[a.b]]` is `("a", "b", "n")`, counted from 0. A key inside an inline table or a multi-line string is found at the line of the table.
    """
    table: tuple[str, ...] = ()
    best_depth, best_line, quotes = -1, 0, ""
    seen: Counter[tuple[str, ...]] = Counter()
    for number, line in enumerate(text.split("\n"), 1):
        if quotes:  # inside a multi-line string, which may look like anything
            quotes = "" if quotes in line else quotes
            continue
        header = _HEADER.match(line)
        if header:
            table = found = _split(header["keys"])
            if line.lstrip().startswith("[["):
                indexed = (*found, str(seen[found]))
                seen[found] += 1
                if indexed[-1] != "0" or path[: len(indexed)] == indexed:  # without a number, the first is meant
                    table = found = indexed
        else:
            key = _KEY.match(line)
            if key is None:
                continue
            found = table + _split(key["keys"])
            quotes = next((mark for mark in ('"""', "'''") if line[key.end() :].count(mark) % 2), "")
        depth = len(found)
        if path[:depth] == found and depth > best_depth:
            best_depth, best_line = depth, number
    return best_line
