from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gates.portable.errors import EnvironmentProblem, UsageError
from gates.vcs.git import (
    Git,
    changes_of,
    find_base,
    git_environment,
    subject_of_commit,
    subject_of_worktree,
)
from tests.repository import ODD_NAMES, Repository, git_of

if TYPE_CHECKING:
    from pathlib import Path


def committed_tree(repository: Repository) -> str:
    """What git itself makes of the working tree; this one does touch the index."""
    repository.git("add", "-A")
    return repository.git("write-tree")


# Finding the repository


def test_a_folder_outside_of_any_repository_has_none(tmp_path: Path) -> None:
    assert Git.of(tmp_path) is None


def test_without_git_on_the_path_there_is_no_repository(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Git.of(repository.root) is None


def test_the_folder_of_the_repository_itself_and_a_bare_one_have_no_working_tree(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "one")
    bare = Repository(tmp_path / "bare", "--bare")
    assert Git.of(repository.root / ".git") is None
    assert Git.of(bare.root) is None


def test_a_repository_of_somebody_else_is_named_as_such(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(EnvironmentProblem, match="another user owns it") as caught:
        Git.of(repository.root)
    assert "safe.directory" in caught.value.remedy


@pytest.mark.parametrize("name", ["with space", "größe-日本", "quo'te\"s", "-dash", " front"])
def test_the_path_may_hold_any_letters(tmp_path: Path, name: str) -> None:
    repository = Repository(tmp_path / name)
    commit = repository.commit({f"sub {name}/a.txt": "a"})
    git = git_of(repository.root / f"sub {name}")
    assert git.commit("HEAD") == commit
    assert git.worktree_tree() == git.tree(commit)


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"GIT_DIR": "elsewhere/.git", "GIT_INDEX_FILE": "elsewhere/.git/index"}, id="commit hook"),
        pytest.param({"GIT_DIR": ".", "GIT_WORK_TREE": "elsewhere"}, id="push hook"),
        pytest.param({"GIT_PREFIX": "elsewhere/", "GIT_OBJECT_DIRECTORY": "elsewhere"}, id="alias"),
        pytest.param({"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"}, id="translated"),
    ],
)
def test_what_a_git_hook_leaves_in_the_environment_leads_nowhere_else(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    commit = repository.commit({"a.py": "1"})
    repository.write({"b.py": "2"})
    before = repository.bytes()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    git = git_of(repository.root)
    subject = subject_of_worktree(repository.root, git)
    assert subject.commit == commit
    assert subject.dirty
    assert repository.bytes() == before


def test_git_is_asked_without_locks_prompts_and_translations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "x")
    monkeypatch.setenv("KEPT", "y")
    found = git_environment(GIT_INDEX_FILE="mine")
    assert "GIT_DIR" not in found
    assert (found["KEPT"], found["GIT_INDEX_FILE"]) == ("y", "mine")
    assert (found["LC_ALL"], found["GIT_OPTIONAL_LOCKS"], found["GIT_TERMINAL_PROMPT"]) == ("C", "0", "0")


# Commits


def test_a_name_stands_for_its_commit_or_for_nothing(repository: Repository) -> None:
    first = repository.commit({"a": "1"})
    repository.git("tag", "-a", "-m", "x", "v1")
    second = repository.commit({"a": "2"})
    git = git_of(repository.root)
    assert [git.commit(name) for name in ("v1", "HEAD", "main", second[:10], "HEAD~")] == [
        first,
        second,
        second,
        second,
        first,
    ]
    assert [git.commit(name) for name in ("", "nope", "--all", "HEAD:a", "-h")] == [""] * 5


def test_an_unknown_commit_is_refused_with_the_names_that_exist(repository: Repository) -> None:
    git = git_of(repository.root)
    with pytest.raises(UsageError, match="no commit is named 'x'") as caught:
        git.need_commit("x")
    assert caught.value.remedy == "known: no branch yet"
    repository.commit({"a": "1"})
    repository.branch("other")
    with pytest.raises(UsageError) as caught:
        git.need_commit("othre")
    assert caught.value.remedy == "known: main, other"


def test_a_git_command_that_fails_is_shown_with_its_words(repository: Repository) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        git_of(repository.root).need("rev-parse", "--verify", "nope")
    assert caught.value.place == "git rev-parse --verify nope"
    assert "fatal" in caught.value.got


# The tree of the working tree


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_tree_holds_files_of_any_name(repository: Repository, name: str) -> None:
    repository.commit({"a": "1"})
    repository.write({name: "new"})
    tree = git_of(repository.root).worktree_tree()
    assert tree == committed_tree(repository)


