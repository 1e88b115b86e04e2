"""What a project depends on, read from its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.analysis.dependencies import dependencies_of

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """
[build-system]
requires = ["hatchling>=1"]

[project]
requires-python = ">=3.11"
dependencies = ["NumPy >= 2.0, <3", "rich[jupyter, Extra]>=13; python_version  < '4'", "odd @ file:///x"]

[project.optional-dependencies]
Fast = ["msgspec"]

[dependency-groups]
test = ["pytest>=9", { include-group = "Lint_Tools" }]
lint-tools = ["ruff==0.1"]
round = [{ include-group = "round" }]
"""


def test_all_places_of_a_project_are_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "Num.Py"\nversion = "2.1"\n[[package]]\nname = "own"\n')
    (tmp_path / "pylock.toml").write_text('[[packages]]\nname = "rich"\nversion = "13.1"\n')
    (tmp_path / "requirements").mkdir()
    text = "pytest==9.0.1 \\\n    --hash=sha256:00\nruff[x]==0.1; python_version > '3'\n# a==1 is a comment\n-e .\n"
    (tmp_path / "requirements" / "test.txt").write_text(text)
    found = dependencies_of(tmp_path)
    assert found.requires_python == ">=3.11"
    assert found.direct == {
        "project": {
            "numpy": "<3,>=2.0",
            'rich[extra,jupyter]; python_version < "4"': ">=13",
            "odd": "@file:///x",
        },
        "extra fast": {"msgspec": ""},
        "group test": {"pytest": ">=9", "ruff": "==0.1"},
        "group lint-tools": {"ruff": "==0.1"},
        "build-system": {"hatchling": ">=1"},
    }
    assert found.locked["uv.lock"] == {"num-py": "2.1"}
    assert found.locked["pylock.toml"] == {"rich": "13.1"}
    assert found.locked["requirements/test.txt"]["pytest"] == "9.0.1"
    assert found.unreadable == ()


def test_what_cannot_be_read_is_said_and_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert dependencies_of(tmp_path) == type(dependencies_of(tmp_path))()
    (tmp_path / "pyproject.toml").write_text("[project\n")
    (found,) = dependencies_of(tmp_path).unreadable
    assert found.startswith("pyproject.toml: ")
