"""What a gate brings besides outcomes: diagnostics of linters and type checkers, warnings of tests, coverage.

Of each it is told apart whether there was none or whether that is not known (`unknown` says why).
"""

from __future__ import annotations

import msgspec

KEPT = 5_000
"""Diagnostics, and groups of warnings, that a gate's result holds; of further ones only the number is known."""


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a linter or a type checker says of a place in the source.

    Attributes:
        path: relative to the project, `/` as separator; as it was given where it lies elsewhere.
        line: counted from 1; 0 where it is about the whole file.
        column: counted from 1; 0 where unknown.
        rule: the tool's name for it, `E501`, `arg-type`; may be empty.
        severity: `error`, `warning` or `note`, as far as it is said.
        message: in one line, without the rule.
        tool: its name, as far as it is said.
    """

    path: str
    message: str
    line: int = 0
    column: int = 0
    rule: str = ""
    severity: str = ""
    tool: str = ""


class Diagnostics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that a gate's tools found.

    Attributes:
        count: how many.
        kept: the first `KEPT` of them, in the order of the tool.
        source: `log`, or the names of the files that they were read from.
        unknown: why it is not known what was found; then there is no count.
    """

    count: int = 0
    kept: tuple[Diagnostic, ...] = ()
    source: str = ""
    unknown: str = ""


class TestWarning(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Warnings that are alike: of the same category and file, with messages that differ in numbers at most.

    Attributes:
        category: the class, with its module where that is not `builtins`.
        message: of the first one.
        file: relative to the root of the tests; of an installed package, what follows `site-packages/`.
        line: of the first one; 0 where unknown.
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
        groups: those that are alike, in the order of the first of each.
        unknown: why they are not all known.
    """

    __test__ = False

    count: int = 0
    groups: tuple[TestWarning, ...] = ()
    unknown: str = ""


class FileCoverage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lines of a file that can run, as ranges, `1-4,9`.

    Attributes:
        ran: those that some test ran.
        missed: those that none did.
    """

    ran: str = ""
    missed: str = ""


class Coverage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a gate's coverage files say, put together: a line that one of them saw running ran.

    Attributes:
        files: by path, relative to the project.
        ran: lines that ran, of all of these files.
        lines: lines that can run.
        notes: what else must be known, such as paths that may be one of several files.
        unknown: why nothing is known.
    """

    files: dict[str, FileCoverage] = {}
    ran: int = 0
    lines: int = 0
    notes: tuple[str, ...] = ()
    unknown: str = ""
