"""A folder is never left through a link, whatever lies in it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gates.files.folders import Blocked, Folder, open_within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("theirs")
    return outside


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    (tmp_path / "inside").mkdir()
    with Folder.of(tmp_path / "inside") as opened:
        yield opened


ACTIONS: dict[str, Callable[[Folder, str], object]] = {
    "read": Folder.read,
    "digest": Folder.digest,
    "create": lambda folder, name: os.close(folder.create(name, [])),
    "put": lambda folder, name: folder.put(name, b"ours", []),
    "link": lambda folder, name: folder.link(name, folder.path, []),
    "about": Folder.about,
    "below": lambda folder, name: folder.below(name).close(),
    "make": lambda folder, name: folder.below(name, []).close(),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("name", ["link/file", "link/new", "a/link/new"])
def test_no_step_leads_through_a_link(folder: Folder, outside: Path, action: str, name: str) -> None:
    (folder.path / "a").mkdir()
    for place in ("link", "a/link"):
        (folder.path / place).symlink_to(outside)
    with pytest.raises(Blocked, match="is a symbolic link") as caught:
        ACTIONS[action](folder, name)
    assert caught.value.got == f"a link to {outside}"
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"file": "theirs"}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("name", ["../outside/file", "a/../../outside/file", "..", "a/.."])
def test_no_step_leads_upward(folder: Folder, outside: Path, action: str, name: str) -> None:
    (folder.path / "a").mkdir()
    with pytest.raises(Blocked, match="leads out of the folder"):
        ACTIONS[action](folder, name)
    assert (outside / "file").read_text() == "theirs"


def test_a_link_at_the_end_is_replaced_or_removed_itself(folder: Folder, outside: Path) -> None:
    for name in ("put", "link", "removed"):
        (folder.path / name).symlink_to(outside / "file")
    folder.put("put", b"ours")
    folder.link("link", outside)
    folder.remove("removed")
    assert (folder.path / "put").read_bytes() == b"ours"
    assert (folder.path / "link").readlink() == outside
    assert not os.path.lexists(folder.path / "removed")
    assert (outside / "file").read_text() == "theirs"
    with pytest.raises(OSError, match=r"levels of symbolic links|File exists"):
        os.close(folder.create("link"))


def test_nothing_is_removed_behind_a_link(folder: Folder, outside: Path) -> None:
    (folder.path / "link").symlink_to(outside)
    folder.remove("link/file")
    (outside / "empty").mkdir()
    folder.remove_empty("link/empty")
    assert sorted(path.name for path in outside.iterdir()) == ["empty", "file"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_only_regular_files_are_read(folder: Folder, make: Callable[[Path], None]) -> None:
    make(folder.path / "it")
    assert not folder.holds_file("it")
    with pytest.raises(OSError, match=r"is not a regular file|Is a directory"):
        folder.read("it")


def test_a_folder_that_is_replaced_by_a_link_is_not_left_though_it_was_looked_at_before(
    folder: Folder, outside: Path
) -> None:
    (folder.path / "logs").mkdir()
    with folder.below("logs") as logs:
        (folder.path / "logs").rename(folder.path / "moved")
        (folder.path / "logs").symlink_to(outside)
        logs.put("file", b"ours")
    assert (folder.path / "moved/file").read_bytes() == b"ours"
    assert (outside / "file").read_text() == "theirs"


def test_a_file_that_cannot_be_written_leaves_nothing(folder: Folder) -> None:
    (folder.path / "it").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        folder.put("it", b"text")
    assert folder.names() == ["it"]


def test_the_folder_that_the_user_names_may_be_a_link_but_no_step_from_the_project_on(
    tmp_path: Path, outside: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "away").symlink_to(outside)
    (project / "reports").symlink_to(outside)
    with open_within(project, tmp_path / "away") as found:
        assert found.names() == ["file"]
    for path in (project / "reports", project / "x/../reports", project / "reports/sub"):
        with pytest.raises(Blocked, match="is a symbolic link"):
            open_within(project, path, [])
    (tmp_path / "way").symlink_to(project)
    with pytest.raises(Blocked):
        open_within(tmp_path / "way", project / "reports")


def test_what_was_made_on_the_way_is_told(tmp_path: Path) -> None:
    made: list[Path] = []
    open_within(tmp_path, tmp_path / "a/b", made).close()
    open_within(None, tmp_path / "a/c/d", made).close()
    assert made == [tmp_path / name for name in ("a", "a/b", "a/c", "a/c/d")]
