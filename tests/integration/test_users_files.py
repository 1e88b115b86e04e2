"""The user's files and the evidence of a run survive whatever gates do, whatever a branch commits, and a full disk."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.project import Project, checklist, python_gate

if TYPE_CHECKING:
    from pathlib import Path

GATE = python_gate("one", "-c", "print('said')")
THEIRS = {
    "reports/README.md": "theirs",
    "reports/logs/server.log": "theirs",
    "reports/confirm/2024-01/data.csv": "theirs",
    "reports/stack/mine.md": "theirs",
}


def theirs(project: Project) -> dict[str, str]:
    return {name: (project.folder / name).read_text() for name in THEIRS}


@pytest.mark.slow
def test_files_of_the_user_in_the_folder_of_reports_stay(project: Project) -> None:
    project.write(checklist(GATE) | THEIRS)
    assert [project.gates("run").code for _ in range(2)] == [0, 0]
    assert theirs(project) == THEIRS


@pytest.mark.parametrize("name", ["summary.md", "tests.jsonl", "logs/one.log"])
def test_a_name_that_is_taken_is_an_error_before_anything_runs(project: Project, name: str) -> None:
    begun = python_gate("one", "-c", "open('begun', 'w')")
    project.write(checklist(begun) | {f"reports/{name}": "theirs"})
    done = project.gates("run")
    assert done.code == 2
    assert f"got: {name} (gates did not write it)" in done.err
    assert (project.reports / name).read_text() == "theirs"
    assert not (project.folder / "begun").exists()
    assert project.gates("run", "--reports", "elsewhere").code == 0


def test_the_project_is_no_folder_of_reports(project: Project) -> None:
    project.write(checklist(GATE) | {"logs/one.log": "theirs"})
    done = project.gates("run", "--reports", ".")
    assert (done.code, "contains the project itself" in done.err) == (2, True)
    assert (project.folder / "logs/one.log").read_text() == "theirs"


@pytest.mark.parametrize("name", ["reports", "reports/logs", "reports/run.json"])
def test_a_link_is_followed_nowhere(project: Project, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    (outside / "logs").mkdir(parents=True)
    for file in ("run.json", "one.log", "logs/one.log"):
        (outside / file).write_text("theirs")
    project.write(checklist(GATE))
    (project.folder / name).parent.mkdir(exist_ok=True)
    (project.folder / name).symlink_to(outside / "run.json" if name.endswith("json") else outside)
    before = sorted(path.name for path in outside.rglob("*"))
    assert project.gates("run").code == 2
    assert sorted(path.name for path in outside.rglob("*")) == before
    assert {path.read_text() for path in outside.rglob("*") if path.is_file()} == {"theirs"}


TIDY = {
    "rm -rf reports": "import shutil; shutil.rmtree('reports')",
    "git clean -fdx": "import subprocess; subprocess.run(['git', 'clean', '-fdxq'], check=True)",
    "an edit": "import pathlib; pathlib.Path('reports/logs/one.log').write_text('')",
}


@pytest.mark.slow
@pytest.mark.parametrize("how", TIDY)
def test_a_gate_that_tidies_up_loses_no_evidence(project: Project, how: str) -> None:
    project.write(
        checklist(GATE, python_gate("tidy", "-c", TIDY[how]) + 'needs = ["one"]\n') | {".gitignore": "/reports\n"}
    )
    project.commit()
    done = project.gates("run")
    assert (done.code, project.run.exit_code) == (0, 0), done.text
    assert "reports were changed during the run" in (project.reports / "summary.md").read_text()
    assert "said" in (project.reports / "logs/one.log").read_text()
    assert project.gates("report").code == 0
    assert project.gates("run").code == 0, "what was published again is ours, too"


def test_a_record_that_a_gate_changes_fails_the_run(project: Project) -> None:
    code = (
        "import os, pathlib; [p.write_text('x') for p in pathlib.Path(os.environ['GATES_CACHE_DIR']).rglob('one.log')]"
    )
    edit = python_gate("edit", "-c", f"{code}; pathlib.Path('reports/logs/one.log').write_text('x')")
    project.write(checklist(GATE, edit + 'needs = ["one"]\n'))
    done = project.gates("run")
    assert (done.code, project.run.exit_code, project.run.altered) == (1, 1, ("logs/one.log",))
    assert "FAIL: Recorded files were changed during the run: logs/one.log" in done.out


@pytest.mark.parametrize("command", ["report", "rerun"])
@pytest.mark.parametrize("name", ["run.json", "tests.jsonl", "junit.xml", "summary.md", "logs/one.log"])
def test_evidence_that_was_changed_afterwards_is_refused(project: Project, command: str, name: str) -> None:
    project.write(checklist(GATE))
    assert project.gates("run").code == 0
    file = project.reports / name
    file.write_text(file.read_text().replace("passed", "failed") + " ")
    done = project.gates(command)
    assert done.code == 2
    assert "changed since gates wrote it" in done.err
    assert str(file) in done.err
    assert "expected: sha256:" in done.err
    assert "hint: " in done.err


@pytest.mark.parametrize("name", ["tests.jsonl", "junit.xml"])
def test_a_comparison_refuses_results_that_were_changed(project: Project, name: str) -> None:
    project.write(checklist(GATE))
    project.gates("run")
    file = project.reports / name
    file.write_bytes(file.read_bytes() + b"\n")
    done = project.gates("compare", f"reports/{name}", f"reports/{name}")
    assert (done.code, "changed since gates wrote it" in done.err) == (2, True)


def test_a_comparison_finds_what_is_in_the_way_before_it_runs_anything(project: Project) -> None:
    project.write(checklist(python_gate("one", "-c", "open('begun', 'w')")) | {".gitignore": "/reports\nbegun\n"})
    project.commit()
    project.write({"reports/confirm/base-1/run.json": "theirs"})
    done = project.gates("compare", "HEAD", "--all", "--confirm", "1", "-g", "one")
    assert done.code == 2
    assert "confirm/base-1/run.json (gates did not write it)" in done.err
    assert not (project.folder / "begun").exists()


@pytest.mark.slow
def test_reports_that_do_not_fit_on_the_disk_say_nothing_else_than_the_run(project: Project) -> None:
    """Only `junit.xml` does not fit. The summary, which does, is not left: it would say PASS."""
    quotes = '"' * 300  # a byte each in the file of the gate, six in ours
    cases = "".join(f"<testcase classname='s' name='{quotes}{number}'/>" for number in range(50))
    gate = python_gate("test", "-c", "import shutil; shutil.copyfile('source.xml', 'out.xml')")
    project.write(checklist(gate + 'junit = ["out.xml"]\n') | {"source.xml": f"<testsuite>{cases}</testsuite>"})
    assert project.gates("run").code == 0
    sizes = {path.name: path.stat().st_size for path in project.reports.iterdir() if path.is_file()}
    assert max(sizes, key=sizes.__getitem__) == "junit.xml", sizes
    limit = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)"
    launcher = (sys.executable, "-c", f"{limit}; os.execv(sys.argv[2], sys.argv[2:])", str(sizes["junit.xml"] - 1))
    done = project.gates(
        "run", launcher=launcher, before="import gates.files.temporary; gates.files.temporary.ROOM = 10"
    )
    assert (done.code, "junit.xml: cannot write the report" in done.err) == (3, True), done.text
    assert {path.name for path in project.reports.iterdir()} == {"run.json", "tests.jsonl", "logs", ".gitignore"}
    run = json.loads((project.reports / "run.json").read_text())
    assert (run["complete"], run["outcome"], run["exit_code"]) == (False, "could-not-run", 3)
