"""Where a head left its base is said only where it is proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.vcs.git import Git, subject_of_commit
from gates.vcs.histories import where_left
from tests.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path


def left(repository: Repository, base: str = "main", head: str = "feature") -> tuple[tuple[str, ...], str]:
    git = Git(repository.root)
    return where_left(git, *(subject_of_commit(git, git.need_commit(name), name) for name in (base, head)))


def test_a_head_that_has_all_of_its_base_needs_no_word(repository: Repository) -> None:
    repository.commit({"a": "1"})
    repository.branch("feature")
    repository.commit({"b": "1"})
    assert left(repository) == ((), "")
    assert left(repository, head="main") == ((), "")


def test_a_head_that_is_behind_is_told_where_it_left_and_what_helps(repository: Repository) -> None:
    start = repository.commit({"a": "1"})
    repository.branch("feature")
    repository.commit({"b": "1"})
    repository.go("main")
    repository.commit({"c": "1"})
    repository.commit({"d": "1"})
    notes, fork = left(repository)
    assert fork == start
    assert notes[0].startswith(f"the head lacks 2 commits of main (it branched off at {start[:12]})")
    assert "merge:main" in notes[1]


def test_several_merge_bases_are_listed_and_none_is_taken(repository: Repository) -> None:
    repository.commit({"a": "1"})
    repository.branch("feature")
    one = repository.commit({"b": "1"})
    repository.go("main")
    other = repository.commit({"c": "1"})
    repository.git("merge", "--quiet", "--no-edit", "feature")
    repository.go("feature")
    repository.git("merge", "--quiet", "--no-edit", other)
    repository.commit({"d": "1"})
    repository.go("main")
    repository.commit({"e": "1"})
    (note,), fork = left(repository)
    assert fork == ""
    assert (one[:12] in note, other[:12] in note) == (True, True)


def test_histories_without_a_common_start_are_told(repository: Repository) -> None:
    repository.commit({"a": "1"})
    repository.git("checkout", "--quiet", "--orphan", "feature")
    repository.commit({"b": "1"})
    assert left(repository) == (("main and the head have no common history",), "")


def test_a_shallow_clone_proves_nothing(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": "1"})
    repository.branch("feature")
    repository.commit({"b": "1"})
    clone = Repository(tmp_path / "clone")
    clone.git("fetch", "--quiet", "--depth=1", f"file://{repository.root}", "main:other", "feature:feature")
    (note,), fork = left(clone, "other")
    assert (fork, "history is incomplete" in note) == ("", True)
