"""The history of real runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.project import Project, checklist, python_gate

DIES = "import os, signal; from gates.{module} import {name} as it; it.{method} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.slow
def test_a_run_that_is_killed_before_it_is_published_counts_once_and_one_without_an_end_does_not(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path / "project", tmp_path / "cache")
    project.write({"a.py": "pass\n", ".gitignore": "reports\n"} | checklist(python_gate("a", "a.py")))
    project.commit()
    for module, name, method in (
        ("pipeline.recorder", "Recorder", "publish"),
        ("storage.history", "History", "record"),
    ):
        with project.start("run", before=DIES.format(module=module, name=name, method=method)) as killed:
            assert killed.communicate(timeout=project.patience) is not None
            assert killed.returncode == -9
    assert project.gates("run").code == 0
    (gate,) = json.loads(project.gates("history", "--json").out)
    assert (gate["gate"], gate["runs"], gate["recent"]) == ("a", 2, ["passed", "passed"])
