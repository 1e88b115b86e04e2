from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.config import Config, load_config
from gates.discover import discover
from gates.errors import UsageError
from gates.workflows.init import _quote, starter, write_starter

if TYPE_CHECKING:
    from pathlib import Path


def fill(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def commands(folder: Path) -> dict[str, str]:
    return {gate.name: " ".join(gate.config.command) for gate in discover(folder, load_config(folder))}


UNTAGGED = """
import nox

@nox.session
def lint(session): pass

@nox.session(python=["3.11", "3.12"])
def tests(session): pass

@nox.session
def serve(session): pass

@nox.session(default=False)
def type_check_all(session): pass
"""


# Projects with nox, as nox itself lists them


def test_sessions_that_look_like_gates_are_adopted_and_the_others_are_named(tmp_path: Path) -> None:
    fill(tmp_path, {"noxfile.py": UNTAGGED})
    said = write_starter(tmp_path)
    assert f"wrote {tmp_path / 'gates.toml'}\nsaw noxfile.py with 4 sessions\n" in said
    assert "gates run" in said
    text = (tmp_path / "gates.toml").read_text()
    assert "# Left out: serve, type_check_all" in text
    found = discover(tmp_path, load_config(tmp_path))
    assert [(gate.name, gate.group) for gate in found] == [
        ("lint", "lint"),
        ("tests-3.11", "tests"),
        ("tests-3.12", "tests"),
    ]


def test_tagged_sessions_need_no_table(tmp_path: Path) -> None:
    fill(tmp_path, {"noxfile.py": UNTAGGED.replace("nox.session\ndef lint", "nox.session(tags=['gate'])\ndef lint")})
    assert "tagged sessions: lint" in write_starter(tmp_path)
    assert load_config(tmp_path).gates == {}
    assert [gate.name for gate in discover(tmp_path, load_config(tmp_path))] == ["lint"]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        pytest.param({"pyproject.toml": "[project]\nname='a'\n"}, ["build", "lint"], id="nothing else"),
        pytest.param(
            {"pyproject.toml": "[tool.mypy]\n[tool.black]\n", "tests/test_a.py": "", ".flake8": ""},
            ["build", "flake8", "black", "types", "test"],
            id="many tools",
        ),
        pytest.param({"setup.py": "", "pytest.ini": "", "ruff.toml": ""}, ["lint", "test"], id="setup.py"),
        pytest.param({"pyproject.toml": "not toml"}, ["build", "lint"], id="broken"),
    ],
)
def test_a_python_project_gets_a_noxfile_that_nox_can_list(
    tmp_path: Path, files: dict[str, str], names: list[str]
) -> None:
    fill(tmp_path, files)
    assert f"wrote {tmp_path / 'noxfile.py'}" in write_starter(tmp_path)
    text = (tmp_path / "noxfile.py").read_text()
    compile(text, "noxfile.py", "exec")
    assert [gate.name for gate in discover(tmp_path, Config(root=tmp_path))] == names


# Other projects


