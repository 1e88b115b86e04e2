"""The head's tests run on the code that it changed: only a test that fails there has shown the change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.project import Done, Project, checklist, pytest_gate, python_gate

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = {
    "pool/__init__.py": "",
    "pool/core.py": """
        def mean(values):
            return sum(values) / len(values)

        def clamp(value, most):
            return value
        """,
    "tests/test_core.py": """
        from pool.core import mean

        def test_mean(): assert mean([1, 3]) == 2
        """,
    ".gitignore": "__pycache__\n.pytest_cache\nreports\n",
}

HEAD = {
    "pool/core.py": """
        def mean(values):
            return sum(values) / len(values) if values else 0.0

        def clamp(value, most):
            return min(value, most)

        def median(values):
            return sorted(values)[len(values) // 2]
        """,
    "tests/data/empty.txt": "",
    "tests/helper.py": """
        from pathlib import Path

        def empty(): return list((Path(__file__).parent / "data" / "empty.txt").read_text())
        """,
    "tests/test_core.py": """
        import pytest
        from helper import empty
        from pool.core import clamp, mean

        def test_mean(): assert mean([1, 3]) == 2.0

        def test_no_values(): assert mean(empty()) == 0

        def test_one_value(): assert mean([5]) == 5

        @pytest.mark.parametrize("value", [5, 20])
        def test_clamp(value): assert clamp(value, 10) <= 10

        @pytest.mark.skip(reason="later")
        def test_later(): assert 0
        """,
    "tests/test_median.py": """
        from pool.core import median

        def test_median(): assert median([1, 2, 3]) == 2
        """,
    "tests/test_needs.py": """
        import pytest
        from pool.core import clamp
        from pool import core

        class TestFixture:
            @pytest.fixture
            def middle(self): return core.median([1, 2, 3])

            def test_middle(self, middle): assert middle == 2
        """,
}

FILE = "tests/test_core.py::"

NAMES = """
import sys
from pathlib import Path

known, used = Path("pool/core.py").read_text(), " ".join(path.read_text() for path in Path("tests").glob("*.py"))
sys.exit("median" in used and "median" not in known)
"""
"""Like a type checker, it fails if the tests use a name that the code does not have."""


def compare(project: Project, *arguments: str, base: str = "main") -> tuple[Done, dict[str, Any]]:
    before = project.git("status", "--porcelain"), project.git("for-each-ref"), project.git("stash", "list")
    done = project.gates("compare", base, *arguments)
    assert (project.git("status", "--porcelain"), project.git("for-each-ref"), project.git("stash", "list")) == before
    return done, project.json("comparison.json")


def begin(project: Project, base: Mapping[str, str] = BASE, **options: str) -> Project:
    project.write({**checklist(pytest_gate(), **options), **base})
    project.commit()
    project.git("checkout", "--quiet", "-b", "branch")
    return project


def findings(found: dict[str, Any], kind: str = "new") -> dict[str, str]:
    return {one["test"]: one["finding"] for one in found["red_green"]["tests"] if one["kind"] == kind}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Done, dict[str, Any]]:
    """One comparison for all that looks at it."""
    folder = tmp_path_factory.mktemp("red-green")
    project = Project(folder / "project", folder / "cache")
    project.write(checklist(python_gate("types", "-c", NAMES), pytest_gate() + 'needs = ["types"]\n'))
    project.write(BASE)
    project.commit()
    project.git("checkout", "--quiet", "-b", "branch")
    project.write(HEAD)
    done, found = compare(project, "--red-green")
    return project, done, found


@pytest.mark.slow
def test_each_new_test_is_red_or_green_without_the_change(compared: tuple[Project, Done, dict[str, Any]]) -> None:
    _, done, found = compared
    assert done.code == 0, done.text
    assert findings(found) == {
        f"{FILE}test_no_values": "red",
        f"{FILE}test_one_value": "green",
        f"{FILE}test_clamp[5]": "green",
        f"{FILE}test_clamp[20]": "red",
        f"{FILE}test_later": "unknown",
        "tests/test_median.py::test_median": "red",
        "tests/test_needs.py::TestFixture::test_middle": "red",
    }
    assert findings(found, "changed") == {f"{FILE}test_mean": "green"}
    said = {one["test"]: one.get("said", "") for one in found["red_green"]["tests"]}
    assert said["tests/test_median.py::test_median"].endswith("the change adds median to pool.core")
    assert "4 of 6 new tests fail without the change" in done.out
    assert "new, but passing without the change:\n    tests/test_core.py::test_one_value\n" in done.out.lower()
    assert "not-red" in found["findings"]
    assert not found["regression"]


@pytest.mark.slow
def test_its_reports_are_kept_and_its_worktree_is_that_of_the_base(
    compared: tuple[Project, Done, dict[str, Any]],
) -> None:
    project, _, _ = compared
    assert (project.reports / "red-green" / "base" / "tests.jsonl").exists()
    assert len(project.git("worktree", "list").splitlines()) == 2
    # What the next comparison finds is the base again.
    done, found = compare(project, "--fresh")
    assert found["base_counts"]["passed"] == 1, done.text
    assert found["red_green"] is None


@pytest.mark.slow
def test_a_new_test_that_passes_already_can_be_a_regression(compared: tuple[Project, Done, dict[str, Any]]) -> None:
    project, _, _ = compared
    done, found = compare(project, "--fail-on", "not-red")
    assert done.code == 5, done.text
    assert found["regression"]
    assert "1 new test passes without the change" in done.out
