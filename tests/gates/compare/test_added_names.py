"""A failure is blamed on the change only if it misses what the change adds."""

from __future__ import annotations

import pytest

from gates.compare.added_names import AddedNames, added_names
from gates.results import FileChange
from gates.vcs.hunks import FileDifference, Hunk


def changed(path: str, kind: str = "production", status: str = "M") -> FileChange:
    return FileChange(path=path, kind=kind, status=status)  # type: ignore[arg-type]


def differs(path: str, *lines: str) -> FileDifference:
    return FileDifference(path, path, (Hunk(0, (), 1, lines),))


@pytest.fixture(scope="module")
def added() -> AddedNames:
    files = [
        changed("src/pool/core.py"),
        changed("src/pool/fits.py", status="A"),
        changed("src/pool/plans/__init__.py", status="A"),
        changed("src/pool/spaces/first.py", status="A"),
        changed("tests/test_core.py", "test"),
        changed("tests/helper.py", "test", "A"),
        changed("examples/sample.txt", "docs", "A"),
        changed("src/pool/table.json", "config", "A"),
    ]
    differences = [
        differs(
            "src/pool/core.py",
            "def median(values, *, key=None):",
            "class Span:",
            "    @pytest.fixture",
            "def pool_of(): ...",
        ),
        differs("src/pool/fits.py", "def fits(span): ..."),
        differs("tests/test_core.py", "brand_new = 1"),
    ]
    return added_names(files, ["tests/test_core.py", "tests/helper.py"], differences, ["src", "src/pool", "tests"])


@pytest.mark.parametrize(
    "message",
    [
        "ModuleNotFoundError: No module named 'pool.fits'",
        "ModuleNotFoundError: No module named 'pool.plans'",
        "ModuleNotFoundError: No module named 'pool.spaces'",
        "ModuleNotFoundError: No module named 'pool.spaces.first'; 'pool.spaces' is not a package",
        "ImportError: cannot import name 'median' from 'pool.core' (/somewhere/src/pool/core.py)",
        "ImportError: cannot import name 'fits' from 'pool' (/somewhere/src/pool/__init__.py)",
        "ImportError: cannot import name 'Span' from partially initialized module 'pool.core'",
        "AttributeError: module 'pool.core' has no attribute 'median'",
        "AttributeError: type object 'Pool' has no attribute 'Span'",
        "TypeError: median() got an unexpected keyword argument 'key'",
        "fixture 'pool_of' not found",
    ],
)
def test_what_the_change_adds_is_the_cause(added: AddedNames, message: str) -> None:
    assert added.cause_of(message).startswith("the change adds ")
    assert not added.not_the_change(message)


@pytest.mark.parametrize(
    "message",
    [
        "ModuleNotFoundError: No module named 'numpy'",
        "ModuleNotFoundError: No module named 'pool'",
        "ModuleNotFoundError: No module named 'helper'",
        "ImportError: cannot import name 'brand_new' from 'tests.test_core'",
        "ImportError: cannot import name 'median' from 'statistics'",
        "ImportError: cannot import name 'other' from 'pool.core'",
        "SyntaxError: invalid syntax",
        "fixture 'mocker' not found",
        "'benchmark' not found in `markers` configuration option",
        "FileNotFoundError: [Errno 2] No such file or directory: 'examples/sample.txt'",
        "FileNotFoundError: [Errno 2] No such file or directory: '/somewhere/table.json'",
        "OSError: [Errno 28] No space left on device",
    ],
)
def test_what_it_does_not_add_is_not(added: AddedNames, message: str) -> None:
    assert added.cause_of(message) == ""
    assert added.not_the_change(message)


@pytest.mark.parametrize(
    "message",
    [
        "assert 1 == 2",
        "ZeroDivisionError: division by zero",
        "AttributeError: 'NoneType' object has no attribute 'upper'",
        "FileNotFoundError: [Errno 2] No such file or directory: 'written-by-the-code.txt'",
    ],
)
def test_any_other_failure_may_come_from_the_code(added: AddedNames, message: str) -> None:
    assert added.cause_of(message) == ""
    assert not added.not_the_change(message)


@pytest.mark.parametrize(
    ("module", "name", "lacks"),
    [
        ("pool.core", "median", True),
        ("pool.core", "Span", True),
        ("pool.core", "values", False),
        ("pool.core", "old", False),
        ("pool.core", "LIMIT", True),
        ("pool.core", "isfinite", True),
        ("pool", "fits", True),
        ("pool.fits", "anything", True),
        ("pool.fits", "", True),
        ("pool.core", "", False),
        ("os", "path", False),
    ],
)
def test_what_an_import_cannot_find_without_the_change(module: str, name: str, lacks: bool) -> None:
    hunk = Hunk(
        1,
        ("def old(a):",),
        1,
        (
            "def old(a, b):",
            "def median(values): ...",
            "class Span: ...",
            "LIMIT: int = 3",
            "from math import isfinite",
            "x == y",
        ),
    )
    files = [changed("src/pool/core.py"), changed("src/pool/fits.py", status="A")]
    differences = [
        FileDifference("src/pool/core.py", "src/pool/core.py", (hunk,)),
        differs("src/pool/fits.py", "x = 1"),
    ]
    assert added_names(files, [], differences, ["src", "src/pool"]).lacks(module, name) is lacks
