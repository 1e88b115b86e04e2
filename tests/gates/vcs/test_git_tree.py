from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from gates.vcs.git import Git, subject_of_worktree
from gates.vcs.git_tree import GitTree
from gates.vcs.new_files import NewFileRule
from gates.vcs.watch import TreeChanges
from tests.repository import Repository, git_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def rule(tracked: frozenset[str], folders: frozenset[str]) -> NewFileRule:
    return NewFileRule(tracked=tracked, folders=folders)


@pytest.fixture
def subject(repository: Repository) -> Repository:
    repository.commit(
        {"a.py": "1\n", "sub/b.py": "2\n", "c d.txt": "3\n", ".gitignore": "ignored/\n*.log\n", "run.sh": ""}
    )
    repository.write({"untracked.py": "4\n"})
    return repository


def watched(repository: Repository) -> GitTree:
    since = time.time_ns()
    return GitTree(Git(repository.root), git_of(repository.root).worktree_tree(), rule, since)


def swap_same_size(root: Path) -> None:
    """Another content of the same length, with the time of the old one."""
    before = (root / "a.py").stat()
    (root / "a.py").write_text("9\n")
    os.utime(root / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))


def in_git(*arguments: str) -> Callable[[Repository], object]:
    return lambda repository: repository.git(*arguments)


def hide(flag: str) -> Callable[[Repository], object]:
    def act(repository: Repository) -> None:
        repository.git("update-index", f"--{flag}", "a.py")
        (repository.root / "a.py").write_text("hidden\n")

    return act


def all_of(*acts: Callable[[Repository], object]) -> Callable[[Repository], object]:
    return lambda repository: [act(repository) for act in acts]


def write(name: str, text: str = "x\n") -> Callable[[Repository], object]:
    return lambda repository: repository.write({name: text})


