from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gates.commands.list import gate_listing
from gates.planning.plan import Request
from gates.storage.cache import Store
from tests.gates.readers.junit.sample import a_gate, a_run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[gate.build]
command = "make 'all of it'"
title = "Build"

[gate.test]
command = "make test"
needs = ["build"]
timeout = "5s"

[gate.test.env]
CI = { set = "1", reason = "as there" }

[profile.quick]
gates = ["test"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "gates.toml").write_text(CONFIG)
    Store.of(tmp_path, None).remember(a_run(gates=(a_gate("build", duration=83.0),)), ())
    return tmp_path


def test_each_gate_is_a_line_with_its_last_time_its_command_and_its_needs(root: Path) -> None:
    assert gate_listing(root, Request()).splitlines() == [
        "build    1m 23s  make 'all of it'  Build",
        "test          ?  CI=1 make test  needs build",
    ]


def test_a_profile_lists_its_own_gates_and_those_that_they_need(root: Path) -> None:
    assert gate_listing(root, Request(profile="quick")).splitlines() == [
        "build    1m 23s  make 'all of it'  Build",
        "test          ?  CI=1 make test  needs build",
        "note: run because other gates need them: build",
    ]


def test_programs_get_the_same_as_json(root: Path) -> None:
    build, test = json.loads(gate_listing(root, Request(), as_json=True))
    assert build == {
        "name": "build",
        "kind": "command",
        "title": "Build",
        "command": "make 'all of it'",
        "needs": [],
        "timeout": 1800.0,
        "last": 83.0,
        "workers": "",
    }
    assert (test["name"], test["needs"], test["timeout"], test["last"]) == ("test", ["build"], 5.0, None)


def test_how_many_workers_a_gate_will_have_is_said_with_the_reason(root: Path) -> None:
    (root / "gates.toml").write_text(CONFIG.replace('needs = ["build"]', 'tests = "pytest"'))
    lines = gate_listing(root, Request(workers=3)).splitlines()
    assert lines == [
        "build    1m 23s  make 'all of it'  Build",
        "test          ?  CI=1 make test  -n auto: 3, by --workers",
    ]
