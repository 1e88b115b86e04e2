"""Syntax errors of the filter language: all those of an expression, each with a caret under its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import GatesError
from ..quick_dataclass import dataclass
from ..values import plural

if TYPE_CHECKING:
    from .nodes import Span

SHOWN = 20
"""How many problems the message shows; all are in `problems`."""

WINDOW = 100
"""How many columns of a long expression are shown around a problem."""


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes:
        span: where; may be empty, at the end of the text.
        label: what, in a few words.
        hint: what would be correct; may be empty.
    """

    span: Span
    label: str
    hint: str = ""


class FilterSyntaxError(GatesError):
    """An expression that cannot be parsed.

    Attributes:
        text: the whole expression.
        problems: all its problems, in the order of the text; never empty.
    """

    def __init__(self, text: str, problems: Sequence[Problem]) -> None:
        self.text, self.problems = text, tuple(problems)
        count = len(self.problems)
        super().__init__(
            "the filter expression has an error"
            if count == 1
            else f"the filter expression has {plural(count, 'error')}"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return FilterSyntaxError, (self.text, self.problems)

    def __str__(self) -> str:
        parts = [self.what, *(render(self.text, problem) for problem in self.problems[:SHOWN])]
        if len(self.problems) > SHOWN:
            parts.append(f"  … and {len(self.problems) - SHOWN} more")
        return "\n".join(parts)


def render(text: str, problem: Problem) -> str:
    """The line of the expression, a caret under the place, and the words."""
    start, end = problem.span.start, problem.span.end
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    left = max(line_start, min(start - WINDOW // 2, line_end - WINDOW))
    right = min(line_end, max(left + WINDOW, start + WINDOW // 2))
    before = "…" if left > line_start else ""
    after = "…" if right < line_end else ""
    shown = before + visible(text[left:right]) + after
    indent = width(before + visible(text[left:start]))
    carets = "^" * max(1, width(visible(text[start : min(end, right)])))
    lines = [f"  {shown}", f"  {' ' * indent}{carets} {visible(problem.label)}"]
    if problem.hint:
        lines.append(f"  {' ' * indent}hint: {visible(problem.hint)}")
    return "\n".join(lines)


def visible(text: str) -> str:
    """Text in which nothing moves the cursor or cannot be encoded."""
    return "".join(character if character.isprintable() else _stand_in(character) for character in text)


def _stand_in(character: str) -> str:
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def width(text: str) -> int:
    """Columns that a terminal needs for `text`."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)
