"""An installed copy of the project is believed where it is one of this tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.run.imports import look_at_imports

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = "import os\n__version__ = '0'\nvalue = 1\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A project with a package, which is installed elsewhere."""
    site = tmp_path / "venv/lib/python3.12/site-packages"
    for folder in (tmp_path / "project/src", site):
        (folder / "pack/inner").mkdir(parents=True)
        (folder / "pack/__init__.py").write_text(SOURCE)
        (folder / "pack/inner/deep.py").write_text("value = 2\n")
    (tmp_path / "project/pyproject.toml").write_text('[project]\nname = "My.Pack"\n')
    (site / "my_pack-1.0.dist-info").mkdir()
    return site


def stale(tmp_path: Path, site: Path) -> dict[str, str]:
    project = tmp_path / "project"
    return look_at_imports([{"pack": str(site / "pack/__init__.py")}], project, project).stale


def test_a_copy_of_this_tree_is_believed_though_its_build_wrote_a_version(tmp_path: Path, site: Path) -> None:
    (site / "pack/__init__.py").write_bytes(SOURCE.replace("'0'", "'1.0'").replace("\n", "\r\n").encode())
    (tmp_path / "project/src/pack/new.py").write_text("")
    assert stale(tmp_path, site) == {}


def test_a_copy_of_another_tree_is_not_and_the_file_that_differs_is_named(tmp_path: Path, site: Path) -> None:
    (site / "pack/inner/deep.py").write_text("value = 3\n")
    assert stale(tmp_path, site) == {"pack": str(site / "pack/inner/deep.py")}


def test_another_projects_package_of_the_same_name_says_nothing(tmp_path: Path, site: Path) -> None:
    (site / "pack/inner/deep.py").write_text("value = 3\n")
    (site / "my_pack-1.0.dist-info").rename(site / "other-1.0.dist-info")
    assert stale(tmp_path, site) == {}


@pytest.mark.parametrize("text", ["[", "", "[project]\nname = 3\n", "project = 1\n", None])
def test_a_project_without_a_name_is_not_judged(tmp_path: Path, site: Path, text: str | None) -> None:
    (site / "pack/inner/deep.py").write_text("value = 3\n")
    file = tmp_path / "project/pyproject.toml"
    file.write_text(text) if text is not None else file.unlink()
    assert stale(tmp_path, site) == {}


def test_places_are_relative_within_the_checkout_and_what_is_elsewhere_is_not_covered_up(tmp_path: Path) -> None:
    project, other = tmp_path / "repository/project", tmp_path / "other"
    project.mkdir(parents=True)
    told = [
        {"lib": str(tmp_path / "repository/shared/lib.py"), "own": str(project / "own.py")},
        {"own": str(other / "own.py")},
        {"own": str(project / "own.py")},
    ]
    assert look_at_imports(told, project, project.parent).places == {
        "lib": "../shared/lib.py",
        "own": str(other / "own.py"),
    }
