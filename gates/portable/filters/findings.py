"""Findings about the predicates of an expression: those that match nothing, and those that are unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..quick_dataclass import dataclass
from ..values import plural
from .nearest import nearest
from .nodes import Matcher, Predicate
from .predicates import PREDICATES
from .printing import to_text

if TYPE_CHECKING:
    from .candidate import Candidate
    from .match import Leaf, Selection

_WORDS = re.compile(r"[^\W_]{3,}")
MOST_NAMES = 5000
"""How many names are searched for the nearest; more would take seconds."""

QUIET = frozenset({"all", "none", "platform", "failed", "flaky", "slow", "new", "changed"})
"""Predicates about a state: that no test has it is a normal answer."""


@dataclass(frozen=True)
class LeafReport:
    """One predicate of an expression, after evaluation.

    Attributes:
        text: its canonical form.
        count: tests that match, or may match.
        unknown: how many of these are only unknown.
        error: why an expression that contains it is invalid; empty if it is not.
        warning: why it is probably a mistake.
        note: a note on its answers, such as why they are unknown.
    """

    text: str
    count: int
    unknown: int = 0
    error: str = ""
    warning: str = ""
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LeafReport:
        """Read what `to_json` made."""
        texts = {name: str(data.get(name) or "") for name in ("error", "warning", "note")}
        return cls(str(data["text"]), int(data["count"]), int(data.get("unknown") or 0), **texts)


def leaf_reports(selection: Selection, tests: Sequence[Candidate]) -> tuple[LeafReport, ...]:
    """A report for each predicate, in the order of the text; a repeated predicate has one."""
    once = {leaf.text: leaf for leaf in selection.leaves}
    return tuple(_report(leaf, tests) for leaf in once.values())


def _report(leaf: Leaf, tests: Sequence[Candidate]) -> LeafReport:
    question = leaf.question
    missing = question.missing if question is not None else ""
    note = question.note if question is not None else ""
    if leaf.unknown:
        note = f"unknown for {plural(leaf.unknown, 'test')}, and therefore selected: {leaf.why}"
    error = warning = ""
    if missing:
        error = missing
    elif not leaf.count and leaf.predicate.name not in QUIET:
        said = _nothing(leaf, tests)
        form = PREDICATES[leaf.predicate.name]
        # `rdeps` of an existing module may select no test.
        if form.must_exist and not form.outside:
            error = said
        else:
            warning = said
    return LeafReport(leaf.text, leaf.count, leaf.unknown, error, warning, note)


def _nothing(leaf: Leaf, tests: Sequence[Candidate]) -> str:
    hint = _habit(leaf.predicate) or _near(leaf, tests)
    return f"{leaf.text} matches no test{f'; {hint}' if hint else ''}"


def _near(leaf: Leaf, tests: Sequence[Candidate]) -> str:
    first = leaf.predicate.arguments[0] if leaf.predicate.arguments else None
    if leaf.question is None or not isinstance(first, Matcher) or first.kind == "/":
        return ""
    names: dict[str, None] = {}
    for test in tests:
        if leaf.predicate.name == "test":
            own: Iterable[str] = (test.names.name, *test.names.classes, test.file.rpartition("/")[2].partition(".")[0])
        else:
            own = leaf.question.names(test)
        names.update(dict.fromkeys(own))
        if first.kind == "~":  # a part of a name may be meant: `cahce` is near the `cache` in `test_a_cache_is_empty`
            names.update(dict.fromkeys(word for name in own for word in _WORDS.findall(name)))
        if len(names) > MOST_NAMES:
            break
    near = nearest(first.text, names)
    if not near:
        return ""
    meant = to_text(Predicate(leaf.predicate.name, (Matcher(PREDICATES[leaf.predicate.name].default, near),)))
    return f"did you mean {meant}?"


def _habit(predicate: Predicate) -> str:
    """A hint for syntax of another language."""
    for argument in predicate.matchers:
        text, kind = argument.text, argument.kind
        if text[:1] in "\"'" and text[-1:] == text[:1] and kind in "~=#":
            return "the quotes are part of the text; leave them out"
        if kind in "~=" and (".*" in text or text.startswith("^") or text.endswith("$")):
            return f"did you mean {predicate.name}(/{text}/)?"
        if kind in "~=" and ("*" in text or "?" in text):
            return f"did you mean {predicate.name}(#{text})?"
    return ""
