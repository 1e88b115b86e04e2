from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.analysis.project import Layout, project_files
from gates.vcs.git import Git
from tests.gates.analysis.sample import write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repository import Repository


def test_the_files_are_those_that_a_commit_of_everything_would_hold(repository: Repository) -> None:
    repository.commit({".gitignore": "ignored\n", "kept.py": "", "gone.py": "", "part/ä b.py": ""})
    repository.write({"new.py": "", "ignored": "", "part/new": ""})
    (repository.root / "gone.py").unlink()
    files = project_files(repository.root, Git.of(repository.root))
    assert files == (".gitignore", "kept.py", "new.py", "part/new", "part/ä b.py")


def test_a_project_in_a_subfolder_has_the_files_below_it(repository: Repository) -> None:
    repository.commit({"other.py": "", "part/kept.py": "", "part/deep/kept.py": ""})
    root = repository.root / "part"
    for git in (Git.of(root), Git.of(repository.root)):
        assert project_files(root, git) == ("deep/kept.py", "kept.py")


def test_without_git_caches_and_environments_are_left_out(tmp_path: Path) -> None:
    kept = {"a.py": "", "part/b.toml": ""}
    write(tmp_path, {**kept, ".hidden/c.py": "", "venv/pyvenv.cfg": "", "venv/d.py": "", "part/__pycache__/e.pyc": ""})
    assert project_files(tmp_path, None) == tuple(sorted(kept))


CONFIGS = {
    "pyproject.toml": ('[tool.pytest.ini_options]\npython_files = "check_*.py"', True),
    "pyproject.toml ": ('[tool.pytest]\npython_files = ["check_*.py", "spec_*.py"]', True),
    "pytest.toml": ('[pytest]\npython_files = ["checks/*.py"]', True),
    "pytest.ini": ("[pytest]\npython_files =\n    check_*.py\n    other", True),
    "tox.ini": ("[pytest]\npython_files = check_*.py", True),
    "setup.cfg": ("[tool:pytest]\npython_files = check_*.py", True),
    "setup.cfg ": ("[pytest]\npython_files = check_*.py", False),
    "pyproject.toml  ": ("[tool.pytest", False),
    "pytest.ini ": ("python_files", False),
}


@pytest.mark.parametrize(("name", "text", "yes"), [(name, *case) for name, case in CONFIGS.items()])
def test_test_files_are_named_by_pytest_and_by_its_config(tmp_path: Path, name: str, text: str, yes: bool) -> None:
    write(tmp_path, {name.strip(): text})
    layout = Layout.of(tmp_path, ["pool/checks/check_a.py", "test_b.py", "pool/c_test.py", "test_d.txt", "testing.py"])
    assert layout.tests == {"test_b.py", "pool/c_test.py"} | ({"pool/checks/check_a.py"} if yes else set())


NAMES = {
    "pool/arena.py": ("pool.arena",),
    "pool/__init__.py": ("pool",),
    "src/other/a.py": ("other.a", "src.other.a"),
    "lib/python/third/a.py": ("third.a", "lib.python.third.a"),
    "tests/unit/helpers.py": ("helpers", "tests.unit.helpers"),
    "tests/conftest.py": ("conftest", "tests.conftest"),
    "extra/more.py": ("more", "extra.more"),
    "setup.py": ("setup",),
}


def test_a_module_has_every_name_that_it_can_be_imported_by(tmp_path: Path) -> None:
    write(tmp_path, {"pytest.ini": "[pytest]\npythonpath = ./extra ."})
    layout = Layout.of(tmp_path, [*NAMES, "src/other/__init__.py", "lib/python/third/__init__.py"])
    assert {path: layout.names_of(path) for path in NAMES} == NAMES


def test_a_root_that_is_a_package_gives_its_name_to_its_modules(tmp_path: Path) -> None:
    layout = Layout.of(tmp_path / "top", ["__init__.py", "a.py"])
    assert layout.names_of("__init__.py") == ("top",)
    assert layout.names_of("a.py") == ("a", "top.a")


def test_plugins_are_those_that_the_project_registers_or_names(tmp_path: Path) -> None:
    text = '[project.entry-points.pytest11]\nours = "pool.plugin:main"\n[tool.pytest.ini_options]\n'
    write(tmp_path, {"pyproject.toml": text + 'addopts = "-q -p tests.one -ptests.two"'})
    assert Layout.of(tmp_path, []).plugins == ("pool.plugin", "tests.one", "tests.two")


GOVERNED = {
    "tests/unit/data/x.json": "tests/unit",
    "tests/data/x.json": "tests",
    "tests/unit/x.json": "tests/unit",
    "pool/x.json": "",
    "pool/checks/x.json": "pool/checks",
    "pool/checks/deep/x.json": "pool/checks",
    "x.json": "",
    "test/x.json": "",
    "mixed/x.json": "",
    "e2e/x.json": "e2e",
    "behaviour/x.json": "behaviour",
}


def test_a_file_among_tests_is_governed_by_the_nearest_folder_of_tests(tmp_path: Path) -> None:
    tests = ["tests/unit/test_a.py", "pool/checks/test_b.py", "test_root.py", "conftest.py", "test/helper.py"]
    tests += ["mixed/__init__.py", "mixed/conftest.py", "mixed/a.py", "mixed/tests/test_c.py"]
    tests += ["e2e/deep/test_d.py", "behaviour/conftest.py", "behaviour/deep/test_e.py"]
    layout = Layout.of(tmp_path, [*GOVERNED, *tests])
    assert {path: layout.governed(path) for path in GOVERNED} == GOVERNED
    assert layout.test_side("test/helper.py")
    assert not layout.test_side("pool/arena.py")
