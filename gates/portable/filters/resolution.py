"""Answers to predicates that the test process cannot evaluate itself: history, git, the import graph, a base.

The program `gates` answers each such predicate of an expression once, for all tests, with a
`Resolution`. It is plain data, sent to the test process as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Optional, Protocol

from ..quick_dataclass import dataclass

if TYPE_CHECKING:
    from .nodes import Predicate

Answer = Optional[bool]
"""True, False, or None: unknown."""


@dataclass(frozen=True)
class NamedTests:
    """A set of tests, named in any known way.

    Attributes:
        tests: whole ids.
        functions: ids without parameters: `path::Class::name` includes each of `path::Class::name[…]`.
        files: paths below the root, with `/`.
    """

    tests: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()

    def hold(self, test: str, function: str, file: str) -> bool:
        """Whether a test is in the set."""
        return test in self.tests or function in self.functions or file in self.files

    def to_json(self) -> dict[str, list[str]]:
        """As JSON, without empty parts."""
        parts = {"tests": self.tests, "functions": self.functions, "files": self.files}
        return {name: sorted(members) for name, members in parts.items() if members}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NamedTests:
        """Read what `to_json` made."""
        return cls(*(frozenset(map(str, data.get(name) or ())) for name in ("tests", "functions", "files")))


@dataclass(frozen=True)
class Resolution:
    """The answer to one predicate, for every test.

    Attributes:
        yes: tests that match.
        no: tests that do not match; `yes` takes precedence.
        otherwise: the answer for all other tests.
        why: why `otherwise` is unknown; follows "unknown: ".
        note: a note on a known answer, such as why everything was selected.
        missing: what the predicate names but does not exist, with the nearest that exists; empty if nothing is missing.
    """

    yes: NamedTests = field(default_factory=NamedTests)
    no: NamedTests = field(default_factory=NamedTests)
    otherwise: Answer = False
    why: str = ""
    note: str = ""
    missing: str = ""

    def answer(self, test: str, function: str, file: str) -> Answer:
        """True, False or unknown for one test, given its id, its id without parameters, and its file."""
        if self.yes.hold(test, function, file):
            return True
        return False if self.no.hold(test, function, file) else self.otherwise

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "yes": self.yes.to_json(),
            "no": self.no.to_json(),
            "otherwise": self.otherwise,
            "why": self.why,
            "note": self.note,
            "missing": self.missing,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Resolution:
        """Read what `to_json` made."""
        otherwise = data.get("otherwise", None)
        return cls(
            yes=NamedTests.from_json(data.get("yes") or {}),
            no=NamedTests.from_json(data.get("no") or {}),
            otherwise=None if otherwise is None else bool(otherwise),
            why=str(data.get("why") or ""),
            note=str(data.get("note") or ""),
            missing=str(data.get("missing") or ""),
        )


def unknown(why: str) -> Resolution:
    """Nothing is known, so every test is selected."""
    return Resolution(otherwise=None, why=why)


class Facts(Protocol):
    """Answers predicates about more than the test itself."""

    def resolve(self, predicate: Predicate) -> Resolution:
        """The answer for all tests; never raises for anything that a user can cause, but returns *unknown*."""
        ...


class TableFacts:
    """Answers from another process, by the canonical text of the predicate."""

    def __init__(self, table: Mapping[str, Resolution], why: str) -> None:
        self._table, self._why = table, why

    def resolve(self, predicate: Predicate) -> Resolution:
        """The answer from the table."""
        from .printing import to_text

        return self._table.get(to_text(predicate)) or unknown(self._why)
