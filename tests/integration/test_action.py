"""The scripts of the composite action, as the runner of GitHub starts them: they end as gates ended, and show no other run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.documentation import ROOT
from tests.integration.project import PATIENCE, clean_environment, program
from tests.integration.test_plain_commands import config

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.project import Project

ACTION = (ROOT / "docs" / "ci" / "gates-action" / "action.yml").read_text(encoding="utf-8")


def script(name: str) -> str:
    """What a step of the action runs."""
    step = ACTION.partition(f"- name: {name}\n")[2].partition("    - name: ")[0]
    block = re.search(r"\n      run: \|\n((?:        .*\n)+)", step)
    return block[1] if block else re.findall(r"\n      run: (.+)\n", step)[0]


class Runner:
    """Starts steps in a project, with the files that the service gives each of them."""

    def __init__(self, project: Project, folder: Path) -> None:
        self._project, self._folder = project, folder
        programs = folder / "programs"
        (folder / "temp" / "gates").mkdir(parents=True)
        programs.mkdir()
        (programs / "gates").write_text(f'#!/bin/sh\nexec {shlex.join(program())} "$@"\n')
        (programs / "gates").chmod(0o755)
        self._path = f"{programs}:{os.environ['PATH']}"

    def step(self, name: str, **variables: str) -> tuple[int, str, str]:
        """Its exit code, what it printed, and its outputs."""
        output, summary = self._folder / "output", self._folder / "summary"
        output.write_text("")
        variables |= {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary), "PATH": self._path}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script(name)],
            cwd=self._project.folder,
            env=clean_environment(self._folder / "cache") | {"RUNNER_TEMP": str(self._folder / "temp")} | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout, output.read_text("utf-8")


@pytest.mark.slow
def test_the_action_ends_as_gates_ended_and_shows_no_report_of_another_run(project: Project, tmp_path: Path) -> None:
    project.write(config(lint="-c raise(SystemExit(1))"))
    runner = Runner(project, tmp_path)
    code, _, outputs = runner.step("Run the gates", COMMAND="run --jobs 1")
    assert (code, outputs) == (0, "exit-code=1\n")
    code, shown, outputs = runner.step("Show the verdict", REPORTS="reports")
    assert "::error title=Gate lint%3A FAIL::exit code 1" in shown
    assert "\nFAIL\n" in outputs
    assert "Validation result: FAIL" in (tmp_path / "summary").read_text("utf-8")
    assert runner.step("End as gates ended", CODE="1")[0] == 1
    # A command that runs nothing leaves that report where it is.
    code, _, outputs = runner.step("Run the gates", COMMAND="run --no-such-option")
    assert (code, outputs) == (0, "exit-code=2\n")
    assert runner.step("Show the verdict", REPORTS="reports") == (0, "", "")
