from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gates.analysis import packages
from gates.analysis.imports import build_imports, project_files
from gates.vcs.git import Git
from tests.gates.analysis.sample import dependencies, importers, imports_of, write

if TYPE_CHECKING:
    from tests.repository import Repository

# A package in which each module is imported in another way.
PACKAGE = {
    "pool/__init__.py": "",
    "pool/values.py": "",
    "pool/arena.py": "import pool.values\n",
    "pool/deep/__init__.py": "",
    "pool/deep/inner.py": "from ..values import Span\n",
}

WAYS = {
    "import pool.values": True,
    "import pool.values as v": True,
    "from pool import values": True,
    "from pool.values import Span": True,
    "from pool.values import *": True,
    "from pool import *": True,
    "import pool.values.gone": True,
    "import pool.arena": True,
    "from pool.deep import inner": True,
    "def test():\n    from pool import values": True,
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pool.values": True,
    "import importlib\nimportlib.import_module('pool.values')": True,
    "import importlib\nimportlib.import_module('.values', 'pool')": True,
    "from importlib import import_module as load\nload('pool.values')": True,
    "from importlib import import_module as load\nload(NAME)": True,
    "import importlib\nimportlib.import_module(NAME)": True,
    "import importlib\nlist(map(importlib.import_module, NAMES))": True,
    "import importlib\nimportlib.import_module(f'pool.{NAME}')": True,
    "import importlib\nimportlib.import_module('pool.' + NAME)": True,
    "import importlib\nimportlib.import_module(f'other.{NAME}')": False,
    "import importlib\nimportlib.import_module('json')": False,
    "__import__('pool.values')": True,
    "__import__(NAME)": True,
    "import runpy\nrunpy.run_module('pool.values')": True,
    "import runpy\nrunpy.run_path('pool/values.py')": True,
    "import runpy\nrunpy.run_path(PATH)": True,
    "import pytest\nvalues = pytest.importorskip('pool.values')": True,
    "def test(monkeypatch):\n    monkeypatch.setattr('pool.values.Span', None)": True,
    "from unittest.mock import patch\n@patch('pool.values.Span')\ndef test(): ...": True,
    "from unittest import mock\nwith mock.patch(\n    target='pool.values.Span'\n): ...": True,
    "setattr(NAME, 'pool.values', 1)": False,
    "import pool": False,
    "from pool import deep": False,
    "import json": False,
    "run_path = import_module = None\nprint(run_path, import_module)": False,
    "import pool.": True,
}


