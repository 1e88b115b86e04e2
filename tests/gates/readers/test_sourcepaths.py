from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.readers.sourcepaths import SourcePaths

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("src/pkg/a.py", "src/pkg/sub/a.py", "lib/a.py", "lib/b c.py", "setup.py", "web/x.ts")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (tmp_path / "site-packages/pkg").mkdir(parents=True)
    (tmp_path / "site-packages/pkg/a.py").touch()
    (tmp_path / "linked").symlink_to(root)
    return root


@pytest.mark.parametrize(
    ("name", "folders", "found"),
    [
        ("src/pkg/a.py", (), ("src/pkg/a.py",)),
        ("./src/pkg/a.py", (), ("src/pkg/a.py",)),
        ("ROOT/src/pkg/a.py", (), ("src/pkg/a.py",)),
        ("TMP/linked/src/pkg/a.py", (), ("src/pkg/a.py",)),
        ("file://ROOT/lib/b%20c.py", (), ("lib/b c.py",)),
        ("lib\\a.py", (), ("lib/a.py",)),
        # relative to the folder of the command, which comes before the root
        ("x.ts", (), ("web/x.ts",)),
        # relative to what the report says
        ("a.py", ("src/pkg",), ("src/pkg/a.py",)),
        ("a.py", ("ROOT/src/pkg", "ROOT/lib"), ("src/pkg/a.py", "lib/a.py")),
        # by its end
        ("sub/a.py", (), ("src/pkg/sub/a.py",)),
        ("a.py", (), ("src/pkg/a.py", "src/pkg/sub/a.py", "lib/a.py")),
        ("a.py", ("/other/machine/src",), ("src/pkg/a.py", "src/pkg/sub/a.py", "lib/a.py")),
        # of another machine
        ("/builds/project/src/pkg/sub/a.py", (), ("src/pkg/sub/a.py",)),
        ("C:\\work\\project\\lib\\a.py", (), ("lib/a.py",)),
        ("/builds/setup.py", (), ()),
        # somebody else's
        ("TMP/site-packages/pkg/a.py", (), ()),
        ("../site-packages/pkg/a.py", (), ()),
        ("none.py", (), ()),
        ("lib", (), ()),
    ],
)
def test_what_a_tool_writes_is_found(root: Path, name: str, folders: tuple[str, ...], found: tuple[str, ...]) -> None:
    def placed(text: str) -> str:
        return text.replace("ROOT", str(root)).replace("TMP", str(root.parent))

    paths = SourcePaths(root, lambda: FILES, ("web", ""))
    assert paths.find(placed(name), tuple(map(placed, folders))) == found


def test_all_files_are_asked_for_only_where_a_path_needs_them(root: Path) -> None:
    def never() -> tuple[str, ...]:
        raise AssertionError

    paths = SourcePaths(root, never)
    assert paths.one("lib/a.py") == "lib/a.py"
    assert paths.exists("lib/a.py")
    assert not paths.exists("a.py")
