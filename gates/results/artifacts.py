"""What a gate reports besides outcomes: diagnostics of linters and type checkers, warnings of tests, coverage.

Each distinguishes "none" from "not known" (`unknown` has the reason).
"""

from __future__ import annotations

import msgspec

KEPT = 5_000
"""Maximum number of diagnostics, and of groups of warnings, in a gate's result; others are only counted."""


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding of a linter or a type checker at a place in the source.

    Attributes:
        path: relative to the project, `/` as separator; unchanged if it is elsewhere.
        line: counted from 1; 0 for the whole file.
        column: counted from 1; 0 if unknown.
        rule: the tool's name for it, `E501`, `arg-type`; may be empty.
        severity: `error`, `warning` or `note`, if given.
        message: in one line, without the rule.
        tool: its name, if given.
    """

    path: str
    message: str
    line: int = 0
    column: int = 0
    rule: str = ""
    severity: str = ""
    tool: str = ""


class Diagnostics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All findings of a gate's tools.

    Attributes:
        count: how many.
        kept: the first `KEPT` of them, in the order of the tool.
        source: `log`, or the names of the files that they were read from.
        unknown: why the findings are not known; then there is no count.
    """

    count: int = 0
    kept: tuple[Diagnostic, ...] = ()
    source: str = ""
    unknown: str = ""


class TestWarning(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Similar warnings: of the same category and file, with messages that differ only in numbers.

    Attributes:
        category: the class, with its module unless that is `builtins`.
        message: of the first one.
        file: relative to the root of the tests; for an installed package, the part after `site-packages/`.
        line: of the first one; 0 if unknown.
        test: id of the test that was running; empty during collection.
        when: `config`, `collect` or `runtest`, as pytest calls it.
        count: how many.
    """

    __test__ = False

    category: str
    message: str
    file: str = ""
    line: int = 0
    test: str = ""
    when: str = ""
    count: int = 1


class TestWarnings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The warnings that pytest recorded in a gate.

    Attributes:
        count: of all of them.
        groups: groups of similar ones, in the order of the first of each.
        unknown: why they are not all known.
    """

    __test__ = False

    count: int = 0
    groups: tuple[TestWarning, ...] = ()
    unknown: str = ""


class FileCoverage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Executable lines of a file, as ranges, `1-4,9`.

    Attributes:
        ran: those that a test ran.
        missed: those that none did.
    """

    ran: str = ""
    missed: str = ""


class Coverage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The combined coverage files of a gate: a line ran if one of them says so.

    Attributes:
        files: by path, relative to the project.
        ran: number of lines that ran, in all of these files.
        lines: number of executable lines.
        notes: other notes, such as paths that may mean one of several files.
        unknown: why nothing is known.
    """

    files: dict[str, FileCoverage] = {}
    ran: int = 0
    lines: int = 0
    notes: tuple[str, ...] = ()
    unknown: str = ""
