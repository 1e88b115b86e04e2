"""The values that travel through the reading of tests: a claim is one check of one subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gates.analysis.checks.demands import Demand

EQUAL, CLOSE, PART, EXISTS, NOTHING = 4, 3, 2, 1, 0
"""How strictly a claim says what its subject is: all of it; all of it but for rounding or order; some of it; that there is
something; nothing."""


@dataclass(frozen=True)
class Claim:
    """One check in a test, after local variables, helpers, fixtures and cases were put in place.

    Attributes:
        kind: `equal`, `close`, `contains`, `order`, `unequal`, `length`, `type`, `exists`, `true`, `false`, `matches`, `either`,
            `raises`, `warns`, `mock`, `call`, or `fail`.
        subject: what is checked, without the wrappers in `loss`.
        expected: what it is compared with; empty if with nothing.
        level: how strict the claim is, from `NOTHING` to `EQUAL`.
        told: subject, with `_` for local names, as the test writes it.
        root: the name or call at the beginning of the subject.
        words: names, attributes and words of strings in the claim.
        loss: what is done to both sides before they are compared, and loses something: `sorted`, `lower`, `round` …
        state: what happened to the root before, as text.
        guards: conditions that must be true for the check to run.
        flaw: why it checks nothing, if it does not: `constant`, `itself`, `swallowed`, `unreachable`, `not-called` …
        exceptions: that a `raises` or `warns` accepts.
        match: the pattern that their text must match; None if any text will do.
        tolerance: what may differ, as `name=value`, and None for the default.
        awaited: the subject is awaited.
        literal: the expected value is written out, rather than computed.
        size: how many values the expected value has, if it is written out.
        calls: names of functions that the expected value calls.
        line: in its file.
        path: its file.
        text: the source of the check.
    """

    kind: str
    subject: str
    expected: str = ""
    level: int = EQUAL
    told: str = ""
    root: str = ""
    words: frozenset[str] = frozenset()
    loss: frozenset[str] = frozenset()
    state: str = ""
    guards: tuple[str, ...] = ()
    flaw: str = ""
    exceptions: tuple[str, ...] = ()
    match: str | None = None
    tolerance: tuple[tuple[str, str], ...] = ()
    awaited: bool = False
    literal: bool = False
    size: int = 1
    calls: frozenset[str] = frozenset()
    line: int = 0
    path: str = ""
    text: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The same for claims that check the same thing in the same way."""
        return self.kind, self.subject, self.expected, self.state

    @property
    def counts(self) -> bool:
        """Whether it checks something."""
        return not self.flaw and self.level > NOTHING


@dataclass(frozen=True)
class Mark:
    """A mark that decides whether a test counts: `skip`, `skipif`, `xfail`, or a `pytest.importorskip` in its code."""

    name: str
    condition: str = ""
    strict: bool | None = None
    raises: tuple[str, ...] = ()
    line: int = 0
    text: str = ""


@dataclass(frozen=True)
class CheckedTest:
    """A test with what it checks.

    Attributes:
        id: `path::Class::name`.
        claims: those that count and those that do not, in order.
        marks: on the test, its class and its module.
        patched: last names of what it replaces by something else.
        cases: the distinct cases of its parameters and loops, as text.
        fakes: last names of what it replaces, and what the replacement gives.
        assumed: conditions that Hypothesis is told to assume.
        left_out_more: constants that say what is left out of a comparison, with what they hold on the head alone.
        demands: how often it makes each demand beyond what it must.
        strict: whether the project makes an error of each warning.
        conditions: texts of the conditions in its code.
        filters: texts of the conditions by which it leaves out cases where they are listed.
        written: files that it writes.
        line: of its definition.
        words: that its code says.
        decorators: as text.
    """

    id: str
    path: str
    claims: tuple[Claim, ...] = ()
    marks: tuple[Mark, ...] = ()
    patched: frozenset[str] = frozenset()
    cases: tuple[str, ...] = ()
    fakes: frozenset[tuple[str, str]] = frozenset()
    demands: Mapping[Demand, int] = field(default_factory=dict)
    strict: bool = False
    assumed: tuple[str, ...] = ()
    left_out_more: frozenset[tuple[str, str]] = frozenset()
    conditions: frozenset[str] = frozenset()
    filters: tuple[str, ...] = ()
    written: frozenset[str] = frozenset()
    line: int = 0
    words: frozenset[str] = field(default_factory=frozenset)
    decorators: tuple[str, ...] = ()
