"""Programs that are forked are programs like any."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests import warm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROGRAM = """
import atexit, json, os, signal, sys, time
import library
atexit.register(print, "end")
print(json.dumps([sys.argv[1:], os.getcwd(), os.environ.get("A"), __name__, library.VALUE, sys.stdin.read()]))
print("complained", file=sys.stderr)
exec(os.environ.get("CODE", ""))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "library.py").write_text("VALUE = 'ours'\n")
    return tmp_path


def run(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, **more: Any) -> Any:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    more = {"path": [str(folder)], "imports": ("library",)} | more
    return warm.run("program", arguments, folder=folder, environment=inherited | dict(environment or {}), **more)


@pytest.mark.parametrize("start", [{}, {"PYTHONHASHSEED": "3"}], ids=["warm", "cold"])
@pytest.mark.parametrize("more", [{}, {"path": (), "imports": ()}], ids=["path", "folder"])
def test_a_program_has_its_arguments_folder_variables_and_streams(
    folder: Path, start: dict[str, str], more: dict[str, Any]
) -> None:
    done = run(folder, "-x", "ü", environment={"A": "1", **start}, **more)
    assert done.returncode == 0, done.stderr
    said, end = done.stdout.decode().splitlines()
    assert json.loads(said) == [["-x", "ü"], str(folder.resolve()), "1", "__main__", "ours", ""]
    assert (end, done.stderr) == ("end", b"complained\n")


def test_what_one_leaves_the_next_does_not_see(folder: Path) -> None:
    spoil = "library.VALUE = 'spoiled'; os.chdir('/'); os.environ['A'] = 'x'; sys.argv.append('y')"
    first, second = run(folder, environment={"CODE": spoil}), run(folder)
    assert first.stdout == second.stdout


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("sys.exit(7)", 7),
        ("raise KeyError('x')", 1),
        ("os._exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_it_ends_as_it_ends(folder: Path, code: str, exit_code: int) -> None:
    done = run(folder, environment={"CODE": code})
    assert done.returncode == exit_code
    assert (b"KeyError" in done.stderr) == ("KeyError" in code)


def test_one_that_takes_too_long_is_killed_and_the_next_one_runs(folder: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run(folder, environment={"CODE": "time.sleep(600)"}, timeout=0.5)
    assert run(folder).returncode == 0


def test_the_path_in_front_wins_over_what_is_installed(tmp_path: Path) -> None:
    (tmp_path / "pytest.py").write_text("VALUE = 1\n")
    (tmp_path / "program.py").write_text("import pytest\nprint(pytest.VALUE)\n")
    done = run(tmp_path, imports=("pytest",))
    assert (done.stdout, done.returncode) == (b"1\n", 0), done.stderr
