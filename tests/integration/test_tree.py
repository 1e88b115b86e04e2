"""What is validated may not change while gates run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.project import checklist, python_gate

if TYPE_CHECKING:
    from tests.integration.project import Project

EDIT = "import pathlib; pathlib.Path('a.py').write_text('x = 2\\n')"
LEAVE = "import pathlib; pathlib.Path('out.txt').write_text(str(__import__('time').time_ns()))"


@pytest.mark.parametrize("subject", ["worktree", "HEAD"])
def test_a_gate_that_edits_a_tracked_file_fails_the_run_and_nothing_runs_after_it(
    project: Project, subject: str
) -> None:
    gates = (python_gate("fix", "-c", EDIT), python_gate("test", "-c", "") + 'needs = ["fix"]\n')
    project.write({"a.py": "x = 1\n", **checklist(*gates)})
    project.commit()
    done = project.gates("run", "--subject", subject, "-j", "1")
    assert done.code == 1
    assert project.gate("fix").reason == "the subject changed while fix ran: a.py"
    assert str(project.gate("test").outcome) == "skipped"
    assert project.run.changed == ("a.py",)
    assert (
        "- [ ] The subject is a clean commit (it changed while gates ran)"
        in (project.reports / "summary.md").read_text()
    )


@pytest.mark.slow
def test_files_that_a_gate_leaves_are_said_and_written_anew_without_a_fault(project: Project) -> None:
    project.write({"a.py": "x = 1\n", **checklist(python_gate("test", "-c", LEAVE))})
    project.commit()
    assert project.gates("run").code == 0
    assert project.run.left == ("out.txt",)
    assert (
        "- [ ] The subject is a clean commit (gates left 1 new file in it)"
        in (project.reports / "summary.md").read_text()
    )
    assert any("out.txt" in note for note in project.run.notes)
    assert project.gates("run").code == 0, "it is there now, and written anew"


@pytest.mark.slow
def test_the_log_of_the_run_itself_may_lie_in_the_project(project: Project) -> None:
    project.write({"a.py": "x = 1\n", **checklist(python_gate("one", "-c", ""), python_gate("two", "-c", ""))})
    project.commit()
    with (project.folder / "log.txt").open("w") as log:
        assert project.gates("run", stdout=log, stderr=log).code == 0
    assert (project.run.changed, project.run.left) == ((), ())


def test_a_folder_without_git_is_held_to_the_same(project: Project) -> None:
    project.write({"a.py": "x = 1\n", **checklist(python_gate("fix", "-c", EDIT))})
    assert project.gates("run").code == 1
    assert project.run.changed == ("a.py",)
