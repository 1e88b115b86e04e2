"""Matchers: how the text of an argument is compared with a name."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    from .nodes import Matcher

TextTest = Callable[[str], bool]


class PatternError(ValueError):
    """A pattern that `re` refuses; `position` is an index into the pattern, where it is known."""

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


def compile_pattern(matcher: Matcher) -> re.Pattern[str]:
    """The regular expression of a `/` or `#` matcher.

    Raises:
        PatternError: it is wrong.
    """
    from fnmatch import translate

    source = matcher.text if matcher.kind == "/" else translate(matcher.text)
    try:
        with warnings.catch_warnings():
            # Python warns of patterns whose meaning may change; with warnings as errors that must not end a run.
            warnings.simplefilter("ignore")
            return re.compile(source)
    except re.error as error:
        raise PatternError(str(error.msg), error.pos) from None
    except (RecursionError, OverflowError) as error:
        raise PatternError(f"too large: {error}", None) from None
