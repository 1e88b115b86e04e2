"""Every path of a config lies inside the project's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.config import load_config
from gates.portable.errors import ManyErrors

if TYPE_CHECKING:
    from pathlib import Path

PLACES = {
    "reports": "reports = {}",
    "worktree-copy": "worktree-copy = [{}]",
    "worktree-link": "worktree-link = [{}]",
    "scope": "scope = [{}]",
    "unrelated": "unrelated = [{}]",
    "junit": "[gate.a]\njunit = [{}]",
    "gate's reports": "[gate.a]\nreports = [{}]",
    "cwd": "[gate.a]\ncwd = {}",
    "findings": "[gate.a]\nfindings = [{}]",
    "coverage": "[gate.a]\ncoverage = [{}]",
}
"""Everything in a config that is a path."""


def errors_of(folder: Path, text: str) -> list[str]:
    (folder / "gates.toml").write_text(text)
    try:
        load_config(folder)
    except ManyErrors as errors:
        return [f"{error.place} {error.what} {error.expected}" for error in errors.errors]
    return []


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "a/../../outside", "..", "a/.."])
@pytest.mark.parametrize("place", PLACES)
def test_a_path_that_leaves_the_project_is_refused(tmp_path: Path, place: str, path: str) -> None:
    text = PLACES[place].format(f'"{path}"')
    (said,) = errors_of(tmp_path, text)
    assert said.startswith(f"gates.toml:{len(text.splitlines())} wrong value for ")
    assert "inside the project's folder" in said


@pytest.mark.parametrize("path", ["build/out.xml", "./out", "a..b/c", "deep/er/..hidden", "größe", "~/x"])
@pytest.mark.parametrize("place", PLACES)
def test_any_other_path_is_taken(tmp_path: Path, place: str, path: str) -> None:
    assert errors_of(tmp_path, PLACES[place].format(f'"{path}"')) == []


def test_all_of_them_are_told_together(tmp_path: Path) -> None:
    text = 'reports = "/tmp/x"\nscope = ["../a"]\n[gate.a]\njunit = ["/b.xml"]\ncwd = ".."\n'
    assert [said.split()[0] for said in errors_of(tmp_path, text)] == [f"gates.toml:{line}" for line in (1, 2, 4, 5)]


@pytest.mark.parametrize("path", [".", "./", "", ".git", ".git/logs", "a/.git", ".GIT/x", ".Git."])
def test_reports_need_a_folder_of_their_own(tmp_path: Path, path: str) -> None:
    (said,) = errors_of(tmp_path, f'reports = "{path}"')
    assert "a folder of its own" in said


@pytest.mark.parametrize("key", ["junit", "reports", "coverage", "findings"])
@pytest.mark.parametrize("name", ["out/junit.xml", "./out//run.json", "out/logs/a.log", "out/summary.md"])
def test_a_gate_does_not_write_where_gates_does(tmp_path: Path, key: str, name: str) -> None:
    (said,) = errors_of(tmp_path, f'reports = "./out/"\n[gate.a]\n{key} = ["b.xml", "{name}"]\n')
    assert said.startswith(f"gates.toml:3 '{name}' is written by gates itself")


@pytest.mark.parametrize("name", ["out/pytest.xml", "output/junit.xml", "out/logs/junit.xml", "out/sub/run.json"])
def test_a_gate_may_write_beside_it(tmp_path: Path, name: str) -> None:
    assert errors_of(tmp_path, f'reports = "out"\n[gate.a]\njunit = ["{name}"]\n') == []
