"""Temporary folders of runs that were killed are cleaned up, and nothing else is."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gates.files.temporary import MARK, ROOM, scratch, sweep, temporary_folder
from gates.portable.errors import EnvironmentProblem
from gates.portable.values import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def abandoned(parent: Path, name: str = "gates-dead") -> Path:
    """What a killed run leaves."""
    folder = parent / name
    (folder / "gate-1").mkdir(parents=True)
    (folder / "gate-1" / "file").write_text("")
    (folder / MARK).write_text("")
    return folder


def test_a_folder_is_ours_while_it_is_used_and_gone_afterwards(temporary: Path) -> None:
    with scratch("side-") as folder:
        assert folder.parent == temporary
        assert folder.name.startswith("gates-side-")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        sweep(temporary)
        assert folder.exists(), "it is in use"
    assert list(temporary.iterdir()) == []


def test_what_a_killed_run_left_is_removed(temporary: Path) -> None:
    abandoned(temporary)
    abandoned(temporary, "gates-index-dead")
    sweep(temporary)
    assert list(temporary.iterdir()) == []


def unmarked(parent: Path) -> None:
    (parent / "gates-notes").mkdir()
    (parent / "gates-notes" / "mine.txt").write_text("")


def another_name(parent: Path) -> None:
    abandoned(parent, "portals-1")


def a_link(parent: Path) -> None:
    (parent / "gates-link").symlink_to(abandoned(parent / "else" / "where"))


def a_linked_mark(parent: Path) -> None:
    folder = abandoned(parent)
    (folder / MARK).unlink()
    (folder / MARK).symlink_to("gate-1/file")


def a_fifo_as_mark(parent: Path) -> None:
    folder = abandoned(parent)
    (folder / MARK).unlink()
    os.mkfifo(folder / MARK)


def a_file(parent: Path) -> None:
    (parent / "gates-file").write_text("")


@pytest.mark.parametrize("make", [unmarked, another_name, a_link, a_linked_mark, a_fifo_as_mark, a_file])
def test_whatever_is_not_surely_ours_stays(temporary: Path, make: Callable[[Path], None]) -> None:
    make(temporary)
    before = sorted(temporary.rglob("*"))
    sweep(temporary)
    assert sorted(temporary.rglob("*")) == before


def test_another_users_folder_stays(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = abandoned(temporary)
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        sweep(temporary)
    assert folder.exists()


def test_a_folder_in_use_by_another_process_stays(temporary: Path) -> None:
    folder = abandoned(temporary)
    with (folder / MARK).open() as held:  # a lock belongs to the open file, not to the process
        fcntl.flock(held, fcntl.LOCK_EX)
        sweep(temporary)
        assert folder.exists()


def test_a_folder_for_temporary_files_that_is_named_is_never_replaced_by_another(tmp_path: Path) -> None:
    assert temporary_folder({"TMPDIR": "", "TEMP": str(tmp_path / "gone")}) == tmp_path / "gone"
    assert temporary_folder({"TMPDIR": "here"}) == Path.cwd() / "here"


def test_the_current_folder_is_no_place_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", os.getcwd)
    with pytest.raises(EnvironmentProblem, match="cannot be used"):
        temporary_folder({})


def fails_when_full(monkeypatch: pytest.MonkeyPatch) -> None:
    room = [ROOM // 2]

    def write(_descriptor: int, data: memoryview) -> int:
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return min(room.pop(), len(data))

    monkeypatch.setattr(os, "write", write)


def test_a_full_disk_is_the_environments_fault_and_named(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        fails_when_full(patch)
        with pytest.raises(EnvironmentProblem) as caught, scratch():
            raise AssertionError
    assert caught.value.exit_code is ExitCode.COULD_NOT_RUN
    assert str(caught.value) == (
        f"{temporary}: the temporary folder cannot be used: No space left on device\n"
        "  hint: free some space there, or name another one: TMPDIR=FOLDER"
    )
    assert list(temporary.iterdir()) == [], "nothing is left"


@pytest.mark.parametrize("make", [lambda _: None, lambda path: path.write_text("")], ids=["missing", "a file"])
def test_a_folder_that_is_none_is_the_environments_fault(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object]
) -> None:
    make(temporary / "there")
    monkeypatch.setenv("TMPDIR", str(temporary / "there"))
    with pytest.raises(EnvironmentProblem, match="the temporary folder cannot be used"), scratch():
        raise AssertionError


def test_a_temporary_folder_in_a_project_is_no_change_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with scratch() as folder:
        (folder / "index").touch()
        said = subprocess.run(["git", "status", "--short"], cwd=tmp_path, check=True, capture_output=True).stdout
    assert said == b""