def test_the_tree_is_what_committing_everything_would_give_and_nothing_is_touched(repository: Repository) -> None:
    repository.commit(
        {"kept": "1", "changed": "1", "removed": "1", "staged": "1", "odd/exec": "x", ".gitignore": "ign*"}
    )
    repository.write({"changed": "2", "new/file": "3", "ignored": "4", "staged": "2"})
    repository.git("add", "staged")
    repository.write({"staged": "3"})
    (repository.root / "removed").unlink()
    (repository.root / "odd/exec").chmod(0o755)
    (repository.root / "link").symlink_to("kept")
    (repository.root / "broken").symlink_to("nowhere")
    (repository.root / "to-folder").symlink_to("new")
    before = repository.bytes()
    status = repository.git("--no-optional-locks", "status", "--porcelain")
    tree = git_of(repository.root / "new").worktree_tree()
    assert repository.bytes() == before
    assert repository.git("status", "--porcelain") == status
    assert tree == committed_tree(repository)
    assert "ignored" not in repository.git("ls-tree", "-r", "--name-only", tree)


@pytest.mark.slow
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "d/c", "d/e", ".gitignore", "f g"]), st.sampled_from(["", "x\n", "a\nd/\n", "\0\1"])
    )
)
def test_the_tree_is_gits_own_for_any_files(tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]) -> None:
    repository = Repository(tmp_path_factory.mktemp("any") / "project")
    repository.commit({"a": "before", "d/c": "before"})
    repository.write(files)
    before = repository.bytes()
    tree = git_of(repository.root).worktree_tree()
    assert repository.bytes() == before
    assert tree == committed_tree(repository)


def test_a_change_of_the_same_size_right_after_a_commit_is_seen(repository: Repository) -> None:
    repository.git("config", "core.trustctime", "false")
    file, index, long_ago = repository.root / "a", repository.root / ".git/index", (1_000_000_000, 1_000_000_000)
    repository.write({"a": "1"})
    os.utime(file, long_ago)
    commit = repository.commit()
    repository.write({"a": "2"})
    os.utime(file, long_ago)
    os.utime(index, long_ago)
    git = git_of(repository.root)
    assert git.worktree_tree() != git.tree(commit)


def test_a_merge_in_conflict_has_a_tree_and_stays_in_conflict(repository: Repository) -> None:
    repository.commit({"a": "1\n"})
    repository.branch("other")
    repository.commit({"a": "2\n"})
    repository.go("main")
    repository.commit({"a": "3\n"})
    git = git_of(repository.root)
    git.run(*("-c", "user.name=x", "-c", "user.email=x", "merge", "other"))
    assert repository.git("status", "--porcelain") == "UU a"
    tree = git.worktree_tree()
    assert repository.git("status", "--porcelain") == "UU a"
    assert "<<<<<<<" in repository.git("show", f"{tree}:a")


def test_line_ends_that_git_would_convert_are_no_error(repository: Repository) -> None:
    repository.git("config", "core.autocrlf", "true")
    repository.git("config", "core.safecrlf", "true")
    repository.commit({"a": "1"})
    (repository.root / "mixed").write_bytes(b"a\nb\r\n")
    before = repository.bytes()
    assert git_of(repository.root).worktree_tree()
    assert repository.bytes() == before


def test_a_worktree_of_the_user_has_its_own_index(repository: Repository, tmp_path: Path) -> None:
    commit = repository.commit({"a": "1"})
    repository.git("worktree", "add", "--quiet", str(tmp_path / "second"))
    (tmp_path / "second" / "b").write_text("2")
    git, main = git_of(tmp_path / "second"), git_of(repository.root)
    assert git.worktree_tree() != git.tree(commit)
    assert main.worktree_tree() == main.tree(commit)


# Subjects


def test_a_repository_without_a_commit_is_a_subject(repository: Repository) -> None:
    git = git_of(repository.root)
    empty = subject_of_worktree(repository.root, git)
    assert (empty.kind, empty.commit, empty.branch, empty.dirty, empty.base) == ("worktree", "", "main", False, "")
    repository.write({"a": "1"})
    subject = subject_of_worktree(repository.root, git)
    assert subject.dirty
    assert subject.change_digest.startswith("sha256:")
    assert subject.identity == f"git-tree:{committed_tree(repository)}"
    assert changes_of(git, subject) is None


def test_a_repository_of_another_hash_function_is_a_subject(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "sha256", "--object-format=sha256")
    git = git_of(repository.root)
    assert not subject_of_worktree(repository.root, git).dirty
    repository.write({"a": "1"})
    assert subject_of_worktree(repository.root, git).dirty


def test_a_clean_working_tree_is_its_commit(repository: Repository) -> None:
    commit = repository.commit({"a": "1"})
    git = git_of(repository.root)
    subject = subject_of_worktree(repository.root, git)
    assert (subject.dirty, subject.change_digest, subject.commit) == (False, "", commit)
    assert subject.identity == subject_of_commit(git, commit, "HEAD").identity == f"git-tree:{git.tree(commit)}"


