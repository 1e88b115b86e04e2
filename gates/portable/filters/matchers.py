"""Matchers: how the text of an argument is compared with a name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable

from ..values import parse_duration
from .globs import compiled, name_pattern, path_regex

if TYPE_CHECKING:
    from .nodes import Matcher

TextTest = Callable[[str], bool]
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda seconds, limit: seconds > limit,
    ">=": lambda seconds, limit: seconds >= limit,
    "<": lambda seconds, limit: seconds < limit,
    "<=": lambda seconds, limit: seconds <= limit,
}


class PatternError(ValueError):
    """A pattern that `re` refuses; `position` is an index into the pattern, if known."""

    def __init__(self, words: str, position: int | None) -> None:
        self.words, self.position = words, position
        super().__init__(words)


def compile_matcher(matcher: Matcher) -> TextTest:
    """How a matcher compares.

    Raises:
        PatternError: the pattern of a regular expression or a glob is wrong; the parser refuses those.
    """
    text = matcher.text
    if matcher.kind == "=":
        return text.__eq__
    if matcher.kind == "~":
        return lambda name: text in name
    pattern = compile_pattern(matcher)
    if matcher.kind == "/":
        return lambda name: pattern.search(name) is not None
    return lambda name: pattern.match(name) is not None


def compile_path_matcher(matcher: Matcher) -> TextTest:
    """How a matcher compares with a path: a glob crosses `/` only in `**`, and a folder means everything in it.

    Raises:
        PatternError: see `compile_matcher`.
    """
    if matcher.kind != "#":
        return compile_matcher(matcher)
    pattern = path_regex(matcher.text)
    return lambda path: pattern.match(path) is not None


def compile_duration(matcher: Matcher) -> Callable[[float], bool]:
    """How seconds are compared with the duration of a matcher."""
    compare, limit = COMPARISONS[matcher.kind], parse_duration(matcher.text)
    return lambda seconds: compare(seconds, limit)


def compile_pattern(matcher: Matcher) -> re.Pattern[str]:
    """The regular expression of a `/` or `#` matcher.

    Raises:
        PatternError: it is wrong.
    """
    try:
        return name_pattern(matcher.text) if matcher.kind == "#" else compiled(matcher.text)
    except re.error as error:
        raise PatternError(str(error.msg), error.pos if matcher.kind == "/" else None) from None
    except (RecursionError, OverflowError) as error:
        raise PatternError(f"too large: {error}", None) from None
