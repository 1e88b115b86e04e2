"""Repositories of all shapes, checked out and found again."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from gates.storage.worktrees import checked_out, fill_submodules, pointers
from gates.vcs.git import Git
from tests.repository import Repository, files_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gates.storage.cache import Store


@pytest.mark.slow
def test_submodules_are_filled_from_the_users_own_clones_and_nothing_is_fetched(
    repository: Repository, store: Store, tmp_path: Path
) -> None:
    inner, outer = Repository(tmp_path / "inner"), Repository(tmp_path / "outer")
    inner.commit({"deep": "1"})
    outer.commit({"lib": "1"})
    local = ("-c", "protocol.file.allow=always")
    outer.git(*local, "submodule", "add", "--quiet", str(inner.root), "nested")
    outer.commit()
    repository.git(*local, "submodule", "add", "--quiet", str(outer.root), "sub dir")
    repository.git(*local, "submodule", "update", "--quiet", "--init", "--recursive")
    first = repository.commit({"a": "1"})
    outer.commit({"lib": "2"})
    shutil.rmtree(outer.root)  # whoever fetched would notice
    shutil.rmtree(inner.root)
    config = (repository.root / ".git/config").read_text()
    git, made = Git(repository.root), set()
    for _ in range(2):
        with checked_out(git, first, store) as folder:
            made.add(folder)
            assert fill_submodules(Git(folder), git.common_folder / "modules") == ()
            assert files_in(folder) - {"sub dir/.git", "sub dir/nested/.git"} == {
                ".gitmodules",
                "a",
                "sub dir/.gitmodules",
                "sub dir/lib",
                "sub dir/nested/deep",
            }
            assert not Git(folder).need("status", "--porcelain")
            (folder / "sub dir/lib").write_text("changed by a run")
    assert (repository.root / ".git/config").read_text() == config
    with checked_out(git, repository.commit({"b": "1"}), store, disk=0):
        pass
    assert [folder.exists() for folder in made] == [False], "one with submodules is removed, too"


def test_a_submodule_that_the_user_does_not_have_is_told(repository: Repository, store: Store, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    other.commit({"lib": "1"})
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(other.root), "sub")
    commit = repository.commit()
    shutil.rmtree(repository.root / ".git/modules")
    git = Git(repository.root)
    with checked_out(git, commit, store) as folder:
        (note,) = fill_submodules(Git(folder), git.common_folder / "modules")
    assert note.startswith("the submodule sub is empty: it is not initialised")


def test_submodules_of_a_further_worktree_of_the_user_are_found(
    repository: Repository, store: Store, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other")
    other.commit({"lib": "1"})
    local = ("-c", "protocol.file.allow=always")
    repository.git(*local, "submodule", "add", "--quiet", str(other.root), "sub")
    commit = repository.commit()
    shutil.rmtree(repository.root / ".git/modules")
    mine = tmp_path / "mine"
    repository.git("worktree", "add", "--quiet", "--detach", str(mine))
    repository.git("-C", str(mine), *local, "submodule", "update", "--quiet", "--init")
    shutil.rmtree(other.root)
    git = Git(mine)
    with checked_out(git, commit, store) as folder:
        assert fill_submodules(Git(folder), git.index.parent / "modules", git.common_folder / "modules") == ()
        assert (folder / "sub/lib").read_text() == "1"


def test_neither_hooks_nor_a_watcher_of_the_user_are_run_in_a_worktree_that_is_found_again(
    repository: Repository, store: Store, tmp_path: Path
) -> None:
    commit = repository.commit({"a": "1"})
    for name in ("post-index-change", "watcher"):
        hook = repository.root / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/{name}'\n")
        hook.chmod(0o755)
    for _ in range(2):
        with checked_out(Git(repository.root), commit, store) as folder:
            (folder / "a").write_text("changed by a run")
        repository.git("config", "core.fsmonitor", str(repository.root / ".git/hooks/watcher"))
    assert not (tmp_path / "post-index-change").exists()
    assert not (tmp_path / "watcher").exists()


def test_a_worktree_of_a_bare_repository_is_as_good_as_any(
    repository: Repository, store: Store, tmp_path: Path
) -> None:
    commit = repository.commit({"a": "1"})
    repository.git("clone", "--quiet", "--bare", str(repository.root), str(tmp_path / "bare.git"))
    repository.git("-C", str(tmp_path / "bare.git"), "worktree", "add", "--quiet", str(tmp_path / "mine"), "main")
    git = Git.of(tmp_path / "mine")
    assert git is not None
    for _ in range(2):
        with checked_out(git, commit, store) as folder:
            assert files_in(folder) == {"a"}


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"


def test_contents_of_lfs_that_are_not_here_are_not_fetched_and_their_pointers_are_told(
    repository: Repository, store: Store
) -> None:
    """A filter that would fetch, and fails without a network; told to skip that, it leaves the pointer."""
    commit = repository.commit({".gitattributes": "*.bin filter=lfs -text\n", "ü.bin": POINTER, "text": "1"})
    repository.git("config", "filter.lfs.smudge", 'test -n "$GIT_LFS_SKIP_SMUDGE" && cat')
    repository.git("config", "filter.lfs.required", "true")
    for _ in range(2):
        with checked_out(Git(repository.root), commit, store) as folder:
            assert files_in(folder) == {".gitattributes", "ü.bin", "text"}
            assert pointers(Git(folder)) == ("ü.bin",)
    repository.git("config", "filter.lfs.smudge", "echo content")
    repository.git("config", "filter.lfs.clean", "cat")
    with checked_out(Git(repository.root), repository.commit({"text": "2"}), store) as folder:
        assert pointers(Git(folder)) == ()
        assert (folder / "ü.bin").read_text() == "content\n"


def lines_end(repository: Repository) -> None:
    repository.git("config", "core.autocrlf", "true")
    repository.git("config", "core.safecrlf", "false")
    repository.commit({"unix.txt": "a\nb\n", "dos.txt": "a\r\nb\r\n", ".gitattributes": "dos.txt eol=crlf\n"})


def unnormalised(repository: Repository) -> None:
    """Files whose bytes in the commit are not those that git would make of them: git status never calls them clean."""
    repository.commit({"dos.txt": "a\r\nb\r\n"})
    repository.commit({".gitattributes": "* text=auto eol=lf\n"})


def links(repository: Repository) -> None:
    repository.write({"target/file": "1"})
    for name, target in (("to-file", "target/file"), ("to-folder", "target"), ("broken", "gone"), ("out", "/nowhere")):
        (repository.root / name).symlink_to(target)


def cases(repository: Repository) -> None:
    repository.commit({"Readme.md": "1"})
    repository.git("mv", "--force", "Readme.md", "README.md")


def names(repository: Repository) -> None:
    repository.write({"with space/ü\nnew line": "1", '"quoted"': "2", "-dash": "3", ":(glob)x": "4"})


def large_files(repository: Repository) -> None:
    """Pointers of LFS where its filter is not installed."""
    repository.commit({".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "model.bin": POINTER})
    repository.git("config", "filter.lfs.process", "no-such-program")
    repository.git("config", "filter.lfs.smudge", "no-such-program")
    repository.git("config", "filter.lfs.required", "false")


def sparse(repository: Repository) -> None:
    repository.commit({"in/a": "1", "out/b": "2"})
    repository.git("sparse-checkout", "set", "in")


@pytest.mark.parametrize(
    "shape", [lines_end, unnormalised, links, cases, names, large_files, sparse], ids=lambda shape: shape.__name__
)
def test_a_repository_of_any_shape_is_checked_out_each_time(
    repository: Repository, store: Store, shape: Callable[[Repository], None]
) -> None:
    repository.commit({"plain": "1"})
    shape(repository)
    commit = repository.commit()
    git = Git(repository.root)
    before = repository.bytes()
    listed = set(git.need("ls-tree", "-r", "-z", "--name-only", commit).split("\0")) - {""}
    for _ in range(2):
        with checked_out(git, commit, store) as folder:
            there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
            assert there - {".git"} == {name for name in listed if shape is not sparse or not name.startswith("out/")}
            assert os.path.lexists(folder / "plain")
    assert repository.bytes() == before
