from __future__ import annotations

import os
import shutil
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from gates.portable.errors import EnvironmentProblem, GatesError, UsageError
from gates.portable.values import ExitCode
from gates.storage.cache import Store
from gates.storage.worktrees import DISK, abandoned_worktrees, checked_out, merge_commit, size_of
from gates.vcs.environments import set_aside
from gates.vcs.git import Git
from tests.repository import Repository, files_in

if TYPE_CHECKING:
    from pathlib import Path


def test_a_commit_gets_a_folder_with_its_files(repository: Repository, store: Store) -> None:
    first = repository.commit({"a": "1", "sub/b": "1"})
    repository.commit({"a": "2", "c": "2"})
    with checked_out(Git(repository.root), first, store) as folder:
        assert files_in(folder) == {"a", "sub/b"}
        assert (folder / "a").read_text() == "1"
        assert store.folder in folder.parents


def test_the_users_tree_index_and_branches_stay_as_they_are(repository: Repository, store: Store) -> None:
    first = repository.commit({"a": "1"})
    repository.commit({"a": "2"})
    repository.write({"a": "3", "new": "4"})
    repository.git("add", "new")
    before, refs, head = repository.bytes(), repository.git("for-each-ref"), repository.git("symbolic-ref", "HEAD")
    with checked_out(Git(repository.root), first, store) as folder:
        (folder / "a").write_text("changed there")
    assert repository.bytes() == before
    assert (repository.git("for-each-ref"), repository.git("symbolic-ref", "HEAD")) == (refs, head)


def test_a_project_in_a_subfolder_gets_its_subfolder(repository: Repository, store: Store) -> None:
    commit = repository.commit({"sub/größe 1/a": "1", "b": "1"})
    with checked_out(Git(repository.root / "sub/größe 1"), commit, store) as folder:
        assert files_in(folder) == {"a"}
        assert folder.parts[-2:] == ("sub", "größe 1")


def test_the_same_tree_is_found_again_whatever_the_commit(repository: Repository, store: Store) -> None:
    first = repository.commit({"a": "1", ".gitignore": ".nox/"})
    second = repository.commit(message="same tree")
    git = Git(repository.root)
    with checked_out(git, first, store) as folder:
        (folder / ".nox").mkdir()
        (folder / ".nox/python").write_text("")
    with checked_out(git, second, store) as again:
        assert again == folder
        assert (again / ".nox/python").exists()


def test_nothing_of_a_run_stays_but_environments(repository: Repository, store: Store) -> None:
    commit = repository.commit({"a": "1", "sub/b": "1", ".gitignore": "*.pyc\nbuild/\n.venv/\n.nox/\n"})
    git = Git(repository.root)
    kept = {".nox/test/python", "sub/.nox/test/python", ".tox/py/python", ".venv/pyvenv.cfg"}
    left = {"new", "sub/new", "sub/x.pyc", "build/out", ".nox/test/tmp/x", "sub/.venv/no environment"}
    with checked_out(git, commit, store) as folder:
        for name in ("a", *kept, *left):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("left")
        (folder / "sub/b").unlink()
        (folder / "empty").mkdir()
        Repository(folder / "nested").commit({"c": "1"})
        Git(folder).run("add", "new")
    with checked_out(git, commit, store) as folder:
        assert files_in(folder) == {".gitignore", "a", "sub/b", *kept}
        assert not (folder / "empty").exists()
        assert (folder / "a").read_text() == "1"


def test_neither_flags_of_the_index_nor_rights_outlive_a_run(repository: Repository, store: Store) -> None:
    commit = repository.commit({"a": "1", "b": "1", "sub/c": "1"})
    git = Git(repository.root)
    with checked_out(git, commit, store) as folder:
        before = {name: (folder / name).stat().st_mode for name in ("a", "b", "sub", "sub/c")}
        Git(folder).need("update-index", "--assume-unchanged", "a")
        Git(folder).need("update-index", "--skip-worktree", "b")
        for name in ("a", "b"):
            (folder / name).write_text("hidden")
        (folder / "sub/left").write_text("")
        (folder / "sub/c").chmod(0o444)
        (folder / "sub").chmod(0o555)
    with checked_out(git, commit, store) as folder:
        assert {name: (folder / name).read_text() for name in ("a", "b", "sub/c")} == dict.fromkeys(
            ("a", "b", "sub/c"), "1"
        )
        assert {name: (folder / name).stat().st_mode for name in before} == before
        assert not (folder / "sub/left").exists()


