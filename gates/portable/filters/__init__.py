"""The filter language: which tests does an expression select?

Parse (`parse`), compile (`compile_filter`), match (`Filter`), explain (`explain`): syntax first, meaning second, tests
last. The grammar is in docs/reference/filters.md. Standard library only, Python 3.9 syntax, relative imports: see
`pytest_plugin`.
"""

from __future__ import annotations

from .candidate import Candidate, Described, Mark
from .candidates import Candidates
from .compile import compile_filter
from .errors import FilterSyntaxError, Problem
from .findings import LeafReport, leaf_reports
from .match import Filter, Leaf, Selection
from .nodes import And, Expression, Matcher, Not, Or, Predicate, Span, predicates
from .parse import parse
from .predicates import PREDICATES, PredicateForm
from .printing import to_text
from .resolution import Facts, NoFacts, Resolution, TableFacts, unknown

__all__ = [
    "PREDICATES",
    "And",
    "Candidate",
    "Candidates",
    "Described",
    "Expression",
    "Facts",
    "Filter",
    "FilterSyntaxError",
    "Leaf",
    "LeafReport",
    "Mark",
    "Matcher",
    "NoFacts",
    "Not",
    "Or",
    "Predicate",
    "PredicateForm",
    "Problem",
    "Resolution",
    "Selection",
    "Span",
    "TableFacts",
    "compile_filter",
    "leaf_reports",
    "parse",
    "predicates",
    "to_text",
    "unknown",
]
