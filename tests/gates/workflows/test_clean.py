"""What the cache holds is shown and removed; what is in use, and what is hard to get, stays."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from gates.checkout import checked_out
from gates.git import Git
from gates.store import Store, cache_folder
from gates.workflows.clean import clean, told
from gates.workflows.reuse import StoredRuns
from tests.gates.junit.sample import a_run, a_test
from tests.gates.workflows.test_reuse import reports
from tests.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path


def filled(repository: Repository, tmp_path: Path) -> Path:
    """A store with a worktree, a kept run and a memory; the worktree."""
    commit = repository.commit({"a": "1"})
    git = Git(repository.root)
    store = Store.of(repository.root, git)
    with checked_out(git, commit, store) as folder:
        (folder / "large").write_bytes(b"x" * 2_000_000)
    run = a_run((a_test("a"),))
    StoredRuns(store.folder).keep("key", run, reports(tmp_path / "reports", run))
    store.remember(run, (a_test("a"),))
    return folder


def test_worktrees_and_runs_are_shown_and_removed_and_what_is_known_of_tests_stays(
    repository: Repository, tmp_path: Path
) -> None:
    folder = filled(repository, tmp_path)
    seen = clean(repository.root, dry_run=True)
    assert [(item.kind, item.state) for item in seen] == [("worktree", "there"), ("run", "there")]
    assert seen[0].size >= 2_000_000
    text = told(seen, dry_run=True)
    assert f"  {folder}\n" in text
    assert "2 MB would be given back" in text
    assert folder.exists()
    done = clean(repository.root)
    assert [item.state for item in done] == ["removed", "removed"]
    assert "2 MB given back" in told(done, dry_run=False)
    store = Store.of(repository.root, Git(repository.root))
    assert (list(folder.parent.iterdir()), list((store.folder / "runs").iterdir())) == ([], [])
    assert (store.folder / "outcomes").exists()
    assert Git(repository.root).need("worktree", "list", "--porcelain").count("worktree ") == 1
    assert told(clean(repository.root), dry_run=False) == "nothing is kept\n"


def test_a_worktree_in_use_stays(repository: Repository, tmp_path: Path) -> None:
    folder = filled(repository, tmp_path)
    git = Git(repository.root)
    with checked_out(git, git.commit("HEAD"), Store.of(repository.root, git)):
        done = clean(repository.root)
        assert [item.state for item in done] == ["in use", "removed"]
        assert f"{folder}: in use" in told(done, dry_run=False)
        assert (folder / "a").exists()


def test_other_projects_are_left_alone_unless_that_is_wished_or_they_are_gone(
    repository: Repository, tmp_path: Path
) -> None:
    others = [Repository(tmp_path / name) for name in ("other", "gone")]
    folders = [filled(one, tmp_path) for one in (repository, *others)]
    shutil.rmtree(others[1].root)
    clean(repository.root)
    assert [folder.exists() for folder in folders] == [False, True, False]
    clean(repository.root, everything=True)
    assert not folders[1].exists()
    assert not list(cache_folder().glob("*/runs/*"))
    assert Git(others[0].root).need("worktree", "list", "--porcelain").count("worktree ") == 1
