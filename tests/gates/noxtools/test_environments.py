from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gates.noxtools.environments import STAMP, is_current, python_of, stamp


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text("click==8")
    return path


def test_an_environment_is_current_while_nothing_changed(tmp_path: Path, lock: Path) -> None:
    (tmp_path / STAMP).write_text(stamp(tmp_path, [lock], ["3.11.7"]))
    assert is_current(tmp_path, stamp(tmp_path, [lock], ["3.11.7"]))


def test_a_lock_an_interpreter_or_another_working_tree_makes_it_outdated(tmp_path: Path, lock: Path) -> None:
    (tmp_path / STAMP).write_text(stamp(tmp_path, [lock], ["3.11.7"]))
    assert not is_current(tmp_path, stamp(tmp_path, [lock], ["3.12.1"]))
    assert not is_current(tmp_path, stamp(tmp_path / "worktree", [lock], ["3.11.7"]))
    lock.write_text("click==9")
    assert not is_current(tmp_path, stamp(tmp_path, [lock], ["3.11.7"]))


def test_an_environment_without_a_readable_stamp_is_outdated(tmp_path: Path, lock: Path) -> None:
    assert not is_current(tmp_path, stamp(tmp_path, [lock]))
    (tmp_path / STAMP).write_bytes(b"\xff")
    assert not is_current(tmp_path, stamp(tmp_path, [lock]))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("home = /x\nversion_info = 3.11.7\n", (3, 11, 7)),  # uv
        ("home = /x\nversion_info = 3.11.7.final.0\n", (3, 11, 7)),  # virtualenv
        ("home = /x\nversion = 3.12.1\n", (3, 12, 1)),  # venv
        ("home = /x\n", ()),
    ],
)
def test_reads_the_interpreter_of_an_environment(tmp_path: Path, settings: str, expected: tuple[int, ...]) -> None:
    (tmp_path / "pyvenv.cfg").write_text(settings)
    assert python_of(tmp_path) == expected


def test_what_is_no_environment_has_no_interpreter(tmp_path: Path) -> None:
    assert python_of(tmp_path) == ()


@pytest.mark.skipif(not Path(sys.prefix, "pyvenv.cfg").exists(), reason="not run in a virtual environment")
def test_reads_a_real_environment() -> None:
    assert python_of(Path(sys.prefix))[:2] == sys.version_info[:2]
