"""What a process with a fault may do to files and processes; the hook itself is not installed here, because it cannot be removed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gates.pytest_plugin.mutants.guard import Guard

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    (tmp_path / "free").mkdir()
    (tmp_path / "known").mkdir()
    return Guard([str(tmp_path / "free")], os.getpid(), [str(tmp_path / "known" / "log.txt")])


ALLOWED = ["free/new.txt", "free/deep/new.txt", "known/log.txt", "known/new.txt"]
REFUSED = ["mine.txt", "other/new.txt"]


@pytest.mark.parametrize("name", ALLOWED)
def test_temporary_files_and_what_the_tests_write_anyway_may_be_written(
    guard: Guard, tmp_path: Path, name: str
) -> None:
    guard.hear("open", (str(tmp_path / name), "w", os.O_WRONLY | os.O_CREAT))
    guard.hear("os.remove", (str(tmp_path / name), -1))


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize(
    ("event", "rest"),
    [
        ("open", ("w", os.O_WRONLY)),
        ("os.remove", (-1,)),
        ("os.mkdir", (0o777, -1)),
        ("os.truncate", (0,)),
        ("shutil.rmtree", (-1,)),
        ("sqlite3.connect", ()),
    ],
)  # fmt: skip
def test_nothing_else_may_be_written(
    guard: Guard, tmp_path: Path, name: str, event: str, rest: tuple[object, ...]
) -> None:
    with pytest.raises(PermissionError, match="a mutant may only write where"):
        guard.hear(event, (str(tmp_path / name), *rest))


def test_reading_is_free(guard: Guard, tmp_path: Path) -> None:
    guard.hear("open", (str(tmp_path / "mine.txt"), "r", os.O_RDONLY))


def test_a_file_beside_a_known_one_is_safe_if_it_was_there_before(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "known" / "mine.txt").touch()
    with pytest.raises(PermissionError):
        guard.hear("os.remove", (str(tmp_path / "known" / "mine.txt"), -1))


@pytest.mark.parametrize("places", [("free/a", "mine.txt"), ("mine.txt", "free/a")])
def test_both_names_of_a_renaming_count(guard: Guard, tmp_path: Path, places: tuple[str, str]) -> None:
    with pytest.raises(PermissionError):
        guard.hear("os.rename", (*(str(tmp_path / place) for place in places), -1, -1))


def test_a_path_below_an_open_folder_is_resolved(guard: Guard, tmp_path: Path) -> None:
    folder = os.open(tmp_path / "free", os.O_RDONLY)
    try:
        guard.hear("os.remove", ("new.txt", folder))
        with pytest.raises(PermissionError):
            guard.hear("os.remove", ("../mine.txt", folder))
    finally:
        os.close(folder)


def test_a_link_is_judged_by_its_own_place(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "free" / "link").symlink_to(tmp_path / "mine.txt")
    guard.hear("os.remove", (str(tmp_path / "free" / "link"), -1))


def test_without_faults_writing_is_only_noted(tmp_path: Path) -> None:
    guard = Guard([], os.getpid())
    guard.hear("open", (str(tmp_path / "log.txt"), "a", os.O_WRONLY | os.O_APPEND))
    assert guard.written == {str(tmp_path / "log.txt")}


@pytest.mark.parametrize("pid", [1, -1, pytest.param(os.getppid(), id="parent")])
def test_no_signal_leaves_the_processes_of_the_session(guard: Guard, pid: int) -> None:
    with pytest.raises(PermissionError, match="signals"):
        guard.hear("os.kill", (pid, 9))


@pytest.mark.parametrize("pid", [0, pytest.param(os.getpid(), id="own"), 2**22 + 1])
def test_signals_inside_it_are_free(guard: Guard, pid: int) -> None:
    guard.hear("os.kill", (pid, 9))
