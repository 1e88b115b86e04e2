"""The projects in which the commands of the pages are run. Each is made by a function with the name of its scene."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.integration.project import checklist, pytest_gate, python_gate
from tests.readme.fences import words_of

if TYPE_CHECKING:
    from tests.integration.project import Project
    from tests.readme.fences import Block


class Printed(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    text: str


def folder(project: Project) -> None:
    """An empty repository, as at the start of the tutorial."""
    project.git("init", "--quiet", "--initial-branch=main")


BUILD = python_gate("build", "-m", "compileall", "-q", "src")
TESTS = pytest_gate("-q", "-o", "pythonpath=src") + 'needs = ["build"]\n'


def branch(project: Project) -> None:
    """A branch that changes a pool: some things on purpose, and one by mistake."""
    project.write(
        {
            ".gitignore": "reports/\n__pycache__/\nbase/\nhead/\n",
            **checklist(BUILD, TESTS, config='base = "main"\n'),
            "pyproject.toml": '[project]\nname = "pool"\nversion = "1"\ndependencies = ["numpy>=1"]\n',
            "src/pool.py": "def fits(size, room, spare=0):\n    return size + spare <= room\n",
            "tests/test_fits.py": FITS,
            "tests/test_pool.py": POOL,
            "base/junit.xml": JUNIT,
            "head/junit.xml": JUNIT,
        }
    )
    project.commit("Add the pool")
    project.git("checkout", "--quiet", "-b", "entry-wiring")
    project.write(
        {
            "pyproject.toml": '[project]\nname = "pool"\nversion = "1"\ndependencies = ["numpy>=2"]\n',
            "src/pool.py": "def fits(size, room):\n    return 1 < size <= room\n",
            "tests/test_fits.py": FITS.replace("assert fits(3, 7)", "fits(3, 7)") + NEW,
        }
    )
    project.commit("Wire the entry")


FITS = """\
from pool import fits

def test_a_span_fits():
    assert fits(3, 7)

def test_a_span_that_is_too_long():
    assert not fits(8, 7)

def test_a_unit_counts():
    assert fits(1, 1)
"""

NEW = """
def test_a_size_of_none():
    assert not fits(0, 7)

def test_no_room():
    assert not fits(1, 0)
"""

JUNIT = '<testsuite tests="1"><testcase classname="pool" name="test_grow"/></testsuite>\n'

POOL = """\
import pytest
from pool import fits

@pytest.mark.parametrize("size", [2, 3])
def test_grow(size):
    assert fits(size, 9)
"""


def stack(project: Project) -> None:
    """Two layers: the second one fails, and is behind the first."""
    project.write(
        {
            ".gitignore": "reports/\n__pycache__/\n",
            **checklist(pytest_gate("-q")),
            "test_first.py": "def test_trunk():\n    pass\n",
        }
    )
    project.commit("Begin")
    project.git("checkout", "--quiet", "-b", "cache-pool")
    project.write({"test_pool.py": "def test_pool():\n    pass\n"})
    project.commit("Add the pool")
    project.git("checkout", "--quiet", "-b", "cache-entry")
    project.write({"test_entry.py": "def test_append():\n    assert [] == [1]\n"})
    project.commit("Add the entry")
    project.git("checkout", "--quiet", "cache-pool")
    project.write({"README.md": "The pool.\n"})
    project.commit("Describe the pool")
    project.git("checkout", "--quiet", "cache-entry")


SCENES: dict[str, Callable[[Project], None]] = {scene.__name__: scene for scene in (folder, branch, stack)}

_INSTALLS = {"run", "list", "stack"}
"""Commands that may install; the tools are those of the tests instead."""


class Shell:
    """Runs the commands of a page in a project, one after another."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._added: dict[str, str] = {}
        project.environment |= {
            "NOX_DEFAULT_VENV_BACKEND": "none",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), project.environment["PATH"]]),
        }
        self.code = 0

    def write(self, block: Block) -> None:
        """Write a file that a page shows."""
        kind, name = block.mark
        if kind == "file":
            self._added[name] = block.text
        self._project.write({name: block.text if kind == "file" else self._added.get(name, "") + "\n\n" + block.text})

    def run(self, line: str) -> Printed:
        """Run a command.

        Raises:
            AssertionError: it is none that is known here.
        """
        words, target = words_of(line)
        printed = self._run(words)
        if target:
            self._project.write({target: printed.text})
        return Printed(printed.code, "" if target else printed.text)

    def _run(self, words: list[str]) -> Printed:
        match words:
            case ["echo", "$?"]:
                return Printed(0, f"{self.code}\n")
            case ["gates", *rest]:
                free = ["-R"] if rest[0] in _INSTALLS else []
                done = self._project.gates(rest[0], *free, *rest[1:])
                self.code = done.code
                return Printed(done.code, done.out.replace("nox -R ", "nox "))
            case ["git", *_]:
                return self._start(words)
            case ["nox", *rest]:
                return self._start([sys.executable, "-m", "nox", "-R", *rest], PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        raise AssertionError(f"no test can run this: {shlex.join(words)}")

    def _start(self, words: list[str], **more: str) -> Printed:
        done = subprocess.run(
            words,
            cwd=self._project.folder,
            env=self._project.environment | more,
            capture_output=True,
            text=True,
            check=False,
        )
        self.code = done.returncode
        return Printed(done.returncode, done.stdout + done.stderr)
