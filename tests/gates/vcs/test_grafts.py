"""A graft has the chosen files of one tree and everything else of another, and leaves no trace but two objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.vcs.git import changed_files
from gates.vcs.grafts import graft
from tests.repository import ODD_NAMES, Repository, git_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "project")


def grafted(repository: Repository, code: str, head: str) -> dict[str, str]:
    """The files of a graft of everything that counts as a test, with their contents."""
    git = git_of(repository.root)
    before = repository.bytes(), repository.git("for-each-ref"), repository.git("status", "--porcelain")
    paths = [change.path for change in changed_files(git, code, git.tree(head)) if change.kind == "test"]
    made = graft(git, code, git.tree(head), paths)
    assert (repository.bytes(), repository.git("for-each-ref"), repository.git("status", "--porcelain")) == before
    assert repository.git("rev-parse", f"{made}^") == code
    names = git.listed("ls-tree", "-r", "-z", "--name-only", made)
    return {name: repository.git("cat-file", "blob", f"{made}:{name}") for name in names}


def test_tests_come_from_the_head_and_code_from_the_base(repository: Repository) -> None:
    code = repository.commit(
        {"pool.py": "old", "tests/test_pool.py": "old", "tests/gone.py": "old", "setup.cfg": "old"}
    )
    (repository.root / "tests" / "gone.py").unlink()
    new = {"pool.py": "new", "more.py": "new", "tests/test_pool.py": "new", "tests/data/new.json": "new"}
    head = repository.commit({**new, "setup.cfg": "new"})
    assert grafted(repository, code, head) == {
        "pool.py": "old",
        "setup.cfg": "old",
        "tests/test_pool.py": "new",
        "tests/data/new.json": "new",
    }


def test_a_folder_can_take_the_place_of_a_file_and_the_reverse(repository: Repository) -> None:
    code = repository.commit({"tests/one": "file", "tests/two/deep": "file"})
    for name in ("tests/one", "tests/two/deep"):
        (repository.root / name).unlink()
    (repository.root / "tests" / "two").rmdir()
    head = repository.commit({"tests/one/deep": "new", "tests/two": "new"})
    assert grafted(repository, code, head) == {"tests/one/deep": "new", "tests/two": "new"}


def test_tests_can_take_the_place_of_code(repository: Repository) -> None:
    code = repository.commit({"fits": "code", "other.py": "old"})
    (repository.root / "fits").unlink()
    head = repository.commit({"fits/test_it.py": "new"})
    assert grafted(repository, code, head) == {"fits/test_it.py": "new", "other.py": "old"}


def test_a_file_can_get_another_text(repository: Repository) -> None:
    code = repository.commit({"setup.cfg": "old", "a.py": "old"})
    git = git_of(repository.root)
    made = graft(git, code, git.tree(code), [], {"setup.cfg": "grüße\n"})
    assert repository.git("cat-file", "blob", f"{made}:setup.cfg") == "grüße"
    assert repository.git("cat-file", "blob", f"{made}:a.py") == "old"


def test_names_may_contain_anything_and_modes_are_kept(repository: Repository) -> None:
    code = repository.commit({"a.py": "old"})
    files = {f"tests/{name}": "new" for name in ODD_NAMES}
    repository.write({**files, "tests/run": "new", "a.py": "new"})
    (repository.root / "tests" / "run").chmod(0o755)
    (repository.root / "tests" / "link").symlink_to("run")
    head = repository.commit()
    found = grafted(repository, code, head)
    assert found == {**files, "tests/run": "new", "tests/link": "run", "a.py": "old"}
    git = git_of(repository.root)
    paths = [change.path for change in changed_files(git, code, git.tree(head)) if change.kind == "test"]
    modes = repository.git("ls-tree", "-r", graft(git, code, git.tree(head), paths))
    assert "100755 blob" in modes
    assert "120000 blob" in modes


def test_the_tree_of_uncommitted_changes_will_do(repository: Repository) -> None:
    code = repository.commit({"a.py": "old", "test_a.py": "old"})
    repository.write({"a.py": "new", "test_a.py": "new"})
    git = git_of(repository.root)
    made = graft(git, code, git.worktree_tree(), ["test_a.py"])
    assert repository.git("cat-file", "blob", f"{made}:test_a.py") == "new"
    assert repository.git("cat-file", "blob", f"{made}:a.py") == "old"


def test_without_paths_it_is_the_same_tree(repository: Repository) -> None:
    code = repository.commit({"a.py": "old"})
    head = repository.commit({"a.py": "new"})
    git = git_of(repository.root)
    assert git.tree(graft(git, code, git.tree(head), [])) == git.tree(code)
