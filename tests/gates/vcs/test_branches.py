from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.vcs.branches import (
    Parent,
    distance,
    first_title,
    fork_of,
    holds,
    local_branches,
    parent_in_history,
    recorded_parents,
    would_merge,
    would_rebase,
)
from gates.vcs.git import Git

if TYPE_CHECKING:
    from tests.repository import Repository


@pytest.fixture
def git(repository: Repository) -> Git:
    """main ← one.x ← two."""
    repository.commit({"a": "1\n"})
    for name in ("one.x", "two"):
        repository.branch(name)
        repository.commit({name: "1\n"})
    return Git(repository.root)


@pytest.mark.parametrize(
    ("settings", "parent"),
    [
        ({}, None),
        ({"branch.one.x.gates-parent": "a", "branch.one.x.parent": "b"}, Parent("a", "branch.one.x.gates-parent")),
        ({"branch.one.x.parent": "refs/heads/b"}, Parent("b", "branch.one.x.parent")),
        ({"branch.one.x.gh-merge-base": "c"}, Parent("c", "branch.one.x.gh-merge-base")),
        ({"git-town-branch.one.x.parent": "d"}, Parent("d", "git-town-branch.one.x.parent")),
        ({"branch.one.x.remote": ".", "branch.one.x.merge": "refs/heads/main"}, Parent("main", "upstream")),
        ({"branch.one.x.remote": "origin", "branch.one.x.merge": "refs/heads/e"}, Parent("origin/e", "upstream")),
        ({"branch.one.x.remote": "origin", "branch.one.x.merge": "refs/heads/one.x"}, None),
        ({"branch.one.x.parent": "one.x"}, None),
    ],
    ids=[
        "nothing",
        "ours-first",
        "parent",
        "gh",
        "git-town",
        "local-upstream",
        "remote-upstream",
        "pushed-to",
        "itself",
    ],
)
def test_the_parent_of_a_branch_is_what_the_config_says(
    git: Git, settings: dict[str, str], parent: Parent | None
) -> None:
    for key, value in settings.items():
        git.need("config", key, value)
    assert recorded_parents(git).get("one.x") == parent
    assert local_branches(git) == ("main", "one.x", "two")


def test_without_a_record_the_nearest_branch_that_it_holds_is_the_parent(git: Git, repository: Repository) -> None:
    repository.git("branch", "twin", "two")
    repository.git("branch", "other", "main")
    assert parent_in_history(git, "two", "main") == "one.x"
    assert parent_in_history(git, "one.x", "main") == ""


def test_the_fork_is_found_after_the_parent_was_rewritten(git: Git, repository: Repository) -> None:
    before = git.commit("one.x")
    repository.go("one.x")
    repository.git("commit", "--quiet", "--amend", "-m", "amended")
    assert fork_of(git, "one.x", "two") == before
    assert git.merge_base("one.x", "two") == git.commit("main")


def test_a_merge_and_a_rebase_name_the_files_that_conflict_and_touch_nothing(git: Git, repository: Repository) -> None:
    fork = git.commit("one.x")
    repository.go("one.x")
    repository.commit({"two": "another\n"})
    before = repository.bytes()
    assert would_merge(git, git.commit("one.x"), git.commit("two")).conflicts == ("two",)
    assert would_rebase(git, fork, git.commit("one.x"), git.commit("two")).conflicts == ("two",)
    assert would_merge(git, git.commit("main"), git.commit("two")).conflicts == ()
    assert repository.bytes() == before


def test_a_rebase_moves_only_what_lies_above_the_fork(git: Git, repository: Repository) -> None:
    """The parent was rewritten; a plain merge would conflict over what was its own."""
    fork = git.commit("one.x")
    repository.go("one.x")
    repository.write({"one.x": "rewritten\n"})
    repository.git("commit", "--quiet", "--all", "--amend", "-m", "amended")
    assert would_merge(git, git.commit("one.x"), git.commit("two")).conflicts == ("one.x",)
    moved = would_rebase(git, fork, git.commit("one.x"), git.commit("two"))
    assert moved.conflicts == ()
    assert git.answer("show", f"{moved.tree}:one.x") == "rewritten"


def test_a_branch_that_looks_like_an_option_is_asked_about_like_any_other(git: Git) -> None:
    tip = git.commit("one.x")
    git.need("update-ref", "refs/heads/--all", tip)
    git.need("update-ref", "refs/heads/-evil", git.commit("two"))
    assert (git.commit("--all"), git.tree("--all")) == (tip, git.tree("one.x"))
    assert distance(git, "--all", "-evil") == distance(git, "one.x", "two") == 1
    assert (holds(git, "-evil", "--all"), holds(git, "--all", "-evil")) == (True, False)
    assert fork_of(git, "--all", "-evil") == git.merge_base("--all", "-evil") == tip
    assert first_title(git, "--all", "-evil") == first_title(git, "one.x", "two") != ""
    assert parent_in_history(git, "-evil", "main") in {"one.x", "--all"}
