"""What belongs to the tests of a change comes with them, and nothing that the tests are to show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gates.analysis.project import Layout
from gates.analysis.side_of_tests import changes_behaviour, divide, is_of_tests
from gates.results import FileChange
from gates.vcs.git import kind_of_file

FILES = (
    *("src/pool/__init__.py", "src/pool/core.py", "src/pool/core_test.py", "src/pool/conftest.py", "tests/helper.py"),
    *("src/pool/testing/__init__.py", "src/pool/testing/fakes.py", "src/pool/testing/tests/test_fakes.py"),
    *("src/pool/tests/__init__.py", "src/pool/tests/helper.py", "testing/run.py", "testing/test_run.py"),
    *("app/tests.py", "app/models.py", "tests/data/one.json", "checks/check_it.py"),
    *("src/pool/__snapshots__/core.ambr", "src/pool/testdata/big.bin", "src/pool/table.json", "docs/conf.py"),
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "pytest.ini").write_text("[pytest]\npython_files = test_*.py check_*.py\n")
    return Layout.of(tmp_path, FILES)


def changed(path: str, status: str = "M") -> FileChange:
    return FileChange(path=path, kind=kind_of_file(path), status=status)


@pytest.mark.parametrize(
    ("path", "of_tests"),
    [
        ("src/pool/core.py", False),
        ("src/pool/core_test.py", True),
        ("src/pool/conftest.py", True),
        ("tests/helper.py", True),
        ("tests/data/one.json", True),
        ("src/pool/testing/__init__.py", False),
        ("src/pool/testing/fakes.py", False),
        ("src/pool/testing/tests/test_fakes.py", True),
        ("src/pool/tests/helper.py", True),
        ("testing/run.py", True),
        ("app/tests.py", True),
        ("app/models.py", False),
        ("checks/check_it.py", True),
        ("src/pool/__snapshots__/core.ambr", True),
        ("src/pool/testdata/big.bin", True),
        ("src/pool/table.json", False),
        ("docs/conf.py", False),
        ("src/pool/testutil.py", True),
        ("src/pool/_test_helpers.py", True),
        ("src/pool/testimony.py", False),
        ("src/ab_test/core.py", False),
    ],
)
def test_a_file_belongs_to_the_tests_by_its_name_its_folder_and_the_settings_of_pytest(
    layout: Layout, path: str, of_tests: bool
) -> None:
    assert is_of_tests(path, path, layout) is of_tests


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("pool.py", True),
        ("src/pool/table.json", True),
        ("src/pool/words.txt", True),
        ("pyproject.toml", False),
        ("README.md", False),
        (".github/workflows/ci.yml", False),
        ("requirements/dev.txt", False),
        ("docs/index.md", False),
    ],
)
def test_code_and_the_data_beside_it_change_what_tests_see(path: str, counts: bool) -> None:
    assert changes_behaviour(changed(path)) is counts


@pytest.mark.parametrize(
    ("path", "comes"),
    [
        ("noxfile.py", True),
        ("pytest.ini", True),
        ("gates.toml", True),
        ("requirements-test.txt", True),
        ("dev-requirements.in", False),
        ("dev-requirements.txt", True),
        ("requirements/test.txt", True),
        ("requirements.txt", False),
        ("setup.py", False),
        ("deep/noxfile.py", False),
        ("uv.lock", False),
    ],
)
def test_settings_that_only_tests_have_come_with_them(layout: Layout, path: str, comes: bool) -> None:
    found = divide([changed(path)], "", layout, {})
    assert (found.brings(path), found.settings) == (comes, (path,) if comes else ())


def test_paths_are_those_of_the_repository(layout: Layout) -> None:
    changes = [
        changed("one/tests/helper.py"),
        changed("one/src/pool/core.py"),
        changed("tests/other.py"),
        changed("noxfile.py"),
    ]
    found = divide(changes, "one/", layout, {})
    assert found.paths == {"one/tests/helper.py", "tests/other.py"}


PROJECT = '[project]\nname = "pool"\ndependencies = ["a"]\n'
GROUP = '\n[dependency-groups]\ntest = ["pytest", "{}"]\n'


@pytest.mark.parametrize(
    ("code", "head", "text", "lock"),
    [
        (PROJECT + GROUP.format("b"), PROJECT + GROUP.format("c"), PROJECT + GROUP.format("c"), True),
        (PROJECT, PROJECT.replace('"a"', '"z"'), None, False),
        (PROJECT, PROJECT.replace('"a"', '"z"') + GROUP.format("c"), PROJECT + GROUP.format("c"), False),
        ("= 1", PROJECT, None, False),
    ],
)
def test_a_lock_file_comes_only_with_what_only_tests_need(
    layout: Layout, code: str, head: str, text: str | None, lock: bool
) -> None:
    changes = [changed("pyproject.toml"), changed("uv.lock")]
    found = divide(changes, "", layout, {"pyproject.toml": (code, head)})
    merged: Any = found.texts.get("pyproject.toml")
    assert (merged.strip() if merged else merged) == (text.strip() if text else text)
    assert found.brings("uv.lock") is lock
    assert not found.brings("pyproject.toml")
    assert ("pyproject.toml" in found.apart) is (text is None)
