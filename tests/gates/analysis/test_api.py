"""What changed in the public API; nothing is imported."""

from __future__ import annotations

import shutil
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from gates.analysis.api import api_changes, public_packages

if TYPE_CHECKING:
    from pathlib import Path

BASE = """
    LIMIT = 3
    def function(a, b=1): return a
    def _private(a): return a
    class Pool:
        def take(self, size: int) -> int: return size
        def _grow(self): pass
    """


def changes(
    folder: Path, *edits: tuple[str, str], front: str = "raise SystemExit('imported')"
) -> set[tuple[str, str, str]]:
    text, after = dedent(BASE), dedent(BASE)
    for old, new in edits:
        assert old in after
        after = after.replace(old, new)
    for side, source in (("base", text), ("head", after)):
        (folder / side / "pkg").mkdir(parents=True)
        (folder / side / "pkg" / "__init__.py").write_text(f"{front}\n")
        (folder / side / "pkg" / "core.py").write_text(source)
    found, unknown = api_changes(folder / "base", folder / "head")
    assert unknown == ""
    return {(change["kind"], change["name"], change["what"]) for change in found}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("def function(a, b=1)", "def function(a)", ("breaking", "pkg.core.function", "parameter was removed")),
        ("def function(a, b=1)", "def renamed(a, b=1)", ("breaking", "pkg.core.function", "public object was removed")),
        ("b=1", "b=2", ("changed", "pkg.core.function", "parameter default was changed")),
        ("b=1)", "b=1, c=None)", ("changed", "pkg.core.function", "signature changed")),
        ("size: int)", "size: int, new)", ("breaking", "pkg.core.Pool.take", "parameter was added as required")),
        ("    def _grow", "    def give(self): pass\n    def _grow", ("added", "pkg.core.Pool.give", "added")),
    ],
)
def test_a_change_is_named(tmp_path: Path, old: str, new: str, expected: tuple[str, str, str]) -> None:
    assert expected in changes(tmp_path, (old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [("def _private(a)", "def _private(a, b)"), ("def _grow(self): pass", ""), ("return a", "return (a)")],
    ids=["private function", "private method", "body"],
)
def test_what_no_caller_sees_is_no_change(tmp_path: Path, old: str, new: str) -> None:
    assert changes(tmp_path, (old, new)) == set()


@pytest.mark.slow
def test_what_comes_or_goes_at_the_top_of_a_package_is_a_change(tmp_path: Path) -> None:
    sources = {"base": ("def old(): pass\n", "X = 1\n"), "head": ("def new(): pass\n", "X = 1\nclass Y:\n    z = 1\n")}
    for side, (package, module) in sources.items():
        (tmp_path / side / "pkg").mkdir(parents=True)
        (tmp_path / side / "pkg" / "__init__.py").write_text(package)
        (tmp_path / side / "one.py").write_text(module)
    found, _ = api_changes(tmp_path / "base", tmp_path / "head")
    assert [(one["kind"], one["name"]) for one in found] == [("breaking", "pkg.old"), ("added", "pkg.new")]
    for side in sources:
        shutil.rmtree(tmp_path / side / "pkg")
    found, _ = api_changes(tmp_path / "base", tmp_path / "head")
    assert [(one["kind"], one["name"]) for one in found] == [("added", "one.Y")], "what is in it goes without saying"


def test_packages_that_come_or_go_are_changes(tmp_path: Path) -> None:
    for side, name in (("base", "old"), ("head", "new")):
        (tmp_path / side / "src" / name).mkdir(parents=True)
        (tmp_path / side / "src" / name / "__init__.py").write_text("X = 1\n")
    found, unknown = api_changes(tmp_path / "base", tmp_path / "head")
    assert [(one["kind"], one["name"]) for one in found] == [("added", "new"), ("breaking", "old")]
    assert unknown == ""


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert api_changes(tmp_path, tmp_path) == ([], "no package was found")
    for side in ("base", "head"):
        (tmp_path / side / "pkg").mkdir(parents=True)
        (tmp_path / side / "pkg" / "__init__.py").write_text("def (:\n")
    found, unknown = api_changes(tmp_path / "base", tmp_path / "head")
    assert found == []
    assert unknown.startswith("pkg: ")


def test_tests_and_tools_are_not_offered(tmp_path: Path) -> None:
    for name in ("pkg", "tests", "docs", "_own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "noxfile.py").touch()
    assert public_packages(tmp_path) == {"pkg": str(tmp_path)}
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "single.py").touch()
    assert public_packages(tmp_path) == {"single": str(tmp_path / "src")}