def test_an_environment_behind_a_link_is_somebody_elses(repository: Repository, store: Store, tmp_path: Path) -> None:
    commit = repository.commit({"a": "1"})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/python").write_text("")
    with checked_out(Git(repository.root), commit, store) as folder:
        (folder / ".nox").symlink_to(tmp_path / "mine")
    with checked_out(Git(repository.root), commit, store) as folder:
        assert files_in(folder) == {"a"}
    assert (tmp_path / "mine/python").exists()


def test_environments_survive_a_run_that_was_killed_while_they_were_set_aside(
    repository: Repository, store: Store
) -> None:
    commit = repository.commit({"a": "1"})
    git = Git(repository.root)
    with checked_out(git, commit, store) as folder:
        (folder / ".nox/test").mkdir(parents=True)
    set_aside(folder, folder.with_suffix(".kept"))
    with checked_out(git, commit, store) as folder:
        assert (folder / ".nox/test").is_dir()
        assert not folder.with_suffix(".kept").exists()


@pytest.mark.parametrize("damage", ["no .git", "another commit", "a file", "no folder"])
def test_a_damaged_folder_is_made_again(repository: Repository, store: Store, damage: str) -> None:
    repository.commit({"b": "0"})
    commit = repository.commit({"a": "1"})
    git = Git(repository.root)
    with checked_out(git, commit, store) as folder:
        pass
    if damage == "no .git":
        (folder / ".git").unlink()
    elif damage == "another commit":
        Git(folder).need("checkout", "--quiet", "--detach", "HEAD~")
    else:
        git.need("worktree", "remove", str(folder))
        if damage == "a file":
            folder.write_text("")
            folder.unlink()
    with checked_out(git, commit, store) as folder:
        assert (folder / "a").read_text() == "1"
        assert Git(folder).commit("HEAD") == commit


def test_another_worktree_of_the_user_that_is_away_is_not_forgotten(
    repository: Repository, store: Store, tmp_path: Path
) -> None:
    commit = repository.commit({"a": "1"})
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "on a stick"))
    (tmp_path / "on a stick").rename(tmp_path / "unplugged")
    with checked_out(Git(repository.root), commit, store):
        pass
    (tmp_path / "unplugged").rename(tmp_path / "on a stick")
    assert Git(tmp_path / "on a stick").commit("HEAD") == commit


def test_hooks_of_the_user_are_not_run(repository: Repository, store: Store, tmp_path: Path) -> None:
    commit = repository.commit({"a": "1"})
    hook = repository.root / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/called'\n")
    hook.chmod(0o755)
    with checked_out(Git(repository.root), commit, store):
        pass
    assert not (tmp_path / "called").exists()


