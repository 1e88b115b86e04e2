"""Runs real pytest in a process of its own, with the plugin injected as the runner does it, or as if installed."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

import gates
from tests import warm

if TYPE_CHECKING:
    from collections.abc import Mapping

GATES = Path(gates.__file__).parent
INJECTED = "_gates_injected.pytest_plugin"


@dataclass(frozen=True)
class Ran:
    """What a pytest process left behind."""

    exit_code: int
    output: str
    inbox: Path
    records: list[dict[str, Any]] = field(repr=False)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]

    @property
    def tests(self) -> dict[str, dict[str, Any]]:
        """Test records by the part of the id behind the file."""
        found: dict[str, dict[str, Any]] = {}
        for record in self.of("test"):
            name = record["id"].partition("::")[2]
            assert name not in found, f"two results of {name}"
            found[name] = record
        return found

    @property
    def outcomes(self) -> dict[str, str]:
        return {name: record["outcome"] for name, record in self.tests.items()}

    @property
    def collected(self) -> dict[str, dict[str, Any]]:
        return {test["id"].partition("::")[2]: test for record in self.of("collected") for test in record["tests"]}


class Project:
    """A folder with tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "project"
        self.root.mkdir()
        (self.root / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
        self.inbox = folder / "inbox"

    def write(self, **files: str) -> None:
        """Write Python files by their names without `.py`; `__` stands for a folder."""
        for name, text in files.items():
            self.write_file(f"{name}.py", text)

    def write_file(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def injected(self, *args: str, settings: Mapping[str, Any] | None = None, **more: str) -> Ran:
        """Run as `gates run` does."""
        return self.run(*args, variables={**self.injection(settings), **more})

    def injection(self, settings: Mapping[str, Any] | None = None) -> dict[str, str]:
        """The variables with which `gates run` starts a gate."""
        self.inbox.mkdir(exist_ok=True)
        bed = self.folder / "injection"
        package = bed / "_gates_injected"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text(f"__path__ = [{str(GATES)!r}]\n")
        return {
            "GATES_INBOX": str(self.inbox),
            "GATES_PYTEST": json.dumps(settings or {}),
            "PYTHONPATH": str(bed),
            "PYTEST_PLUGINS": INJECTED,
            "PYTEST_ADDOPTS": f"-p {INJECTED}",
        }

    def plain(self, *args: str, **more: str) -> Ran:
        """Run as if the plugin were installed."""
        return self.run("-p", "gates.pytest_plugin", *args, variables={"PYTHONPATH": str(GATES.parent), **more})

    def run(self, *args: str, variables: Mapping[str, str]) -> Ran:
        self.inbox.mkdir(exist_ok=True)
        environ = clean_environ()
        environ.update({name: value for name, value in variables.items() if value})
        done = warm.run("pytest", [*warm.LEAN, *args], folder=self.root, environment=environ, imports=warm.PYTEST)
        output = (done.stdout + done.stderr).decode("utf-8", "backslashreplace")
        return Ran(done.returncode, output, self.inbox, self.records())

    def records(self) -> list[dict[str, Any]]:
        streams = sorted(self.inbox.glob("pytest-*.jsonl"))
        return [json.loads(line) for stream in streams for line in stream.read_text().splitlines()]


def clean_environ() -> dict[str, str]:
    """This process's environment without anything that would reach the inner pytest."""
    unwanted = ("GATES_", "PYTEST_", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return kept | warm.own_temproot()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def entry(name: str, **more: str) -> dict[str, str]:
    """An entry of the ledger, as it travels."""
    return {
        "name": name,
        "filter": f"test({name})",
        "reason": f"{name} is not written yet",
        "category": "unimplemented",
        "owner": "backend team",
        "expires": "2099-12-31",
        "issue": "",
        **more,
    }