def test_a_touched_file_of_the_same_content_is_no_change(repository: Repository) -> None:
    repository.commit({"a": "1"})
    os.utime(repository.root / "a", (1, 1))
    assert not subject_of_worktree(repository.root, git_of(repository.root)).dirty


def test_the_digest_of_a_change_tells_changes_apart(repository: Repository) -> None:
    repository.commit({"a": "1"})
    git = git_of(repository.root)
    found = set()
    for text in ("2", "3", "\0binary", "\0other"):
        repository.write({"a": text})
        found.add(subject_of_worktree(repository.root, git).change_digest)
    assert len(found) == 4


def test_a_detached_head_has_no_branch(repository: Repository) -> None:
    first = repository.commit({"a": "1"})
    repository.commit({"a": "2"})
    repository.git("checkout", "--quiet", "--detach", first)
    subject = subject_of_worktree(repository.root, git_of(repository.root))
    assert (subject.branch, subject.commit, subject.base) == ("", first, "main")


def test_a_shallow_clone_claims_no_merge_base(repository: Repository, tmp_path: Path) -> None:
    for number in range(3):
        repository.commit({"a": str(number)})
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.root}", str(tmp_path / "clone"))
    git = git_of(tmp_path / "clone")
    subject = subject_of_worktree(git.folder, git)
    assert (subject.shallow, subject.merge_base, subject.base) == (True, "", "origin/main")
    assert changes_of(git, subject) is None
    with pytest.raises(UsageError) as caught:
        git.need_commit("HEAD~2")
    assert caught.value.remedy == "git fetch --unshallow"


@pytest.mark.parametrize(
    ("branches", "asked", "found"),
    [
        pytest.param(["main", "master"], "", "main", id="main first"),
        pytest.param(["master"], "", "master", id="master"),
        pytest.param(["trunk"], "", "", id="none that is usual"),
        pytest.param(["trunk", "main"], "trunk", "trunk", id="as asked"),
        pytest.param(["main"], "develop", "", id="a base that is not there is not replaced by another"),
        pytest.param(["main", "origin/develop"], "develop", "origin/develop", id="the remote's"),
        pytest.param(["main", "origin/main"], "main", "main", id="the local one first"),
    ],
)
def test_the_base_is_the_named_one_or_the_usual_one(
    repository: Repository, branches: list[str], asked: str, found: str
) -> None:
    repository.commit({"a": "1"})
    repository.git("branch", "-m", "main", "work")
    for name in branches:
        kind = f"refs/remotes/{name}" if name.startswith("origin/") else f"refs/heads/{name}"
        repository.git("update-ref", kind, "HEAD")
    subject = subject_of_worktree(repository.root, git_of(repository.root), asked)
    assert subject.base == found
    assert bool(subject.base_commit) == bool(subject.merge_base) == bool(found)


def test_the_head_of_the_remote_is_the_usual_base(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": "1"})
    repository.git("branch", "-m", "main", "trunk")
    repository.git("clone", "--quiet", str(repository.root), str(tmp_path / "clone"))
    assert find_base(git_of(tmp_path / "clone"), "")[0] == "origin/trunk"


def test_histories_without_a_common_start_have_no_merge_base(repository: Repository) -> None:
    repository.commit({"a": "1"})
    repository.git("checkout", "--quiet", "--orphan", "other")
    repository.commit({"a": "2"})
    subject = subject_of_worktree(repository.root, git_of(repository.root))
    assert (subject.base, subject.merge_base) == ("main", "")


@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
@pytest.mark.parametrize("folder", ["", "sub"])
def test_flags_of_the_index_hide_no_edit(repository: Repository, flag: str, folder: str) -> None:
    repository.commit({"a.py": "1", "sub/b.py": "1"})
    repository.git("update-index", f"--{flag}", "a.py", "sub/b.py")
    before = repository.bytes()
    git = git_of(repository.root / folder)
    assert not subject_of_worktree(repository.root, git).dirty
    repository.write({"a.py": "2"})
    (repository.root / "sub/b.py").unlink()
    assert subject_of_worktree(repository.root, git).dirty
    assert git.need("ls-tree", "-r", "--name-only", "--full-tree", git.worktree_tree()) == "a.py"
    assert repository.bytes()[".git/index"] == before[".git/index"], "the user's index keeps its flags"


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes", ".mailmap"])
def test_what_git_would_wait_for_is_refused(repository: Repository, name: str) -> None:
    os.mkfifo(repository.root / name)
    with pytest.raises(EnvironmentProblem, match="git would wait forever"):
        Git.of(repository.root)