@pytest.mark.parametrize(
    ("files", "found", "seen"),
    [
        pytest.param(
            {"Cargo.toml": "", "Cargo.lock": ""},
            {
                "build": "cargo build --locked --workspace",
                "lint": "cargo clippy --workspace --all-targets -- -D warnings",
                "format": "cargo fmt --all -- --check",
                "docs": "cargo doc --locked --no-deps --workspace",
                "test": "cargo test --workspace --no-fail-fast",
            },
            "saw Cargo.toml",
            id="rust",
        ),
        pytest.param(
            {"package.json": json.dumps({"scripts": {"test": "jest 🚀", "format:check": "x\x7f", "start": "node"}})},
            {"format-check": "npm run format:check", "test": "npm run test"},
            "saw package.json",
            id="npm",
        ),
        pytest.param({"package.json": "{}"}, {"test": "npm test"}, "saw package.json", id="npm without scripts"),
        pytest.param({"package.json": "["}, {"test": "npm test"}, "saw package.json", id="npm, broken"),
        pytest.param({"package.json": '{"scripts": null}'}, {"test": "npm test"}, "saw package.json", id="npm, null"),
        pytest.param(
            {"package.json": '{"scripts": ["test"]}'}, {"test": "npm test"}, "saw package.json", id="npm, list"
        ),
        pytest.param(
            {"package.json": '{"scripts": {"test": {"a": 1}, "lint": "\\ud800"}}'},
            {"lint": "npm run lint", "test": "npm run test"},
            "saw package.json",
            id="npm, odd values",
        ),
        pytest.param(
            {"go.mod": ""},
            {"build": "go build ./...", "lint": "go vet ./...", "test": "go test ./..."},
            "saw go.mod",
            id="go",
        ),
        pytest.param(
            {
                "Makefile": "CC := gcc\ndocs = x: y\n.PHONY: build\nall: x\nlint check: all\n\techo a: b\ntest::\n#build: x\n"
            },
            {"lint": "make lint", "check": "make check", "test": "make test"},
            "saw Makefile",
            id="make",
        ),
        pytest.param({"Makefile": "thing: x\n"}, {"all": "make all"}, "saw Makefile", id="make, no known target"),
        pytest.param({"a.c": ""}, {"check": "true"}, "no build file", id="nothing known"),
        pytest.param({}, {"check": "true"}, "no build file", id="nothing at all"),
    ],
)
def test_another_project_gets_commands_that_can_be_listed(
    tmp_path: Path, files: dict[str, str], found: dict[str, str], seen: str
) -> None:
    fill(tmp_path, files)
    assert seen in write_starter(tmp_path)
    assert commands(tmp_path) == found


@given(st.text())
def test_any_text_is_quoted_so_that_toml_reads_it(text: str) -> None:
    assert tomllib.loads(f"a = {_quote(text)}")["a"] == text


# Refusals


def test_a_config_that_exists_is_not_replaced_without_a_word(tmp_path: Path) -> None:
    fill(tmp_path, {"gates.toml": "jobs = 1\n"})
    with pytest.raises(UsageError, match=r"gates.toml exists") as caught:
        write_starter(tmp_path)
    assert "--force" in caught.value.remedy
    assert (tmp_path / "gates.toml").read_text() == "jobs = 1\n"
    write_starter(tmp_path, force=True)
    assert commands(tmp_path) == {"check": "true"}


@pytest.mark.parametrize("force", [False, True])
def test_a_second_config_is_never_written(tmp_path: Path, force: bool) -> None:
    fill(tmp_path, {"noxfile.py": UNTAGGED, "pyproject.toml": "[tool.gates]\n"})
    with pytest.raises(UsageError, match=r"\[tool.gates\] of pyproject.toml exists"):
        write_starter(tmp_path, force=force)
    assert not (tmp_path / "gates.toml").exists()


def test_printing_writes_nothing(tmp_path: Path) -> None:
    fill(tmp_path, {"go.mod": "", "gates.toml": "jobs = 1\n"})
    text = write_starter(tmp_path, only_print=True)
    assert text.startswith("# gates.toml\n")
    assert "go vet" in text
    assert (tmp_path / "gates.toml").read_text() == "jobs = 1\n"


def test_the_settings_that_a_starter_shows_as_comments_can_be_switched_on(tmp_path: Path) -> None:
    (files, _) = starter(tmp_path)
    text = files["gates.toml"].replace('reason = ""', 'reason = "why"').replace('owner = ""', 'owner = "me"')
    lines = [line.removeprefix("# ") if " = " in line or line.startswith("# [") else line for line in text.splitlines()]
    fill(tmp_path, {"gates.toml": "\n".join(lines)})
    config = load_config(tmp_path)
    assert (config.base, config.timeout, config.test_timeout) == ("main", 1800.0, 60.0)
    assert [entry.name for entry in config.exclusions] == ["NAME"]
