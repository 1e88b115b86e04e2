from __future__ import annotations

import os

import pytest

from gates.results import FileChange
from gates.vcs.git import (
    changed_files,
    changes_of,
    kind_of_file,
    subject_of_worktree,
)
from tests.repository import ODD_NAMES, Repository, git_of


def test_a_subject_changes_what_it_adds_to_the_merge_base(repository: Repository) -> None:
    repository.commit({"a.py": "1\n", "b.py": "1\n"})
    repository.branch("feature")
    repository.commit({"a.py": "1\n2\n"}, message="Add a line | to a")
    repository.write({"tests/test_a.py": "3\n"})
    repository.go("main")
    repository.commit({"b.py": "other\n"}, message="not of the branch")
    repository.go("feature")
    git = git_of(repository.root)
    changes = changes_of(git, subject_of_worktree(repository.root, git))
    assert changes is not None
    assert [title for _, title in changes.commits] == ["Add a line | to a"]
    assert repository.git("rev-parse", "HEAD").startswith(changes.commits[0][0])


def test_uncommitted_files_are_among_the_changes(repository: Repository) -> None:
    repository.commit({"a.py": "1\n"})
    repository.write({"a.py": "2\n", "tests/test_a.py": "3\n"})
    git = git_of(repository.root)
    changes = changes_of(git, subject_of_worktree(repository.root, git))
    assert changes is not None
    assert changes.commits == ()
    assert changes.files == (
        FileChange(path="a.py", kind="production", status="M", added=1, removed=1),
        FileChange(path="tests/test_a.py", kind="test", status="A", added=1, removed=0),
    )


@pytest.mark.parametrize("title", ["form\x0cfeed", "unit\x1fseparator", "line\u2028separator", "\x85next", "日本"])
def test_a_title_with_any_letters_is_one_commit(repository: Repository, title: str) -> None:
    repository.commit({"a": "1"})
    repository.branch("feature")
    repository.commit({"a": "2"}, message=title)
    git = git_of(repository.root)
    changes = changes_of(git, subject_of_worktree(repository.root, git))
    assert changes is not None
    assert [found for _, found in changes.commits] == [title]


def test_a_title_that_is_no_utf8_is_spelled_out(repository: Repository) -> None:
    repository.commit({"a": "1"})
    repository.branch("feature")
    commit = f"tree {repository.git('write-tree')}\nparent {repository.git('rev-parse', 'HEAD')}\n"
    commit += "author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n"
    raw = repository.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=commit.encode() + b"caf\xe9\n")
    repository.git("reset", "--quiet", "--hard", raw)
    git = git_of(repository.root)
    changes = changes_of(git, subject_of_worktree(repository.root, git))
    assert changes is not None
    assert [found for _, found in changes.commits] == [r"caf\xe9"]


def test_every_kind_of_change_is_found(repository: Repository) -> None:
    before = repository.commit({"old name": "a\nb\n", "gone": "1\n", "mode": "1\n", "bin": "\0", "was-file": "1\n"})
    (repository.root / "old name").rename(repository.root / "new name")
    (repository.root / "gone").unlink()
    (repository.root / "mode").chmod(0o755)
    (repository.root / "bin").write_bytes(b"\0\1")
    (repository.root / "was-file").unlink()
    (repository.root / "was-file").symlink_to("mode")
    after = repository.commit({"empty": ""})
    found = {
        item.path: (item.status, item.added, item.removed)
        for item in changed_files(git_of(repository.root), before, after)
    }
    assert found == {
        "old name": ("D", 0, 2),
        "new name": ("A", 2, 0),
        "gone": ("D", 0, 1),
        "mode": ("M", 0, 0),
        "bin": ("M", None, None),
        "was-file": ("T", 1, 1),
        "empty": ("A", 0, 0),
    }


def test_changed_files_may_have_any_name(repository: Repository) -> None:
    before = repository.commit({"a": "1"})
    after = repository.commit(dict.fromkeys(ODD_NAMES, "x\n"))
    found = changed_files(git_of(repository.root), before, after)
    assert sorted(item.path for item in found) == sorted(ODD_NAMES)
    assert {(item.status, item.added, item.removed) for item in found} == {("A", 1, 0)}


def test_a_name_that_is_no_utf8_is_spelled_out(repository: Repository) -> None:
    before = repository.commit({"a": "1"})
    (repository.root / os.fsdecode(b"caf\xe9.py")).write_text("x\n")
    after = repository.commit()
    (found,) = changed_files(git_of(repository.root), before, after)
    assert (found.path, found.status) == (r"caf\xe9.py", "A")


def test_the_same_tree_has_no_changes(repository: Repository) -> None:
    commit = repository.commit({"a": "1"})
    assert changed_files(git_of(repository.root), commit, commit) == ()


def test_changes_are_told_from_a_subfolder_as_from_the_top(repository: Repository) -> None:
    before = repository.commit({"sub/a": "1", "b": "1"})
    after = repository.commit({"sub/a": "2", "b": "2"})
    top, sub = git_of(repository.root), git_of(repository.root / "sub")
    assert changed_files(top, before, after) == changed_files(sub, before, after)
    assert [item.path for item in changed_files(sub, before, after)] == ["b", "sub/a"]


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        (
            "production",
            ["a.py", "src/pkg/__init__.py", "lib/x.rs", "contest.py", "attest/latest.py", "a/tester.py", "data.bin"],
        ),
        (
            "test",
            ["tests/a.py", "tests/data.json", "pkg/test/x.rs", "a/test_b.py", "b_test.go", "x.test.ts", "x.spec.js"],
        ),
        ("test", ["conftest.py", "web/__tests__/a.js", "docs/test/readme.md"]),
        ("docs", ["README.md", "docs/conf.py", "docs/a.toml", "LICENSE", "notes.txt", "changelog.d/1.feature"]),
        (
            "config",
            ["pyproject.toml", "noxfile.py", ".gitignore", ".github/workflows/ci.yml", "Makefile", "Cargo.lock"],
        ),
        (
            "config",
            [
                "requirements.txt",
                "requirements-dev.txt",
                "dev-requirements.in",
                "requirements/test.txt",
                "CMakeLists.txt",
            ],
        ),
    ],
)
def test_a_file_is_sorted_by_its_folders_then_by_its_name(kind: str, paths: list[str]) -> None:
    assert {path: kind_of_file(path) for path in paths} == dict.fromkeys(paths, kind)
