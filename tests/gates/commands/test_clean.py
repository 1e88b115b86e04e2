"""What the cache holds is shown and removed; what is in use, and what is hard to get, stays."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from gates.commands.clean import clean, told
from gates.config.request import Request
from gates.storage.cache import Store, cache_folder
from gates.storage.kept_runs import StoredRuns
from gates.storage.reports import Reports
from gates.storage.run_key import key_of
from gates.storage.worktrees import checked_out
from gates.vcs.git import Git
from tests.gates.readers.junit.sample import a_run, a_test
from tests.gates.storage.laying import lay
from tests.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def filled(repository: Repository, tmp_path: Path) -> Path:
    """A store with a worktree, a kept run and a memory; the worktree."""
    commit = repository.commit({"a": "1"})
    git = Git(repository.root)
    store = Store.of(repository.root, git)
    with checked_out(git, commit, store) as folder:
        (folder / "large").write_bytes(b"x" * 2_000_000)
    run = lay(repository.root / "reports", a_run((a_test("a"),)), records=store.records)
    key = key_of(run.subject.identity.rpartition(":")[2], "", Request())
    StoredRuns(store.folder).keep(key, run, repository.root / "reports")
    store.remember(run, (a_test("a"),))
    return folder


def test_worktrees_and_runs_are_shown_and_removed_and_what_is_known_of_tests_stays(
    repository: Repository, tmp_path: Path
) -> None:
    folder = filled(repository, tmp_path)
    seen = clean(repository.root, dry_run=True)
    assert [(item.kind, item.state) for item in seen] == [("worktree", "there"), ("run", "there"), ("record", "there")]
    assert seen[0].size >= 2_000_000
    text = told(seen, dry_run=True)
    assert f"  {folder}\n" in text
    assert "2 MB would be freed" in text
    assert folder.exists()
    done = clean(repository.root)
    assert [item.state for item in done] == ["removed", "removed", "removed"]
    assert "2 MB freed" in told(done, dry_run=False)
    store = Store.of(repository.root, Git(repository.root))
    assert [list((store.folder / name).iterdir()) for name in ("worktrees", "runs", "records")] == [[], [], []]
    assert (store.folder / "outcomes").exists()
    assert Git(repository.root).need("worktree", "list", "--porcelain").count("worktree ") == 1
    assert told(clean(repository.root), dry_run=False) == "nothing is kept\n"


def test_a_worktree_in_use_stays(repository: Repository, tmp_path: Path) -> None:
    folder = filled(repository, tmp_path)
    git = Git(repository.root)
    with checked_out(git, git.commit("HEAD"), Store.of(repository.root, git)):
        done = clean(repository.root)
        assert [item.state for item in done] == ["in use", "removed", "removed"]
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


def test_a_cache_that_lies_in_a_folder_of_the_users_costs_them_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`GATES_CACHE_DIR=~/src`, where projects of their own have folders of the same names."""
    home = tmp_path / "src"
    monkeypatch.setenv("GATES_CACHE_DIR", str(home))
    theirs = [
        "my-project/runs/first/model.bin",
        "my-project/records/2024/data.csv",
        "my-project/worktrees/feature/code.py",
        "another-0123456789abcdef/runs/first/model.bin",
        "another-0123456789abcdef/records/2024/data.csv",
        "another-0123456789abcdef/worktrees/feature/code.py",
    ]
    for name in theirs:
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text("theirs")
    for worktree in home.glob("*/worktrees/feature"):
        (worktree / ".git").write_text("gitdir: /gone/.git/worktrees/feature\n")  # on a disk that is away just now
    filled(repository, tmp_path)
    clean(repository.root, everything=True)
    assert [name for name in theirs if not (home / name).exists()] == []


def test_the_record_of_a_run_that_goes_on_stays(repository: Repository) -> None:
    store = Store.of(repository.root, Git(repository.root))
    with Reports.begin(repository.root / "reports", store.records, "a-run"):
        (item,) = clean(repository.root)
        assert (item.kind, item.state) == ("record", "in use")
    assert clean(repository.root) == (), "it was cut off: nothing else tells whose its files are"
    Reports.begin(repository.root / "reports", store.records, "another").close()
    assert len(list(store.records.iterdir())) == 1


def test_earlier_runs_that_are_kept_to_look_at_are_removed(repository: Repository) -> None:
    store = Store.of(repository.root, Git(repository.root))
    for number in range(2):
        lay(repository.root / "reports", a_run(id=f"r{number}"), records=store.records)
    assert [item.path.parent.name for item in clean(repository.root, dry_run=True)] == ["records", "past"]
    assert {item.state for item in clean(repository.root)} == {"removed"}
    assert list((store.folder / "past").iterdir()) == []
