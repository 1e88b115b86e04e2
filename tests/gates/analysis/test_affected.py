from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.analysis.affected import affected
from tests.gates.analysis.sample import imports_of

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = {
    "README.md": "",
    "pyproject.toml": "",
    "setup.py": "",
    "scripts/tool.py": "",
    "pool/__init__.py": "",
    "pool/py.typed": "",
    "pool/values.py": "",
    "pool/arena.py": "from pool import values",
    "pool/lonely.py": "",
    "pool/page.py": "PAGE = 'page.html'",
    "pool/templates/page.html": "",
    "pool/old.py": "from pool import gone",
    "other/__init__.py": "",
    "other/a.py": "import pool.page",
    "tests/conftest.py": "",
    "tests/helpers.py": "import pool.arena",
    "tests/data/x.json": "",
    "tests/data/script.py": "",
    "tests/unit/test_arena.py": "import pool.arena",
    "tests/unit/test_values.py": "import pool.values",
    "tests/unit/deep/cases.toml": "",
    "tests/unit/deep/test_old.py": "import pool.old",
    "tests/slow/conftest.py": "",
    "tests/slow/test_helped.py": "import helpers",
    "tests/slow/test_other.py": "from other import a",
    "tests/slow/test_plain.py": "from test_arena import case",
    "checks/test_reads.py": "open('values.py'), open('x.json')",
}

ALL = {path for path in PROJECT if path.rpartition("/")[2].startswith("test_")}
OF_TESTS = {path for path in ALL if path.startswith("tests/")}
UNIT, SLOW = "tests/unit/", "tests/slow/"
IN_UNIT = {path for path in ALL if path.startswith(UNIT)}
READS = "checks/test_reads.py"
USERS_OF_ARENA = {f"{UNIT}test_arena.py", f"{SLOW}test_helped.py", f"{SLOW}test_plain.py"}

CHANGES: dict[str, set[str]] = {
    "pool/arena.py": USERS_OF_ARENA,
    "pool/values.py": {*USERS_OF_ARENA, f"{UNIT}test_values.py", READS},
    "pool/lonely.py": set(),
    "pool/__init__.py": OF_TESTS,
    "pool/py.typed": OF_TESTS,
    "pool/gone.py": {f"{UNIT}deep/test_old.py"},
    "pool/templates/page.html": OF_TESTS,
    "tests/unit/test_arena.py": {f"{UNIT}test_arena.py", f"{SLOW}test_plain.py"},
    "tests/unit/test_deleted.py": set(),
    "tests/conftest.py": OF_TESTS,
    "tests/slow/conftest.py": {f"{SLOW}test_{name}.py" for name in ("helped", "other", "plain")},
    "tests/unit/conftest.py": {*IN_UNIT, f"{SLOW}test_plain.py"},
    "tests/helpers.py": {f"{SLOW}test_helped.py"},
    "tests/data/x.json": ALL,
    "tests/data/script.py": OF_TESTS,
    "tests/unit/deep/cases.toml": {f"{UNIT}deep/test_old.py"},
    "tests/unit/cases.toml": {*IN_UNIT, f"{SLOW}test_plain.py"},
}


@pytest.mark.parametrize(("path", "files"), CHANGES.items(), ids=CHANGES)
def test_a_change_reaches_the_tests_that_can_break(tmp_path: Path, path: str, files: set[str]) -> None:
    reach = affected(imports_of(tmp_path, PROJECT), [path])
    assert reach.everything == ""
    assert reach.files == files


EVERYTHING = {
    "README.md": "is neither Python nor in a package or test folder",
    "pyproject.toml": "is neither Python nor in a package or test folder",
    "data/x.csv": "is neither Python nor in a package or test folder",
    "setup.py": "is in no package and nothing imports it, so it is unknown what runs it",
    "scripts/tool.py": "is in no package and nothing imports it, so it is unknown what runs it",
    "scripts/deleted.py": "is in no package and nothing imports it, so it is unknown what runs it",
    "../outside.py": "is outside the project",
}


@pytest.mark.parametrize(("path", "why"), EVERYTHING.items(), ids=EVERYTHING)
def test_what_cannot_be_mapped_selects_everything_and_says_why(tmp_path: Path, path: str, why: str) -> None:
    imports = imports_of(tmp_path, PROJECT)
    reach = affected(imports, ["pool/arena.py", path])
    assert reach.files == ALL
    assert reach.everything == f"{path} {why}"
    more = affected(imports, [path, "noxfile.py", "uv.lock"])
    assert more.everything == f"{path} {why} (and 2 more like it)"


def test_what_is_declared_unrelated_influences_no_test(tmp_path: Path) -> None:
    imports = imports_of(tmp_path, PROJECT)
    assert affected(imports, ["README.md", "docs/a/b.md"], ["*.md", "docs/**"]).files == set()
    assert affected(imports, ["README.md", "pool/arena.py"], ["*.md"]).files == USERS_OF_ARENA
    assert affected(imports, ["docs/a.md"], ["*.md"]).everything
    assert affected(imports, []).files == set()


def test_a_new_module_that_hides_another_reaches_those_who_import_the_name(tmp_path: Path) -> None:
    files = {"pool/__init__.py": "", "pool/a.py": "import yaml", "tests/test_it.py": "import pool.a", "yaml.py": ""}
    assert affected(imports_of(tmp_path, files), ["yaml.py"]).files == {"tests/test_it.py"}


@pytest.mark.parametrize(
    "text",
    [
        "import pool.gone",
        "from pool import gone",
        "from pool.gone import x",
        "from pool import *",
        "import pool.gone.deep",
    ],
)
@pytest.mark.parametrize("path", ["pool/gone.py", "pool/gone/__init__.py", "src/pool/gone.py", "lib/pool/gone.py"])
def test_a_module_that_is_gone_reaches_those_who_still_import_it(tmp_path: Path, text: str, path: str) -> None:
    package = path.partition("/gone")[0]
    files = {f"{package}/__init__.py": "", f"{package}/user.py": text, "tests/test_it.py": "import pool.user"}
    imports = imports_of(tmp_path, {**files, "tests/test_no.py": "import pool"})
    assert affected(imports, [path]).files == {"tests/test_it.py"}


def test_a_package_that_is_gone_as_a_whole_is_known_by_its_old_names(tmp_path: Path) -> None:
    imports = imports_of(tmp_path, {"tests/test_it.py": "import pool.arena", "tests/test_no.py": ""})
    changed = ["lib/pool/__init__.py", "lib/pool/arena.py"]
    assert affected(imports, changed).files == {"tests/test_it.py"}


def test_who_may_run_anything_is_affected_by_every_change(tmp_path: Path) -> None:
    files = {**PROJECT, "tests/test_starts.py": "import subprocess", "pool/guess.py": "__import__(NAME)"}
    files["tests/test_guesses.py"] = "import pool.guess"
    imports = imports_of(tmp_path, files)
    reach = affected(imports, ["pool/lonely.py"])
    assert reach.files == {"tests/test_starts.py", "tests/test_guesses.py"}
    assert len(reach.notes) == 2
    assert affected(imports, ["README.md"], ["*.md"]).files == set()


def test_a_change_that_concerns_a_registered_plugin_concerns_every_test(tmp_path: Path) -> None:
    text = '[project.entry-points.pytest11]\nours = "pool.arena"\n'
    imports = imports_of(tmp_path, {**PROJECT, "pyproject.toml": text})
    reach = affected(imports, ["pool/values.py"])
    assert reach.files == ALL
    assert reach.everything.startswith("pool/arena.py is a pytest plugin")
    assert not affected(imports, ["pool/page.py"]).everything
