"""A test needs a name if its code, or what that uses of the same file, has it; in doubt it does."""

from __future__ import annotations

import pytest

from gates.analysis.needed_names import imported_names, needs_any


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import new", {"new"}),
        ("import new.deep as other, old", {"other"}),
        ("import new.deep", {"new"}),
        ("from new import a, b as c", {"a", "c"}),
        ("from old import a, fresh", {"fresh"}),
        ("def f():\n    import new", set()),
        ("from . import new", None),
        ("from new import *", None),
        ("def", None),
    ],
)
def test_what_a_file_cannot_import(text: str, names: set[str] | None) -> None:
    def is_missing(module: str, name: str) -> bool:
        return module.split(".", maxsplit=1)[0] == "new" or name == "fresh"

    assert imported_names(text, is_missing) == names


@pytest.mark.parametrize(
    ("text", "test", "needs"),
    [
        ("def test_a(): new()", "test_a", True),
        ("def test_a(): old()\ndef test_b(): new()", "test_a", False),
        ("def helper(): new()\ndef test_a(): helper()", "test_a", True),
        ("def deep(): new()\ndef helper(): deep()\ndef test_a(): helper()", "test_a", True),
        ("CASES = [new()]\n@mark(CASES)\ndef test_a(x): pass", "test_a", True),
        ("CASES = [new()]\ndef test_a(): pass", "test_a", False),
        ("@fixture\ndef it(): return new()\ndef test_a(it): pass", "test_a", True),
        ("@fixture(autouse=True)\ndef it(): return new()\ndef test_a(): pass", "test_a", True),
        ("@usefixtures('it')\ndef test_a(): pass\n@fixture\ndef it(): new()", "test_a", True),
        ("pytestmark = new()\ndef test_a(): pass", "test_a", True),
        ("new.register()\ndef test_a(): pass", "test_a", True),
        ("def setup_module(): new()\ndef test_a(): pass", "test_a", True),
        ("class C:\n    def setUp(self): new()\n    def test_a(self): pass", "C::test_a", True),
        ("class C:\n    def test_a(self): pass\n    def test_b(self): new()", "C::test_a", False),
        ("class C:\n    def check(self): new()\n    def test_a(self): self.check()", "C::test_a", True),
        ("class C(new.Base):\n    def test_a(self): pass", "C::test_a", True),
        ("@new.mark\nclass C:\n    def test_a(self): pass", "C::test_a", True),
        ("class D:\n    def test_a(self): new()\nclass C:\n    def test_a(self): pass", "C::test_a", False),
        ("def test_a(): patch('pool.new')", "test_a", True),
        ("def", "test_a", True),
    ],
)
def test_a_test_needs_what_its_code_uses(text: str, test: str, needs: bool) -> None:
    assert needs_any(text, test, {"new"}) is needs
