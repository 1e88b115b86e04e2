"""What no commit has and tests need is brought into a worktree, and nothing that a commit has is touched."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gates.portable.errors import UsageError
from gates.storage.cache import Store
from gates.storage.worktrees import checked_out
from gates.vcs.git import Git
from gates.vcs.ignored import carry, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.repository import Repository

COMMITTED = {".gitignore": ".env\n/data/\nmodels/\n", "code.py": "1", "kept.txt": "committed"}
IGNORED = {".env": "KEY=1", "data/a.bin": "a", "data/deep/b.bin": "b", "models/m.bin": "m"}


@pytest.fixture
def git(repository: Repository) -> Git:
    repository.commit(COMMITTED)
    repository.write(IGNORED)
    return Git(repository.root)


@pytest.fixture
def worktree(git: Git, tmp_path: Path) -> Iterator[Git]:
    with checked_out(git, git.commit("HEAD"), Store(tmp_path / "cache")) as folder:
        yield Git(folder)


def there(worktree: Git) -> dict[str, str]:
    found = (path for path in worktree.folder.rglob("*") if path.is_file() and path.name != ".git")
    return {str(path.relative_to(worktree.folder)): path.read_text() for path in found}


def test_ignored_files_are_copied_or_linked_and_that_is_said(git: Git, worktree: Git) -> None:
    carried = carry(git, worktree, [".env", "data/**"], ["models/**"])
    assert there(worktree) == COMMITTED | IGNORED
    assert (carried.files, len(carried.digest)) == (4, 64)
    assert (worktree.folder / "models/m.bin").is_symlink()
    assert not (worktree.folder / "data/a.bin").is_symlink()
    names = ".env, data/a.bin, data/deep/b.bin, models/m.bin (4 in all)"
    assert carried.notes == (f"git-ignored files of the working tree were added: {names}",)
    assert not worktree.need("status", "--porcelain")


def test_what_the_commit_has_is_left_as_it_is(git: Git, worktree: Git, repository: Repository) -> None:
    repository.git("rm", "--quiet", "--cached", "kept.txt")
    repository.write({"kept.txt": "mine"})
    carried = carry(git, worktree, ["*.txt", "none/*"], [])
    assert there(worktree) == COMMITTED
    assert carried.notes == (
        "no git-ignored file was added for '*.txt': the commit has these files",
        "no git-ignored file was added for 'none/*': nothing matches",
    )


def test_what_an_earlier_run_brought_goes_away_with_its_source(git: Git, worktree: Git) -> None:
    carry(git, worktree, [".env", "data/**"], [])
    (git.folder / "data/a.bin").unlink()
    (git.folder / ".env").write_text("KEY=2")
    carry(git, worktree, [".env", "data/**"], [])
    assert there(worktree) == COMMITTED | {".env": "KEY=2", "data/deep/b.bin": "b"}
    assert carry(git, worktree, [], []).files == 0
    assert there(worktree) == COMMITTED
    assert (git.folder / "data/deep/b.bin").exists(), "the user's files stay"


def test_a_link_is_copied_as_a_link(git: Git, worktree: Git) -> None:
    (git.folder / "data/link").symlink_to("a.bin")
    (git.folder / "data/broken").symlink_to("gone")
    carry(git, worktree, ["data/**"], [])
    assert str((worktree.folder / "data/link").readlink()) == "a.bin"
    assert str((worktree.folder / "data/broken").readlink()) == "gone"


@pytest.mark.parametrize(("copy", "link"), [(["data/**"], []), ([], ["data/**"])], ids=["copy", "link"])
def test_nothing_is_written_through_a_link_that_a_commit_has(
    repository: Repository, tmp_path: Path, copy: list[str], link: list[str]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.bin").write_text("theirs")
    repository.commit(COMMITTED)
    repository.branch("evil")
    (repository.root / "data").symlink_to(outside)
    repository.git("add", "--force", "data")
    evil = repository.commit()
    repository.git("checkout", "--quiet", "main")
    repository.write({"data/a.bin": "mine"})
    git = Git(repository.root)
    with checked_out(git, evil, Store(tmp_path / "cache")) as folder:
        with pytest.raises(UsageError, match="the commit has no folder for it") as caught:
            carry(git, Git(folder), copy, link)
        assert caught.value.got == f"data is a link to {outside}"
        carry(git, Git(folder), [], [])  # takes away what was noted as brought
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"a.bin": "theirs"}


def test_what_a_run_put_in_the_place_of_a_file_is_replaced_and_not_followed(
    git: Git, worktree: Git, tmp_path: Path
) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (worktree.folder / "data").mkdir()
    (worktree.folder / "data/a.bin").symlink_to(tmp_path / "theirs")
    carry(git, worktree, ["data/**"], [])
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert (worktree.folder / "data/a.bin").read_text() == "a"


def test_the_fingerprint_is_about_contents_and_of_linked_files_about_stamps(git: Git) -> None:
    def found() -> str:
        return fingerprint(git, [".env"], ["models/**"])

    first = found()
    os.utime(git.folder / ".env", (1, 1))
    assert found() == first
    (git.folder / ".env").write_text("KEY=2")
    second = found()
    assert second != first
    os.utime(git.folder / "models/m.bin", (1, 1))
    assert found() not in (first, second)
    assert fingerprint(git, [], []) == fingerprint(git, ["nothing"], []) == ""


def test_a_file_that_cannot_be_brought_is_named(git: Git, worktree: Git) -> None:
    (worktree.folder / "data").write_text("in the way")
    with pytest.raises(UsageError, match="cannot be added") as caught:
        carry(git, worktree, ["data/a.bin"], [])
    assert caught.value.place.endswith("data/a.bin")
