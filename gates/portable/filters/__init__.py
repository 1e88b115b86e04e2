"""The filter language: selects tests by expression.

Parse (`parse`), compile (`compile_filter`), match (`Filter`), explain (`explain`): syntax first, meaning second, tests
last. The grammar is in docs/reference/filters.md. Standard library only, Python 3.9 syntax, relative imports: see
`pytest_plugin`.
"""

from __future__ import annotations

from .candidate import Candidate, Described
from .candidates import Candidates
from .compile import compile_filter
from .errors import FilterSyntaxError
from .findings import LeafReport, leaf_reports
from .match import Filter
from .nodes import Expression, Matcher, Not, Or, Predicate, predicates
from .parse import parse
from .predicates import PREDICATES
from .printing import to_text
from .resolution import Facts, Resolution, TableFacts, unknown

__all__ = [
    "PREDICATES",
    "Candidate",
    "Candidates",
    "Described",
    "Expression",
    "Facts",
    "Filter",
    "FilterSyntaxError",
    "LeafReport",
    "Matcher",
    "Not",
    "Or",
    "Predicate",
    "Resolution",
    "TableFacts",
    "compile_filter",
    "leaf_reports",
    "parse",
    "predicates",
    "to_text",
    "unknown",
]
