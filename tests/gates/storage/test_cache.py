from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from gates.portable.errors import UsageError
from gates.portable.values import GateOutcome, TestOutcome
from gates.results import count_tests
from gates.results.outstanding import Asked, left_by
from gates.storage.cache import GateHistory, Store, cache_folder
from gates.vcs.git import Git
from tests.gates.readers.junit.sample import a_gate, a_run, a_subject, a_test

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repository import Repository


def test_the_cache_lies_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GATES_CACHE_DIR", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATES_CACHE_DIR", "relative")
    assert cache_folder() == tmp_path / "relative"


@pytest.mark.parametrize("value", [None, ""])
def test_the_cache_lies_in_the_users_cache_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str | None
) -> None:
    monkeypatch.delenv("GATES_CACHE_DIR")
    if value is not None:
        monkeypatch.setenv("GATES_CACHE_DIR", value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder().name == "gates"


def test_projects_of_the_same_name_have_stores_of_their_own(tmp_path: Path) -> None:
    folders = [tmp_path / one / "project" for one in ("a", "b")]
    for folder in folders:
        folder.mkdir(parents=True)
    one, other = (Store.of(folder, None) for folder in folders)
    assert one.folder != other.folder
    assert one.folder.name.startswith("project-")
    assert Store.of(folders[0] / ".." / "project", None).folder == one.folder


def test_all_worktrees_share_the_history_of_their_repository_and_subfolders_have_their_own(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"sub/a": "1", "other/a": "1"})
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "second" / "of another name"))

    def key(folder: Path) -> str:
        return Store.of(folder, Git.of(folder)).folder.name

    assert key(repository.root) == key(tmp_path / "second" / "of another name")
    assert key(repository.root / "sub") == key(tmp_path / "second" / "of another name" / "sub")
    assert len({key(repository.root), key(repository.root / "sub"), key(repository.root / "other")}) == 3


def test_a_store_remembers_what_gates_and_their_tests_took(tmp_path: Path) -> None:
    store = Store(tmp_path / "new")
    tests = (a_test("one", duration=0.5), a_test("two", duration=0.25), a_test("three", gate="lint", duration=9.0))
    store.remember(a_run(gates=(a_gate("test", duration=2.0004), a_gate("lint", duration=1.0))), tests)
    assert store.history() == {
        "test": GateHistory(seconds=2.0, tests=2, test_seconds=0.75, longest=0.5),
        "lint": GateHistory(seconds=1.0, tests=1, test_seconds=9.0, longest=9.0),
    }


@pytest.mark.parametrize("outcome", GateOutcome, ids=str)
def test_only_a_gate_that_ran_to_its_end_says_how_long_it_takes(tmp_path: Path, outcome: GateOutcome) -> None:
    store = Store(tmp_path)
    store.remember(a_run(gates=(a_gate("test", duration=5.0),)), ())
    store.remember(a_run(gates=(a_gate("test", outcome, duration=1.0), a_gate("new", outcome, duration=1.0))), ())
    ended = outcome in {GateOutcome.PASSED, GateOutcome.FAILED}
    assert store.history()["test"].seconds == (1.0 if ended else 5.0)
    assert ("new" in store.history()) is ended


def test_other_gates_stay_known(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.remember(a_run(gates=(a_gate("test"),)), ())
    store.remember(a_run(gates=(a_gate("lint"),)), ())
    assert set(store.history()) == {"test", "lint"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"test": 5}',
        b'{"test": {"seconds": "x"}}',
        b"\xff",
        b'{"\xff": {"seconds": 1}}',
        b"[" * 100_000,
    ],
    ids=["empty", "cut", "list", "number", "text", "bytes", "bytes in a name", "deep"],
)
def test_a_broken_history_is_no_history(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "history.json").write_bytes(content)
    store = Store(tmp_path)
    assert store.history() == {}
    store.remember(a_run(), ())
    assert set(store.history()) == {"test"}


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Store(tmp_path / "file").remember(a_run(), ())
    assert Store(tmp_path / "file").history() == {}


def test_what_is_outstanding_is_that_of_one_worktree(tmp_path: Path) -> None:
    store, other = (Store(tmp_path / "store", tmp_path / name) for name in ("one", "two"))
    assert store.outstanding() is None
    left = left_by(a_run(), (), Asked(filter="test(\udcff)"))
    store.remember_outstanding(left)
    assert (store.outstanding(), other.outstanding()) == (left, None)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"run": 1}', b"\xff", b"[" * 100_000])
def test_a_broken_list_of_what_is_outstanding_is_none(tmp_path: Path, content: bytes) -> None:
    store = Store(tmp_path)
    store.remember_outstanding(left_by(a_run(), (), Asked()))
    (file,) = (tmp_path / "outstanding").iterdir()
    file.write_bytes(content)
    assert store.outstanding() is None


def test_a_part_of_the_tests_does_not_say_what_their_gate_takes(tmp_path: Path) -> None:
    tests = (a_test("one", duration=0.5),)
    store = Store(tmp_path)
    run = a_run(gates=(a_gate(tests=count_tests(tests)), a_gate("lint")))
    store.remember(run, tests, part=True)
    assert set(store.history()) == {"lint"}
    store.remember(run, tests)
    assert set(store.history()) == {"test", "lint"}


@pytest.mark.parametrize("kept", ["history.json", "tests.json", "outstanding/*.json", "outcomes/*.json", "made/*.json"])
def test_what_somebody_changed_in_the_store_is_not_believed(tmp_path: Path, kept: str) -> None:
    """Code under test can write there: a failed test that is called passed must not be left out of a rerun."""
    store = Store(tmp_path, tmp_path)
    gates, subject = (a_gate("test", GateOutcome.FAILED),), a_subject(kind="worktree")
    run = a_run((a_test("a", TestOutcome.FAILED),), gates=gates, subject=subject)
    store.remember(run, (a_test("a", TestOutcome.FAILED),))
    store.remember_outstanding(left_by(run, (), Asked()))
    store.remember_made(("out.txt",))
    (file,) = tmp_path.glob(kept)
    file.write_bytes(
        file.read_bytes().replace(b"failed", b"passed").replace(b"out.txt", b"app.py_").replace(b"1", b"2")
    )
    known = {
        "history.json": store.history(),
        "tests.json": store.tests(),
        "outstanding/*.json": store.outstanding(),
        "outcomes/*.json": store.recorded(run.subject.identity),
        "made/*.json": store.made(),
    }
    assert not known.pop(kept)
    assert all(known.values())


def test_a_cache_in_a_project_is_no_change_of_it_and_no_branch_brings_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (["init", "--quiet"], ["config", "user.name", "a"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.setenv("GATES_CACHE_DIR", str(tmp_path / ".cache"))
    git = Git.of(tmp_path)
    store = Store.of(tmp_path, git)
    store.make()
    store.remember_made(["a"])
    said = subprocess.run(["git", "status", "--short"], cwd=tmp_path, check=True, capture_output=True).stdout
    assert said == b""
    subprocess.run(["git", "add", "--force", str(store.folder / "made")], cwd=tmp_path, check=True)
    with pytest.raises(UsageError, match="git tracks files in the cache") as caught:
        Store.of(tmp_path, git)
    assert caught.value.remedy.startswith("git rm -r --cached -- .cache/")
