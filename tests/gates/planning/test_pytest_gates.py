from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.planning.plan import Request
from gates.planning.prepare import Prepared, prepare
from gates.planning.pytest_gates import pytest_gates
from gates.portable.errors import UsageError
from gates.storage.cache import GateHistory, Store

if TYPE_CHECKING:
    from pathlib import Path

NOXFILE = """
import nox

@nox.session(tags=["gate"])
def direct(session):
    session.run("pytest", *session.posargs)

def run_tests(session):
    session.run("python", "-m", "pytest")

@nox.session(name="by-helper", tags=["gate"])
def helped(session):
    run_tests(session)

@nox.session(tags=["gate"])
def deploy(session):
    session.run("make", "deploy")
"""


def prepared(root: Path, gates: str = "", noxfile: str = "") -> Prepared:
    (root / "gates.toml").write_text(gates)
    if noxfile:
        (root / "noxfile.py").write_text(noxfile)
    return prepare(root, Request())


@pytest.mark.parametrize(
    ("gates", "found"),
    [
        ('[gate.a]\ncommand = "make"\ntests = "pytest"\n[gate.b]\ncommand = "pytest"\n', ("a",)),
        ('[gate.a]\ncommand = "make"\n[gate.b]\ncommand = "env X=1 .venv/bin/pytest -q"\n', ("b",)),
        ('[gate.a]\ncommand = "uv run python -m pytest"\n', ("a",)),
        ('[gate.a]\ncommand = "pytest"\n[gate.test]\ncommand = "cargo test"\n', ("a",)),
        ('[gate.a]\ncommand = "pytest"\n[gate.b]\ncommand = "pytest"\ntests = "none"\n', ("a",)),
        ('[gate.a]\ncommand = "pytest"\n[gate.b]\ncommand = "pytest"\ntests = "junit"\njunit = ["j.xml"]\n', ("a",)),
    ],
)
def test_a_gate_runs_pytest_where_its_table_or_its_command_says_so(
    gates: str, found: tuple[str, ...], tmp_path: Path
) -> None:
    assert pytest_gates(prepared(tmp_path, gates)) == found


def test_a_session_runs_pytest_where_its_function_or_one_that_it_calls_mentions_it(tmp_path: Path) -> None:
    assert pytest_gates(prepared(tmp_path, noxfile=NOXFILE)) == ("direct", "by-helper")


def test_a_gate_whose_tests_came_from_pytest_last_time_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"a": GateHistory(seconds=1.0, tests=2, injected=True), "b": GateHistory(seconds=1.0, tests=2)}
    monkeypatch.setattr(Store, "history", lambda _store: known)
    assert pytest_gates(prepared(tmp_path, '[gate.a]\ncommand = "make"\n[gate.b]\ncommand = "cargo test"\n')) == ("a",)


@pytest.mark.parametrize("named", [(), ("deploy",)])
def test_no_other_gate_is_started_to_list_its_tests(named: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not known to run pytest: deploy") as caught:
        pytest_gates(prepared(tmp_path, '[gate.deploy]\ncommand = "make deploy"\n'), named)
    assert "tests = 'pytest'" in str(caught.value)
