"""What this repository promises about itself: its checklist, its locks and its README commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import gates
from gates.analysis.pythons import claimed_pythons

ROOT = Path(gates.__file__).resolve().parent.parent
CHECKLIST = ["build", "lint", "types", "format", "docs", "min_python", "test", "newest_python"]


def test_the_tagged_sessions_are_the_checklist_in_order() -> None:
    words = [sys.executable, "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"), "--list", "--json", "-t", "gate"]
    listed = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    assert [entry["session"] for entry in listed] == CHECKLIST
    assert all(entry["description"] for entry in listed)


def test_the_config_knows_every_gate_of_the_checklist() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["gates"]
    assert list(config["gate"]) == CHECKLIST


def test_a_python_is_claimed_alike_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    claimed = claimed_pythons(ROOT)
    assert project["requires-python"] == f">={claimed[0]}"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"You need Python {claimed[0]} or newer (tested up to {claimed[-1]}) and git." in readme


def test_every_direct_dependency_has_a_lower_bound() -> None:
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = tables["dependency-groups"].values()
    wanted = [
        *tables["project"]["dependencies"],
        *(each for group in groups for each in group if isinstance(each, str)),
    ]
    assert [text for text in wanted if not re.search(r">=\d", text)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "changelog.d").glob("*.*.md")), ids=lambda path: path.stem)
def test_a_changelog_fragment_is_a_list_of_changes(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("- ")
    assert all(line.startswith(("- ", "  ")) for line in lines if line)


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.stem)
def test_no_lock_names_an_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links|\.(?:org|com|io|net)\b", text)


@pytest.mark.parametrize("job", ["gates", "test"])
def test_the_readme_shows_one_line_that_does_all_the_set_up(job: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^<!-- command: {job} -->\n```bash\n(.+)\n```$", readme, re.MULTILINE)
    assert found
    assert "--require-hashes -r requirements/nox.txt" in found[1]
    assert found[1].endswith(f".venv/bin/nox -s {job}")
