from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.readers.diagnostics import read_log

if TYPE_CHECKING:
    from gates.results import Diagnostic


def read(text: str, *files: str) -> list[Diagnostic]:
    return list(read_log(text.splitlines(), lambda path: path in (files or ("a.py", "/at/a.py", "src/a b.c"))))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        # ruff --output-format concise
        ("a.py:1:8: F401 [*] `os` imported but unused", (1, 8, "F401", "", "`os` imported but unused")),
        ("a.py:1:7: invalid-syntax: Expected a parameter", (1, 7, "invalid-syntax", "", "Expected a parameter")),
        # ruff --output-format pylint, pylint
        ("a.py:1: [F401] `os` imported but unused", (1, 0, "F401", "", "`os` imported but unused")),
        (
            "a.py:1:0: C0114: Missing docstring (missing-docstring)",
            (1, 0, "C0114", "", "Missing docstring (missing-docstring)"),
        ),
        # flake8, pyflakes
        (
            "a.py:2:80: E501 line too long (99 > 79 characters)",
            (2, 80, "E501", "", "line too long (99 > 79 characters)"),
        ),
        ("a.py:2:1: 'os' imported but unused", (2, 1, "", "", "'os' imported but unused")),
        # mypy, with and without columns and ends
        ("a.py:5: error: Bad  [arg-type]", (5, 0, "arg-type", "error", "Bad")),
        ("a.py:5:3: error: Bad  [arg-type]", (5, 3, "arg-type", "error", "Bad")),
        ("a.py:5:3:6:1: error: Bad  [arg-type]", (5, 3, "arg-type", "error", "Bad")),
        # gcc, clang-tidy
        (
            "src/a b.c:5:3: warning: unused variable 'x' [-Wunused-variable]",
            (5, 3, "-Wunused-variable", "warning", "unused variable 'x'"),
        ),
        ("a.py:5:3: fatal error: x.h: No such file", (5, 3, "", "error", "x.h: No such file")),
        # pyright
        (
            '  /at/a.py:3:5 - error: "x" is not defined (reportUndefinedVariable)',
            (3, 5, "reportUndefinedVariable", "error", '"x" is not defined'),
        ),
        # tsc
        ("a.py(3,5): error TS2322: Type 'a' is wrong.", (3, 5, "TS2322", "error", "Type 'a' is wrong.")),
        ("a.py:1:7 - error TS2322: Type 'a' is wrong.", (1, 7, "TS2322", "error", "Type 'a' is wrong.")),
        # annotations for GitHub, as ruff writes them
        (
            "::error title=ruff (F401),file=/at/a.py,line=1,col=8,endLine=1::a.py:1:8: F401 `os` unused%0A  help: Remove",
            (1, 8, "F401", "error", "`os` unused"),
        ),
        ("::warning file=a.py,line=2::Bad 100%25", (2, 0, "", "warning", "Bad 100%")),
        ("\x1b[1ma.py\x1b[0m:1:8: \x1b[31mF401\x1b[0m bad", (1, 8, "F401", "", "bad")),
    ],
)
def test_each_tool_s_line_is_read(line: str, found: tuple[object, ...]) -> None:
    (each,) = read(line)
    assert (each.line, each.column, each.rule, each.severity, each.message) == found


FULL = """
F401 [*] `os` imported but unused
 --> a.py:1:8
  |
1 | import os
  |        ^^
help: Remove unused import: `os`
  |
  - import os

invalid-syntax: Expected a parameter
 --> a.py:3:7
  |

error[E0308]: mismatched types
 --> a.py:4:5
  |
4 |     1
  |     ^
  |
 --> a.py:9:1

warning: unused variable: `x`
 --> a.py:5:9
"""


def test_headings_with_their_place_below_are_read_and_related_places_are_not() -> None:
    assert [(each.rule, each.severity, each.message, each.line) for each in read(FULL)] == [
        ("F401", "", "`os` imported but unused", 1),
        ("invalid-syntax", "", "Expected a parameter", 3),
        ("E0308", "error", "mismatched types", 4),
        ("", "warning", "unused variable: `x`", 5),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "nox > a.py:1:1: E501 too long",  # not at its beginning
        "b.py:1:1: E501 too long",  # no file of the project
        "12:30:45: done",
        "a.py:1: note: See the documentation",
        "a.py:12",
        "a.py: all fine",
        " --> a.py:1:8",  # without its heading
        "::notice file=a.py,line=1::fine",
        "::error::no file",
        "",
    ],
)
def test_what_only_looks_like_one_is_none(line: str) -> None:
    assert read(line) == []


def test_what_is_said_twice_is_found_once_and_a_second_one_is_a_second_one() -> None:
    said = "a.py:1:1: E1 bad\na.py:1:1: E1 bad\na.py:2:1: E1 bad\n"
    assert [each.line for each in read(said)] == [1, 2]


def test_a_very_long_line_costs_no_time_and_is_read_from_its_beginning() -> None:
    (each,) = read("a.py:1:1: E1 " + "x" * 10_000_000)
    assert len(each.message) < 5000
    assert read(":" * 10_000_000) == []


def test_the_rows_of_eslint_and_stylelint_are_in_the_file_that_is_named_above_them() -> None:
    log = """
/at/a.py
  1:7   error    'q' is assigned a value but never used  no-unused-vars
  3:10  warning  Unexpected  use of console              no-console
  9:1   error    Parsing error: Unexpected token

a.py
  2:1  ✖  Unexpected unit  @scope/unit-no-unknown

elsewhere.js
  1:1  error  not a file of the project  rule

✖ 4 problems (3 errors, 1 warning)
"""
    assert [(one.path, one.line, one.column, one.severity, one.rule, one.message) for one in read(log)] == [
        ("/at/a.py", 1, 7, "error", "no-unused-vars", "'q' is assigned a value but never used"),
        ("/at/a.py", 3, 10, "warning", "no-console", "Unexpected use of console"),
        ("/at/a.py", 9, 1, "error", "", "Parsing error: Unexpected token"),
        ("a.py", 2, 1, "error", "@scope/unit-no-unknown", "Unexpected unit"),
    ]
