"""Each process of tests says where it imported the project's own packages from."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from gates.pytest_plugin.reporting.import_origins import origins

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gates.pytest_plugin.conftest import Project


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, all of which are imported, but for one."""
    for name in ("pack/__init__.py", "single.py", "src/below/__init__.py", "lazy.py", "space/inner.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "src"), *sys.path])
    for name in ("pack", "single", "below", "space.inner"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        __import__(name)
    return tmp_path


def test_packages_and_modules_are_told_with_their_files_and_namespaces_are_not(imported: Path) -> None:
    real = os.path.realpath(imported)
    assert origins(imported) == {
        "pack": f"{real}/pack/__init__.py",
        "single": f"{real}/single.py",
        "below": f"{real}/src/below/__init__.py",
    }


def test_what_has_the_projects_name_and_another_place_is_told_with_that(imported: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "pack").mkdir(parents=True)
    (other / "pack/__init__.py").write_text("")
    assert origins(other) == {"pack": os.path.realpath(imported / "pack/__init__.py")}
    assert origins(tmp_path / "gone") == {}


def test_a_script_with_the_name_of_a_module_of_python_is_not_taken_for_it(tmp_path: Path) -> None:
    import code

    (tmp_path / "code.py").write_text("")
    assert code.__name__ in sys.modules
    assert origins(tmp_path) == {}


def test_a_root_of_the_runner_is_looked_into_besides_that_of_pytest(imported: Path) -> None:
    (imported / "tests").mkdir()
    assert set(origins(imported / "tests", imported)) == {"pack", "single", "below"}


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_every_process_writes_what_it_imported(project: Project, options: tuple[str, ...]) -> None:
    project.write(lib="value = 1", test_it="import lib\ndef test_value(): assert lib.value == 1")
    ran = project.injected(*options)
    found = [record["places"]["lib"] for record in ran.of("imported") if "lib" in record["places"]]
    assert set(found) == {os.path.realpath(project.root / "lib.py")}
