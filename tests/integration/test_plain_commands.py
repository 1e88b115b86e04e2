"""Projects without a noxfile: gates are plain commands, and JUnit files speak for their tests."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from tests.integration.project import Project

RUNNER = """
    import pathlib
    pathlib.Path("out.xml").write_text('''<testsuites><testsuite name="units" tests="{tests}">
    <testcase classname="shapes" name="square" time="0.5" file="shapes.c" line="7"/>
    <testcase classname="shapes" name="circle"><skipped message="no circle yet"/></testcase>
    <testcase classname="shapes" name="line">{inside}</testcase>
    </testsuite></testsuites>''')
    """


def config(**commands: str) -> dict[str, str]:
    """A gates.toml with commands of the running interpreter."""
    tables = [
        f"[gate.{name}]\ncommand = {json.dumps([sys.executable, *shlex.split(words)])}\n"
        for name, words in commands.items()
    ]
    return {"gates.toml": "\n".join(tables)}


def junit_project(project: Project, inside: str = "", tests: int = 3) -> None:
    gate = {"gates.toml": config(test="runner.py", lint="-c 'print(1)'")["gates.toml"].replace(
        "\n[gate.lint]", 'junit = ["o*.xml"]\n\n[gate.lint]'
    )}  # fmt: skip
    project.write(gate | {"runner.py": RUNNER.format(inside=inside, tests=tests)})


def test_a_junit_file_brings_the_tests(project: Project) -> None:
    junit_project(project)
    project.commit()
    done = project.gates("run")
    assert done.code == 0, done.text
    assert project.outcomes == {"shapes::square": "passed", "shapes::circle": "skipped", "shapes::line": "passed"}
    square = project.tests[0]
    assert (square.file, square.line, square.duration, square.gate) == ("shapes.c", 7, 0.5, "test")
    assert "2 tests run: 2 passed, 1 skipped" in done.out
    assert [(gate.name, gate.kind, gate.injected) for gate in project.run.gates] == [
        ("test", "command", False), ("lint", "command", False),
    ]  # fmt: skip
    cases = ET.parse(project.reports / "junit.xml").getroot().iter("testcase")
    assert {"square", "circle", "line"} <= {case.get("name") for case in cases}


def test_a_failure_in_the_file_is_one_whatever_the_exit_code_says(project: Project) -> None:
    junit_project(project, '<failure message="bent"/>')
    done = project.gates("run")
    assert done.code == 1
    gate = project.gate("test")
    assert (gate.outcome, gate.inconsistent, gate.exit_code) == ("failed", True, 0)
    assert "bent" in done.out


def test_a_file_that_contradicts_itself_is_not_believed(project: Project) -> None:
    junit_project(project, tests=99)
    assert project.gates("run").code == 1
    assert project.gate("test").inconsistent
    assert 'says tests="99", 3 test cases are in it' in project.gate("test").reason


def test_what_a_command_needs_comes_first_and_its_failure_is_told(project: Project) -> None:
    files = config(test="-c pass", build="-c 'import sys; sys.exit(4)'")
    files["gates.toml"] = files["gates.toml"].replace("\n[gate.build]", 'needs = ["build"]\n[gate.build]')
    project.write(files)
    done = project.gates("run")
    assert done.code == 1
    assert project.gate("build").reason == "exit code 4"
    assert (project.gate("test").outcome, project.gate("test").exit_code) == ("skipped", None)
    assert "needs a gate that did not pass (build: failed)" in done.text


def test_variables_are_set_and_cleared_with_a_reason(project: Project) -> None:
    code = "import os; print(os.environ.get('WRAPPER'), os.environ.get('SLOW'))"
    files = config(show=f"-c {shlex.quote(code)}")
    files["gates.toml"] += (
        '[gate.show.env]\nWRAPPER = { set = "none", reason = "it crashes" }\nSLOW = { unset = true, reason = "slow" }\n'
    )
    project.write(files)
    assert project.gates("run", environment={"SLOW": "1", "WRAPPER": "sccache"}).code == 0
    assert (project.reports / "logs" / "show.log").read_text().splitlines()[-1] == "none None"
    summary = (project.reports / "summary.md").read_text()
    assert "it crashes" in summary
    assert "WRAPPER=none" in summary


def test_a_profile_is_a_subset(project: Project) -> None:
    files = config(lint="-c pass", test="-c pass", docs="-c pass")
    files["gates.toml"] += '[profile.quick]\ngates = ["docs", "lint"]\n'
    project.write(files)
    assert project.gates("run", "--profile", "quick").code == 0
    assert (project.run.profile, project.run.planned) == ("quick", ("lint", "docs"))
    assert project.run.notes[0] == "not part of this run: test"


def test_a_run_can_be_shown_again(project: Project) -> None:
    junit_project(project, '<failure message="bent"/>')
    first = project.gates("run")
    assert project.gates("report").out == first.out
    markdown = project.gates("report", "--format", "markdown").out
    assert markdown == (project.reports / "summary.md").read_text()
    assert (
        project.gates("report", "--format", "junit").out.strip() == (project.reports / "junit.xml").read_text().strip()
    )