def test_a_hooks_environment_leads_to_no_other_repository(
    repository: Repository, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit({"a": "1"})
    monkeypatch.setenv("GIT_DIR", str(repository.root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository.root / ".git/index"))
    before = repository.bytes()
    with checked_out(Git(repository.root), commit, store) as folder:
        (folder / "a").write_text("2")
    with checked_out(Git(repository.root), commit, store) as folder:
        assert (folder / "a").read_text() == "1"
    assert repository.bytes() == before


OTHER = """
    import sys
    from pathlib import Path
    from gates.storage.worktrees import checked_out
    from gates.vcs.git import Git
    from gates.storage.cache import Store
    with checked_out(Git(Path(sys.argv[1])), sys.argv[2], Store(Path(sys.argv[3]))):
        print("there", flush=True)
        sys.stdin.read()
"""


def another_run(repository: Repository, commit: str, store: Store) -> subprocess.Popen[bytes]:
    """A process that uses the worktree of a commit until its input ends."""
    command = [sys.executable, "-c", dedent(OTHER), str(repository.root), commit, str(store.folder)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"there\n"
    return other


def test_nobody_else_uses_the_folder_meanwhile(repository: Repository, store: Store) -> None:
    first = repository.commit({"a": "1"})
    second = repository.commit({"a": "2"})
    with another_run(repository, first, store) as other:
        git = Git(repository.root)
        with pytest.raises(EnvironmentProblem, match="another run") as caught, checked_out(git, first, store):
            pass
        assert caught.value.exit_code is ExitCode.COULD_NOT_RUN
        with checked_out(git, second, store):  # another tree is free
            pass
        other.communicate(b"")
    with checked_out(git, first, store):
        pass


def test_a_worktree_whose_run_was_killed_before_it_used_it_is_gone_after_the_next(
    repository: Repository, store: Store
) -> None:
    commit, git = repository.commit({"a": "1"}), Git(repository.root)
    with another_run(repository, commit, store) as other:
        other.kill()
        other.communicate()
    assert git.need("worktree", "list", "--porcelain").count("worktree ") == 2
    with checked_out(git, repository.commit({"a": "2"}), store) as folder:
        pass
    assert git.need("worktree", "list", "--porcelain").count("worktree ") == 2
    assert [path for path in folder.parent.iterdir() if path.is_dir()] == [folder]


def test_another_commit_can_use_the_folder_of_one_and_its_environments(repository: Repository, store: Store) -> None:
    one = repository.commit({"a": "1"})
    other = repository.commit({"a": "2"})
    git = Git(repository.root)
    with checked_out(git, one, store) as folder:
        (folder / ".nox" / "test").mkdir(parents=True)
        (folder / "left").write_text("behind")
    with checked_out(git, other, store, beside=one) as shared:
        assert shared == folder
        assert (shared / "a").read_text() == "2"
        assert (shared / ".nox" / "test").is_dir()
        assert not (shared / "left").exists()
    with checked_out(git, one, store) as again:
        assert (again / "a").read_text() == "1"
        assert (again / ".nox" / "test").is_dir()
    assert git.need("worktree", "list", "--porcelain").count("worktree ") == 2


def test_an_error_inside_gives_the_folder_free(repository: Repository, store: Store) -> None:
    commit = repository.commit({"a": "1"})
    git = Git(repository.root)
    with pytest.raises(KeyboardInterrupt), checked_out(git, commit, store):
        raise KeyboardInterrupt
    with checked_out(git, commit, store):
        pass


def visited(repository: Repository, store: Store, number: int, disk: int = DISK) -> list[Path]:
    """Folders of so many commits, the oldest first."""
    git, folders = Git(repository.root), []
    for age, commit in enumerate([repository.commit({"a": str(number)}) for number in range(number)]):
        with checked_out(git, commit, store, disk) as folder:
            folders.append(folder)
        os.utime(folder, (age, age))
    return folders


def test_only_the_last_few_folders_stay(repository: Repository, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gates.storage.worktrees.KEPT", 3)
    folders = visited(repository, store, 5)
    assert [folder.exists() for folder in folders] == [False, False, True, True, True]
    for suffix in ("lock", "size"):
        assert len(list((store.folder / "worktrees").glob(f"*.{suffix}"))) == 3
    assert Git(repository.root).need("worktree", "list", "--porcelain").count("worktree ") == 4


def test_folders_stay_as_far_as_the_disk_budget_goes(repository: Repository, store: Store) -> None:
    one = size_of(visited(repository, store, 1)[0])
    assert one > 0
    folders = visited(repository, store, 4, disk=2 * one + one // 2)
    assert [folder.exists() for folder in folders] == [False, False, True, True]


def test_a_name_of_a_file_that_lies_elsewhere_too_costs_its_part(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_bytes(b"x" * 100_000)
    alone = size_of(tmp_path / "a")
    os.link(tmp_path / "a/file", tmp_path / "elsewhere")
    assert size_of(tmp_path / "a") == alone // 2


def test_what_a_killed_run_left_is_collected_at_the_next_start(repository: Repository, store: Store) -> None:
    folders = visited(repository, store, 2)
    folders[0].with_suffix(".size").unlink()  # it is written at a run's end
    git = Git(repository.root)
    with checked_out(git, repository.commit({"b": "1"}), store):
        pass
    assert [folder.exists() for folder in folders] == [False, True]
    assert str(folders[0]) not in git.need("worktree", "list")


def test_worktrees_whose_repository_is_gone_are_collected_at_the_next_start(
    repository: Repository, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other")
    stores = Store(tmp_path / f"cache/one-{1:016x}"), Store(tmp_path / f"cache/other-{2:016x}")
    (gone,) = visited(other, stores[1], 1)
    (kept,) = visited(repository, stores[0], 1)
    assert abandoned_worktrees(tmp_path / "cache") == ()
    shutil.rmtree(other.root)
    visited(repository, stores[0], 1)
    assert (gone.exists(), kept.exists()) == (False, True)
    assert list(gone.parent.iterdir()) == []


def test_a_cache_behind_a_link_is_kept_in_order_too(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    store = Store(tmp_path / "link/project-0123")
    (folder,) = visited(repository, store, 1)
    shutil.rmtree(folder)
    with checked_out(Git(repository.root), repository.commit({"b": "1"}), store):
        pass
    assert folder.name not in Git(repository.root).need("worktree", "list")


def test_worktrees_whose_folders_are_gone_leave_gits_list_and_no_others(
    repository: Repository, store: Store, tmp_path: Path
) -> None:
    folders = visited(repository, store, 2)
    git = Git(repository.root)
    git.need("worktree", "add", "--quiet", "--detach", str(tmp_path / "users"), "HEAD")
    shutil.rmtree(tmp_path / "users")
    shutil.rmtree(store.folder)
    with checked_out(git, repository.commit({"b": "1"}), store):
        listed = git.need("worktree", "list")
    assert str(folders[0]) not in listed
    assert str(tmp_path / "users") in listed


def test_a_folder_that_was_used_again_stays_longer(
    repository: Repository, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gates.storage.worktrees.KEPT", 4)
    folders = visited(repository, store, 4)
    git = Git(repository.root)
    for commit in (git.commit("HEAD~3"), repository.commit({"a": "new"})):
        with checked_out(git, commit, store):
            pass
    assert [folder.exists() for folder in folders] == [True, False, True, True]


def test_a_folder_in_use_is_not_forgotten(repository: Repository, store: Store) -> None:
    git = Git(repository.root)
    commits = [repository.commit({"a": str(number)}) for number in range(3)]
    with checked_out(git, commits[0], store) as used:
        os.utime(used, (1, 1))
        for commit in commits[1:]:
            with checked_out(git, commit, store, disk=0):
                pass
        assert (used / "a").exists()


def test_an_unwritable_cache_is_the_environments_fault(repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit({"a": "1"})
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(EnvironmentProblem, match="cannot write to the cache") as caught,
        checked_out(Git(repository.root), commit, Store(tmp_path / "file")),
    ):
        pass
    assert "GATES_CACHE_DIR" in caught.value.remedy


# Merging


def forked(repository: Repository, ours: dict[str, str], theirs: dict[str, str]) -> tuple[str, str]:
    repository.commit({"a": "1\n", "b": "1\n", "grüße": "1\n"})
    repository.branch("feature")
    head = repository.commit(theirs)
    repository.go("main")
    return repository.commit(ours), head


def test_a_merge_has_both_sides_and_touches_nothing(repository: Repository, store: Store) -> None:
    base, head = forked(repository, {"a": "2\n"}, {"b": "2\n", "c": "2\n"})
    before, refs = repository.bytes(), repository.git("for-each-ref")
    git = Git(repository.root)
    commit = merge_commit(git, base, head)
    assert git.need("show", "--no-patch", "--format=%P", commit).split() == [base, head]
    assert (repository.bytes(), repository.git("for-each-ref")) == (before, refs)
    with checked_out(git, commit, store) as folder:
        found = {name: (folder / name).read_text() for name in ("a", "b", "c")}
    assert found == {"a": "2\n", "b": "2\n", "c": "2\n"}


def test_a_merge_needs_no_identity(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    base, head = forked(repository, {"a": "2\n"}, {"b": "2\n"})
    repository.git("config", "user.useConfigOnly", "true")
    monkeypatch.delenv("EMAIL", raising=False)
    assert merge_commit(Git(repository.root), base, head)


def test_conflicts_are_listed_by_their_names(repository: Repository) -> None:
    base, head = forked(repository, {"a": "2\n", "grüße": "2\n", "b": "2\n"}, {"a": "3\n", "grüße": "3\n"})
    with pytest.raises(GatesError, match="does not merge") as caught:
        merge_commit(Git(repository.root), base, head)
    assert caught.value.got == "conflicts in a, grüße"
    assert caught.value.place == f"{head[:12]} into {base[:12]}"
    assert caught.value.exit_code is ExitCode.GATE_FAILED


def test_histories_without_a_common_start_cannot_be_merged(repository: Repository) -> None:
    base = repository.commit({"a": "1"})
    repository.git("checkout", "--quiet", "--orphan", "other")
    head = repository.commit({"a": "2"})
    with pytest.raises(EnvironmentProblem, match="cannot merge") as caught:
        merge_commit(Git(repository.root), base, head)
    assert "unrelated histories" in caught.value.got
    assert not caught.value.remedy


def test_a_project_that_a_commit_has_as_a_link_is_not_looked_for_behind_it(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"sub/a": "1"})
    (tmp_path / "outside").mkdir()
    repository.git("rm", "-r", "--quiet", "sub")
    (repository.root / "sub").symlink_to(tmp_path / "outside")
    evil = repository.commit()
    repository.git("checkout", "--quiet", "--detach", "HEAD~")
    git = Git(repository.root / "sub")
    with pytest.raises(UsageError, match="is a symbolic link"), checked_out(git, evil, Store(tmp_path / "cache")):
        pytest.fail("gates would run outside")
