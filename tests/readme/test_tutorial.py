"""Follow the tutorial. Only the installation is left out: the tools are those of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.readme.pages import TUTORIAL, blocks

if TYPE_CHECKING:
    from tests.integration.project import Project

BIN = Path(sys.executable).parent
NOXFILE, SOURCE, TESTS, EARLY_END, PLANNED = blocks(TUTORIAL, "python")
(EXCLUSION,) = blocks(TUTORIAL, "toml")

pytestmark = pytest.mark.slow


@pytest.fixture
def sample(project: Project) -> Project:
    project.environment |= {
        "NOX_DEFAULT_VENV_BACKEND": "none",
        "PATH": os.pathsep.join([str(BIN), project.environment["PATH"]]),
    }
    project.git("init", "--quiet")
    project.write({"noxfile.py": NOXFILE, "src/adder.py": SOURCE, "tests/test_adder.py": TESTS})
    return project


def test_both_gates_pass_and_the_summary_ticks_boxes(sample: Project) -> None:
    assert [line.split()[0] for line in sample.gates("list").out.splitlines()] == ["lint", "tests"]
    assert sample.gates("run", "-R").code == 0
    assert "- [x] Gate tests passes" in (sample.reports / "summary.md").read_text(encoding="utf-8")
    assert sample.outcomes == {"tests/test_adder.py::test_adds": "passed"}


def test_a_process_that_ends_early_fools_nox_and_not_gates(sample: Project) -> None:
    sample.write({"tests/test_adder.py": TESTS + EARLY_END})
    alone = subprocess.run(
        [sys.executable, "-m", "nox", "-R", "-s", "tests"], cwd=sample.folder, capture_output=True, text=True, check=False,
        env=sample.environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert "Session tests was successful" in alone.stderr
    assert sample.gates("run", "-R", "-g", "tests").code == 1
    assert sample.outcomes == {
        "tests/test_adder.py::test_adds": "passed",
        "tests/test_adder.py::test_leaves_early": "crashed",
        "tests/test_adder.py::test_subtracts": "failed",
    }


def test_an_exclusion_says_why_a_test_does_not_count(sample: Project) -> None:
    sample.write({"tests/test_adder.py": TESTS + PLANNED, "gates.toml": EXCLUSION})
    done = sample.gates("run", "-R", "-g", "tests")
    assert done.code == 0
    assert "1 excluded" in done.out
    assert "the backend is planned for the spring" in (sample.reports / "summary.md").read_text(encoding="utf-8")
