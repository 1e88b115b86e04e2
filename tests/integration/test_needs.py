"""Gates that others need: what they leave behind is part of what those show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.project import checklist, python_gate

if TYPE_CHECKING:
    from tests.integration.project import Project

BUILD = "import pathlib, shutil; pathlib.Path('out').mkdir(exist_ok=True); shutil.copy('source', 'out/built')"
TEST = """
import pathlib, sys
good = pathlib.Path('out/built').read_text() == 'good'
failure = '' if good else '<failure message="bad"/>'
pathlib.Path('r.xml').write_text(f'<testsuite name="s"><testcase classname="c" name="t">{failure}</testcase></testsuite>')
sys.exit(not good)
"""


def built(project: Project) -> None:
    """A project whose test needs a build, which git ignores."""
    test = python_gate("test", "-c", TEST) + 'needs = ["build"]\njunit = ["r.xml"]\ntests = "junit"\n'
    project.write(
        {"source": "good", ".gitignore": "out/\nr.xml\n", **checklist(python_gate("build", "-c", BUILD), test)}
    )
    project.commit()


@pytest.mark.slow
def test_a_comparison_builds_what_it_tests_on_both_sides(project: Project) -> None:
    built(project)
    (project.folder / "source").write_text("bad")
    project.commit()
    done = project.gates("compare", "HEAD~")
    assert done.code == 5, done.text
    assert project.json("comparison.json")["tests"]["newly_failing"] == ["t"] or "t" in done.text


@pytest.mark.slow
def test_a_run_of_one_gate_and_a_rerun_build_what_they_test(project: Project) -> None:
    built(project)
    assert project.gates("run").code == 0
    (project.folder / "source").write_text("bad")
    assert project.gates("run", "-g", "test").code == 1
    assert [gate.name for gate in project.run.gates] == ["build", "test"]
    (project.folder / "source").write_text("good")
    assert project.gates("rerun").code == 0
    assert [gate.name for gate in project.run.gates] == ["build", "test"]
