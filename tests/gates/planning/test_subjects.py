from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.planning.plan import Request
from gates.planning.subjects import prepare_subject
from gates.portable.errors import GatesError, UsageError
from gates.portable.values import ExitCode
from gates.vcs.git import Git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repository import Repository

OLD = '[gate.old]\ncommand = "true"\n'
NEW = '[gate.new]\ncommand = "true"\n'


def test_the_working_tree_is_run_where_it_is(repository: Repository) -> None:
    repository.commit({"gates.toml": OLD})
    repository.write({"gates.toml": NEW})
    with prepare_subject(repository.root, Request(), "worktree") as prepared:
        assert prepared.root == repository.root
        assert [gate.name for gate in prepared.gates] == ["new"]
        assert (prepared.subject.kind, prepared.subject.dirty) == ("worktree", True)
        assert prepared.reports == repository.root / "reports"


def test_a_commit_is_run_elsewhere_with_its_own_checklist_and_reported_here(repository: Repository) -> None:
    commit = repository.commit({"gates.toml": OLD, "a.py": "1"})
    repository.commit({"gates.toml": NEW + "[profile.x]\n"})
    before = repository.bytes()
    with prepare_subject(repository.root, Request(), "HEAD~") as prepared:
        assert repository.root not in (prepared.root, *prepared.root.parents)
        assert [gate.name for gate in prepared.gates] == ["old"]
        assert prepared.subject.kind == "commit"
        assert (prepared.subject.name, prepared.subject.commit, prepared.subject.dirty) == ("HEAD~", commit, False)
        assert prepared.reports == repository.root / "reports"
        assert (prepared.home, prepared.shown_reports) == (repository.root, "reports")
    assert repository.bytes() == before


def test_reports_go_where_they_are_wished(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"gates.toml": 'reports = "out"\n' + NEW})
    for subject in ("worktree", "HEAD"):
        with prepare_subject(repository.root, Request(), subject) as prepared:
            assert prepared.reports == repository.root / "out"
        with prepare_subject(repository.root, Request(), subject, reports=tmp_path / "r") as prepared:
            assert prepared.reports == tmp_path / "r"
            assert prepared.shown_reports == str(tmp_path / "r")


def test_a_would_be_merge_holds_both_sides(repository: Repository) -> None:
    repository.commit({"gates.toml": NEW})
    repository.branch("feature")
    repository.commit({"feature.py": "1"})
    repository.go("main")
    base = repository.commit({"main.py": "1"})
    repository.go("feature")
    with prepare_subject(repository.root, Request(), "merge:main") as prepared:
        assert {path.name for path in prepared.root.glob("*.py")} == {"feature.py", "main.py"}
        assert (prepared.subject.kind, prepared.subject.name) == ("merge", "merge:main")
        assert prepared.subject.merge_base == base
        assert prepared.changes is not None
        assert [file.path for file in prepared.changes.files] == ["feature.py"]


def test_a_merge_with_conflicts_fails_and_names_them(repository: Repository) -> None:
    repository.commit({"gates.toml": NEW, "a": "1\n"})
    repository.branch("feature")
    repository.commit({"a": "2\n"})
    repository.go("main")
    repository.commit({"a": "3\n"})
    with (
        pytest.raises(GatesError, match="conflicts in a") as caught,
        prepare_subject(repository.root, Request(), "merge:feature"),
    ):
        pass
    assert caught.value.exit_code is ExitCode.GATE_FAILED


@pytest.mark.parametrize("name", ["nope", "merge:nope", "merge:", "-x", ""])
def test_a_commit_that_is_not_there_is_refused(repository: Repository, name: str) -> None:
    repository.commit({"gates.toml": NEW})
    with pytest.raises(UsageError, match="no commit is named"), prepare_subject(repository.root, Request(), name):
        pass


def test_without_git_there_are_no_commits(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(NEW)
    with pytest.raises(UsageError, match="no git repository"), prepare_subject(tmp_path, Request(), "HEAD"):
        pass
    with prepare_subject(tmp_path, Request(), "worktree") as prepared:
        assert prepared.subject.kind == "folder"


def test_a_project_in_a_subfolder_is_run_in_its_subfolder(repository: Repository) -> None:
    repository.commit({"sub/gates.toml": NEW, "sub/a.py": "1", "gates.toml": OLD})
    with prepare_subject(repository.root / "sub", Request(), "HEAD") as prepared:
        assert prepared.root.name == "sub"
        assert [gate.name for gate in prepared.gates] == ["new"]


def test_a_base_without_a_checklist_is_run_with_the_heads_and_that_is_said(repository: Repository) -> None:
    repository.commit({"a.py": "1"})
    repository.commit({"gates.toml": NEW})
    with prepare_subject(repository.root, Request(), "HEAD~", checklist_of=repository.root) as prepared:
        assert [gate.name for gate in prepared.gates] == ["new"]
        assert any("run with the head's checklist" in note for note in prepared.plan.notes)
        assert prepared.config.root == prepared.root
    with pytest.raises(UsageError, match="no gate found"), prepare_subject(repository.root, Request(), "HEAD~"):
        pass


def test_a_base_with_a_checklist_keeps_it(repository: Repository) -> None:
    repository.commit({"gates.toml": OLD})
    repository.commit({"gates.toml": NEW})
    with prepare_subject(repository.root, Request(), "HEAD~", checklist_of=repository.root) as prepared:
        assert [gate.name for gate in prepared.gates] == ["old"]
        assert prepared.plan.notes == ()


@pytest.mark.slow
def test_a_copied_checklist_does_not_stay_in_the_folder(repository: Repository) -> None:
    repository.commit({"a.py": "1"})
    tagged = "import nox\n\n@nox.session(tags=['gate'], python=False)\ndef lint(session): pass\n"
    repository.commit({"noxfile.py": tagged})
    with prepare_subject(repository.root, Request(), "HEAD~", checklist_of=repository.root) as prepared:
        assert [gate.name for gate in prepared.gates] == ["lint"]
        folder = prepared.root
        assert (folder / "noxfile.py").exists()
    with pytest.raises(UsageError, match="no gate found"), prepare_subject(repository.root, Request(), "HEAD~"):
        pass
    assert not (folder / "noxfile.py").exists()
    assert Git(folder).answer("status", "--porcelain") == ""


@pytest.mark.slow
def test_a_checklist_is_not_copied_through_a_link_that_a_branch_has(repository: Repository, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.py"
    theirs.write_text("x = 1\n")
    (repository.root / "noxfile.py").symlink_to(theirs)
    evil = repository.commit({"a.py": "1"})
    (repository.root / "noxfile.py").unlink()
    repository.write(
        {"noxfile.py": "import nox\n\n@nox.session(tags=['gate'], python=False)\ndef lint(session): pass\n"}
    )
    with prepare_subject(repository.root, Request(), evil, checklist_of=repository.root) as prepared:
        assert [gate.name for gate in prepared.gates] == ["lint"]
    assert theirs.read_text() == "x = 1\n"
