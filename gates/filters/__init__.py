"""The filter language: which tests does an expression select?

Parse (`parse`), compile (`compile_filter`), match (`Filter`): syntax first, meaning second, tests last. The grammar is
in docs/reference/filters.md. Standard library only, Python 3.9 syntax, relative imports: see `pytest_plugin`.
"""

from __future__ import annotations

from .compile import compile_filter
from .errors import FilterSyntaxError, Problem
from .match import Filter, Leaf, Selection, TestName
from .nodes import And, Expression, Matcher, Not, Or, Predicate, Span
from .parse import parse
from .printing import to_text

__all__ = [
    "And",
    "Expression",
    "Filter",
    "FilterSyntaxError",
    "Leaf",
    "Matcher",
    "Not",
    "Or",
    "Predicate",
    "Problem",
    "Selection",
    "Span",
    "TestName",
    "compile_filter",
    "parse",
    "to_text",
]