CHANGES = {
    "an edit": (write("a.py"), ["a.py"]),
    "an edit of the same size and time": (lambda repository: swap_same_size(repository.root), ["a.py"]),
    "a file below": (write("sub/b.py"), ["sub/b.py"]),
    "a name with blanks": (write("c d.txt"), ["c d.txt"]),
    "a file that is not added yet": (write("untracked.py"), ["untracked.py"]),
    "a removal": (lambda repository: (repository.root / "a.py").unlink(), ["a.py (removed)"]),
    "a removed folder": (lambda repository: shutil.rmtree(repository.root / "sub"), ["sub/b.py (removed)"]),
    "the right to execute": (lambda repository: (repository.root / "run.sh").chmod(0o755), ["run.sh"]),
    "a link instead": (
        lambda repository: ((repository.root / "a.py").unlink(), (repository.root / "a.py").symlink_to("sub/b.py")),
        ["a.py"],
    ),
    "a conftest": (write("conftest.py"), ["conftest.py (new)"]),
    "a conftest that is added at once": (
        all_of(write("conftest.py"), in_git("add", "conftest.py")),
        ["conftest.py (new)"],
    ),
    "a module that is added without its contents": (
        all_of(write("sub/helper.py"), in_git("add", "-N", "sub/helper.py")),
        ["sub/helper.py (new)"],
    ),
    "a module that git ignores and was made to add": (
        all_of(write("ignored.py"), in_git("add", "-f", "ignored.py")),
        ["ignored.py (new)"],
    ),
    "assume-unchanged": (hide("assume-unchanged"), ["a.py"]),
    "skip-worktree": (hide("skip-worktree"), ["a.py"]),
    "what git ignores": (write(".gitignore", "*\n"), [".gitignore"]),
    "an ignoring file that ignores itself": (
        all_of(write("sub/.gitignore", "*\n"), write("sub/conftest.py")),
        ["sub/.gitignore (what git ignores)"],
    ),
    "the list of ignored files in git's own folder": (
        all_of(write(".git/info/exclude", "conftest.py\n"), write("conftest.py")),
        [".git/info/exclude of the repository"],
    ),
    "another list of ignored files": (
        all_of(write("ignored/list", "conftest.py\n"), in_git("config", "core.excludesFile", "ignored/list"), write("conftest.py")),
        ["git's setting core.excludesfile of the repository"],
    ),
    "ends of lines": (
        all_of(in_git("config", "core.autocrlf", "true"), write("a.py", "1\r\n")),
        ["git's setting core.autocrlf of the repository"],
    ),
    "a filter": (
        all_of(in_git("config", "filter.x.clean", "echo 1"), write(".git/info/attributes", "a.py filter=x"), write("a.py")),
        [".git/info/attributes of the repository", "git's setting filter.x.clean of the repository"],
    ),
    "another branch": (in_git("checkout", "--quiet", "-b", "other"), ["the branch of the repository"]),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_is_validated_is_named(subject: Repository, change: str) -> None:
    act, faults = CHANGES[change]
    watch = watched(subject)
    assert watch.look() == TreeChanges()
    act(subject)
    assert sorted(watch.look().faults) == sorted(faults)
    assert watch.look() == TreeChanges(), "it is said once"


def test_a_folder_behind_a_link_is_a_change_though_its_files_are_the_same(subject: Repository) -> None:
    watch = watched(subject)
    (subject.root / "sub").rename(subject.root / "ignored")
    (subject.root / "sub").symlink_to("ignored")
    assert set(watch.look().faults) == {"sub (new)", "sub/b.py (removed)"}
    assert watch.look() == TreeChanges()


def test_one_file_that_git_refuses_does_not_hide_what_the_others_are(subject: Repository) -> None:
    (subject.root / ".git/info").mkdir(exist_ok=True)
    (subject.root / ".git/info/attributes").write_text("sub/b.py filter=broken\n")
    watch = watched(subject)
    subject.git("config", "filter.broken.clean", "false")
    subject.git("config", "filter.broken.required", "true")
    for name in ("a.py", "sub/b.py"):
        os.utime(subject.root / name)
    (subject.root / "run.sh").write_text("changed\n")
    said = watch.look().faults
    assert {"sub/b.py", "run.sh"} <= set(said)
    assert "a.py" not in said


@pytest.mark.parametrize("words", [("add", "untracked.py"), ("rm", "--quiet", "--cached", "a.py")])
def test_what_is_added_to_the_index_is_said_and_changes_no_file(subject: Repository, words: tuple[str, ...]) -> None:
    watch = watched(subject)
    subject.git(*words)
    assert watch.look() == TreeChanges(staged=("the index of the repository",))
    assert watch.look() == TreeChanges()


def test_a_commit_moves_head(subject: Repository) -> None:
    watch = watched(subject)
    subject.git("commit", "--quiet", "--allow-empty", "-m", "by a gate")
    (fault,) = watch.look().faults
    assert fault.startswith("HEAD of the repository (")


HARMLESS = {
    "nothing": lambda _: None,
    "an ignored file": write("ignored/deep/x.py"),
    "a log": write("sub/x.log"),
    "a cache": write("sub/__pycache__/b.pyc"),
    "rights that git does not keep": lambda repository: (repository.root / "a.py").chmod(0o600),
    "a question of the status": in_git("status"),
    "a setting that decides nothing": in_git("config", "user.name", "x"),
    "a cache that ignores itself": write(".ruff_cache/.gitignore", "*\n"),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_what_is_no_change_is_none(subject: Repository, change: str) -> None:
    watch = watched(subject)
    HARMLESS[change](subject)
    assert watch.look() == TreeChanges()


def put_back(repository: Repository) -> None:
    root = repository.root
    before = (root / "a.py").stat()
    (root / "a.py").write_text("9\n")
    (root / "a.py").write_text("1\n")
    os.utime(root / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))


AS_IT_WAS: dict[str, Callable[[Repository], object]] = {
    "a touch": lambda repository: os.utime(repository.root / "a.py"),
    "the same written anew": write("a.py", "1\n"),
    "away and back": all_of(write("a.py", "9\n"), write("a.py", "1\n")),
    "put back by git": all_of(write("a.py", "9\n"), in_git("checkout", "-q", "a.py")),
    "put back with its time": put_back,
}


@pytest.mark.parametrize("change", AS_IT_WAS)
def test_a_file_that_was_written_and_is_as_it_was_is_said_once(subject: Repository, change: str) -> None:
    watch = watched(subject)
    AS_IT_WAS[change](subject)
    seen = watch.look()
    assert (seen.faults, seen.written) == ((), ("a.py",))
    assert watch.look() == TreeChanges()


def test_a_new_file_that_nothing_reads_unasked_is_left_and_said_once(subject: Repository) -> None:
    watch = watched(subject)
    subject.write({"out.txt": "1", "sub/data.bin": "2"})
    assert watch.look() == TreeChanges(left=("out.txt", "sub/data.bin"))
    subject.write({"out.txt": "2"})
    assert watch.look() == TreeChanges()


@pytest.mark.parametrize("setting", ["core.trustctime=false", "core.checkStat=minimal", "core.fileMode=true"])
def test_weaker_stamps_in_the_config_hide_nothing(subject: Repository, setting: str) -> None:
    subject.git("config", *setting.split("="))
    watch = watched(subject)
    swap_same_size(subject.root)
    assert watch.look().faults == ("a.py",)


def test_a_change_before_the_first_look_is_seen_though_the_stamps_are_newer(subject: Repository) -> None:
    since, tree = time.time_ns(), git_of(subject.root).worktree_tree()
    subject.write({"a.py": "9\n"})
    assert GitTree(Git(subject.root), tree, rule, since).look().faults == ("a.py",)


def test_what_came_and_went_before_the_first_look_is_seen(subject: Repository) -> None:
    since, tree = time.time_ns(), git_of(subject.root).worktree_tree()
    (subject.root / "a.py").unlink()
    subject.write({"conftest.py": ""})
    watch = GitTree(Git(subject.root), tree, rule, since)
    assert watch.look().faults == ("a.py (removed)", "conftest.py (new)")
    assert watch.look() == TreeChanges()


def test_files_outside_of_a_sparse_checkout_are_not_there_on_purpose(subject: Repository) -> None:
    subject.git("add", "-A")
    subject.git("commit", "--quiet", "-m", "all")
    subject.git("sparse-checkout", "set", "--no-cone", "/*", "!/sub/")
    watch = watched(subject)
    assert watch.look() == TreeChanges()
    subject.write({"sub/b.py": "9\n"})
    assert watch.look().faults == ("sub/b.py",)


def test_before_the_first_commit_there_is_a_tree_to_look_at(tmp_path: Path) -> None:
    new = Repository(tmp_path / "new")
    new.write({"a.py": "1"})
    watch = watched(new)
    assert watch.look() == TreeChanges()
    new.git("-c", "user.name=x", "commit", "--quiet", "--allow-empty", "-m", "first")
    assert watch.look().faults


@pytest.mark.slow
def test_a_submodule_is_looked_at_like_the_rest(subject: Repository, tmp_path: Path) -> None:
    inner = Repository(tmp_path / "inner")
    inner.commit({"x.py": "1\n"})
    subject.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.root), "vendor/inner")
    subject.git("add", "-A")
    subject.git("commit", "--quiet", "-m", "with a submodule")
    watch = watched(subject)
    assert watch.look() == TreeChanges()
    assert not subject_of_worktree(subject.root, git_of(subject.root)).dirty
    subject.write({"vendor/inner/x.py": "2\n"})
    assert subject_of_worktree(subject.root, git_of(subject.root)).dirty, "no commit holds what was validated"
    assert watch.look().faults == ("vendor/inner/x.py",)
    module = Repository(subject.root / "vendor/inner")
    module.git("commit", "--quiet", "-a", "-m", "by a gate")
    said = watch.look().faults
    assert any(fault.startswith("HEAD of vendor/inner (") for fault in said), said


def test_a_project_in_a_subfolder_watches_the_whole_tree(subject: Repository) -> None:
    watch = GitTree(Git(subject.root), git_of(subject.root / "sub").worktree_tree(), rule, time.time_ns())
    subject.write({"a.py": "9\n"})
    assert watch.look().faults == ("a.py",)


def test_a_repository_that_is_gone_is_a_fault(subject: Repository) -> None:
    watch = watched(subject)
    (subject.root / ".git").rename(subject.root / "elsewhere")
    (fault,) = watch.look().faults
    assert fault.startswith("the repository (")