@pytest.fixture(scope="module", params=["tests", "checks"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The ways that were found, of one project that has a file of tests for each."""
    package = {"tests/__init__.py": ""} if request.param == "tests" else {}
    files = {f"{request.param}/test_{number}.py": text for number, text in enumerate(WAYS)}
    imports = imports_of(tmp_path_factory.mktemp("ways"), {**PACKAGE, **package, **files})
    return {files[name] for name in importers(imports, "pool.values")}


@pytest.mark.parametrize(("text", "yes"), WAYS.items())
def test_a_test_imports_what_its_text_says(found: set[str], text: str, yes: bool) -> None:
    assert (text in found) == yes


def test_what_a_parent_imports_is_imported_with_its_modules(tmp_path: Path) -> None:
    files = {**PACKAGE, "pool/__init__.py": "from pool.arena import Arena\n", "other/__init__.py": ""}
    imports = imports_of(
        tmp_path, {**files, "tests/test_it.py": "import pool.deep.inner", "tests/test_no.py": "import other"}
    )
    assert importers(imports, "pool.arena") == {"tests/test_it.py"}
    assert dependencies(imports, "pool.deep.inner") == set()


@pytest.mark.parametrize("src", ["", "src/", "lib/python/"])
def test_a_package_is_found_wherever_it_lies(tmp_path: Path, src: str) -> None:
    files = {f"{src}{name}": text for name, text in PACKAGE.items()}
    imports = imports_of(tmp_path, {**files, "tests/test_it.py": "import pool.arena"})
    assert importers(imports, "pool.values") == {"tests/test_it.py"}


def test_the_package_of_the_project_is_read_and_not_the_one_that_is_installed_or_loaded(tmp_path: Path) -> None:
    files = {"msgspec/__init__.py": "", "msgspec/a.py": "from msgspec import b", "msgspec/b.py": ""}
    files |= {"grimp/__init__.py": "", "grimp/c.py": "raise SystemExit(1)", "grimp/d.py": "import grimp.c"}
    files |= {"json/__init__.py": "raise SystemExit(1)", "tests/test_it.py": "import msgspec.a, grimp.d"}
    before = list(sys.path)
    imports = imports_of(tmp_path, files)
    assert importers(imports, "msgspec.b") == {"tests/test_it.py"}
    assert importers(imports, "grimp.c") == {"tests/test_it.py"}
    assert sys.path == before
    assert {path.name for path in tmp_path.iterdir()} == {"msgspec", "grimp", "json", "tests"}


def test_without_grimp_the_answer_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        **PACKAGE,
        "tests/__init__.py": "",
        "tests/test_it.py": "from pool.deep import inner",
        "top.py": "import pool",
    }
    with_it = imports_of(tmp_path, files)
    monkeypatch.setattr("gates.analysis.imports.package_imports", lambda root, folders: {})
    without = build_imports(tmp_path, project_files(tmp_path, None))
    assert importers(without, "pool.values") == {"tests/test_it.py"}
    for path in with_it.layout.python:
        assert with_it.needing([path]) == without.needing([path])


def test_a_file_that_is_no_python_hides_nothing_of_the_others(tmp_path: Path) -> None:
    files = {**PACKAGE, "pool/broken.py": "def", "tests/test_it.py": "import pool.arena", "tests/test_no.py": ""}
    assert importers(imports_of(tmp_path, files), "pool.values") == {"tests/test_it.py"}


def test_a_file_that_cannot_be_read_may_import_anything(tmp_path: Path) -> None:
    write(tmp_path, {**PACKAGE, "tests/test_it.py": "import pool.loop"})
    (tmp_path / "pool" / "loop.py").symlink_to("loop.py")
    assert importers(build_imports(tmp_path, project_files(tmp_path, None)), "pool.values") == {"tests/test_it.py"}


def test_where_doctests_are_asked_for_every_module_holds_tests(tmp_path: Path) -> None:
    imports = imports_of(tmp_path, {**PACKAGE, "pytest.ini": "[pytest]\naddopts = --doctest-modules"})
    assert importers(imports, "pool.values") == {"pool/values.py", "pool/arena.py", "pool/deep/inner.py"}


def test_a_generated_module_that_git_ignores_is_followed(repository: Repository) -> None:
    repository.commit(
        {".gitignore": "made.py", **PACKAGE, "tests/__init__.py": "", "tests/test_it.py": "import pool.made"}
    )
    repository.write({"pool/made.py": "import pool.values"})
    files = project_files(repository.root, Git.of(repository.root))
    assert "pool/made.py" not in files
    assert importers(build_imports(repository.root, files), "pool.values") == {"tests/test_it.py"}


def test_a_module_at_the_top_is_imported_by_packages_too(tmp_path: Path) -> None:
    files = {
        **PACKAGE,
        "pool/values.py": "import top, spread.one",
        "top.py": "",
        "spread/one.py": "",
        "spread/two.py": "",
    }
    imports = imports_of(
        tmp_path, {**files, "tests/test_it.py": "import pool.values", "tests/test_no.py": "import pool"}
    )
    assert importers(imports, "top") == importers(imports, "spread.one") == {"tests/test_it.py"}


def test_helpers_beside_tests_are_found_as_pytest_finds_them(tmp_path: Path) -> None:
    files = {
        **PACKAGE,
        "tests/unit/helpers.py": "import pool.values",
        "tests/unit/test_a.py": "import helpers",
        "tests/unit/json.py": "import pool.arena",
        "tests/unit/test_b.py": "import json",
        "tests/deep/test_c.py": "from tests.unit import helpers",
        "tests/deep/test_d.py": "import json",
    }
    imports = imports_of(tmp_path, files)
    assert importers(imports, "pool.values") == {
        f"tests/{name}.py" for name in ("unit/test_a", "unit/test_b", "deep/test_c")
    }
    assert importers(imports, "helpers") == importers(imports, "tests.unit.helpers")


def test_every_conftest_above_is_a_dependency_with_its_plugins(tmp_path: Path) -> None:
    files = {
        **PACKAGE,
        "plugin.py": "import pool.values",
        "tests/conftest.py": "pytest_plugins = ['plugin']",
        "tests/unit/conftest.py": "import pool.arena",
        "tests/unit/test_a.py": "",
        "tests/test_b.py": "",
        "checks/test_c.py": "",
    }
    imports = imports_of(tmp_path, files)
    assert importers(imports, "pool.values") == {"tests/unit/test_a.py", "tests/test_b.py"}
    assert importers(imports, "pool.arena") == {"tests/unit/test_a.py"}
    assert importers(imports, "tests.unit.conftest") == {"tests/unit/test_a.py"}


def test_the_dependencies_of_a_test_are_the_tests_that_it_imports(tmp_path: Path) -> None:
    files = {
        "tests/__init__.py": "",
        "tests/test_a.py": "from tests.test_b import case",
        "tests/test_b.py": "from . import helpers",
        "tests/helpers.py": "from tests import test_c",
        "tests/test_c.py": "",
        "tests/test_d.py": "",
    }
    imports = imports_of(tmp_path, files)
    assert dependencies(imports, "tests.test_b") == {"tests/test_b.py", "tests/test_c.py"}
    assert importers(imports, "tests.test_b") == {"tests/test_a.py", "tests/test_b.py"}


def test_who_guesses_depends_on_everything_and_that_is_said(tmp_path: Path) -> None:
    files = {
        **PACKAGE,
        "pool/guess.py": "import importlib\ndef load(name): return importlib.import_module(name)",
        "pool/runs.py": "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'pool.deep'])",
        "pool/asks.py": "import subprocess\nsubprocess.run(['git', 'status'])",
        "tests/test_guess.py": "import pool.guess",
        "tests/test_runs.py": "import pool.runs",
        "tests/test_asks.py": "import pool.asks",
    }
    imports = imports_of(tmp_path, files)
    reach = imports.importers(lambda name: name == "pool.values")
    assert reach.files == {"tests/test_guess.py", "tests/test_runs.py"}
    (note,) = reach.notes
    why = "2 test files may import something that the source does not name, and so may depend on everything"
    assert note == f"{why}; an example is pool/guess.py"
    everything = imports.dependencies(lambda name: name == "tests.test_guess")
    assert everything.files == imports.layout.tests
    assert everything.everything.startswith("pool/guess.py may import or run something that its source does not name")


def test_a_name_that_nothing_has_is_refused_with_the_nearest(tmp_path: Path) -> None:
    imports = imports_of(tmp_path, PACKAGE)
    reach = imports.importers(lambda name: name == "pool.valeus", "pool.valeus")
    assert reach.missing == "the project has no module 'pool.valeus'; the nearest is pool.values"
    assert not reach.files
    assert imports.dependencies(lambda name: False, "x" * 20).missing.endswith("no module 'xxxxxxxxxxxxxxxxxxxx'")


def test_the_process_that_asks_grimp_prints_only_its_answer(tmp_path: Path) -> None:
    write(tmp_path, PACKAGE)
    question = {"path": sys.path, "packages": {"pool": str(tmp_path / "pool" / "__init__.py")}}
    command = [sys.executable, "-I", "-S", str(packages.__file__)]
    done = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["pool.arena"] == ["pool.values"]


EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 3)), max_size=14)
STATEMENTS = ("import {0}.m{1}", "from {0} import m{1}", "from . import m{1}", "def f():\n    from .m{1} import x")


@pytest.mark.slow
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(edges=EDGES, uses=st.lists(st.integers(0, 7), min_size=1, max_size=4), package=st.booleans())
def test_who_imports_is_who_can_reach(edges: list[tuple[int, int, int]], uses: list[int], package: bool) -> None:
    texts = dict.fromkeys(range(8), "")
    for start, end, way in edges:
        texts[start] += STATEMENTS[way].format("pkg", end) + "\n"
    files = {f"pkg/m{number}.py": text for number, text in texts.items()}
    files |= {f"tests/test_{number}.py": f"import pkg.m{use}" for number, use in enumerate(uses)}
    files |= {"pkg/__init__.py": ""} if package else {}
    reached = {number: {number} for number in range(8)}
    for _ in range(8):
        for start, end, _way in edges:
            reached[start] |= reached[end]
    with tempfile.TemporaryDirectory() as folder:
        imports = imports_of(Path(folder), files)
    for target in range(8):
        expected = {f"tests/test_{number}.py" for number, use in enumerate(uses) if target in reached[use]}
        assert importers(imports, f"pkg.m{target}") == expected
