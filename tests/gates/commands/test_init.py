from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.commands.init import _quote, starter, write_starter
from gates.config import Config, load_config
from gates.planning.discover import discover
from gates.portable.errors import UsageError

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


@pytest.mark.slow
def test_sessions_that_look_like_gates_are_adopted_and_the_others_are_named(tmp_path: Path) -> None:
    fill(tmp_path, {"noxfile.py": UNTAGGED})
    said = write_starter(tmp_path)
    assert f"wrote {tmp_path / 'gates.toml'}\nfound noxfile.py with 4 sessions\n" in said
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


FLAT = "[build-system]\nrequires = []\n[project]\nname = 'a'\n"
TESTS = {"tests/test_a.py": "def test_a(): pass\n"}


@pytest.mark.parametrize(
    ("files", "sessions"),
    [
        pytest.param({"pyproject.toml": FLAT}, {"build": 'session.run("python", "-m", "build"'}, id="nothing else"),
        pytest.param(
            {"pyproject.toml": FLAT + "[tool.mypy]\nfiles = ['a', 'tests']\n"},
            {"types": 'session.install("-e", ".", "mypy")\n    session.run("mypy")\n'},
            id="mypy knows its files",
        ),
        pytest.param(
            {"pyproject.toml": "[tool.mypy]\n", "a/__init__.py": "", "tests/__init__.py": ""},
            {"types": 'session.run("mypy", "a")'},
            id="mypy does not",
        ),
        pytest.param({"setup.py": "", "mypy.ini": "[mypy]\nfiles = a\n"}, {"types": 'session.run("mypy")\n'}, id="mypy.ini"),
        pytest.param({"setup.cfg": "[tool:pytest]\ntestpaths = checks\n"}, {"test": 'session.run("pytest", *'}, id="setup.cfg"),
        pytest.param({"tox.ini": "[pytest]\ntestpaths = checks\n"}, {"test": 'session.install("pytest")'}, id="tox.ini"),
        pytest.param(
            {"pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['checks']\n"}, {"test": "pytest"}, id="testpaths"
        ),
        pytest.param({"requirements.txt": "numpy\n", "test_a.py": ""}, {"test": '"-r", "requirements.txt", "pytest"'}, id="scripts"),
        pytest.param(TESTS, {"test": 'session.install("pytest")'}, id="tests alone"),
        pytest.param(
            {"pyproject.toml": FLAT + "[dependency-groups]\ntest = ['pytest>=8', {include-group = 'x'}]\nx = ['hypothesis']\n", **TESTS},
            {"test": 'session.install("-e", ".", *nox.project.dependency_groups(PROJECT, "test"))'},
            id="dependency group",
        ),
        pytest.param(
            {"pyproject.toml": FLAT + "[project.optional-dependencies]\ndev = ['pytest', 'ruff==0.9']\n[tool.ruff]\n", **TESTS},
            {"test": 'session.install("-e", ".[dev]")', "lint": 'session.install("ruff==0.9")'},
            id="extra",
        ),
        pytest.param({"setup.py": "", "requirements-dev.txt": "pytest==8.1\n", **TESTS}, {"test": '"-r", "requirements-dev.txt"'}, id="file"),
        pytest.param(
            {"pyproject.toml": "[tool.black]\n[tool.isort]\n", ".flake8": "", ".pylintrc": ""},
            {"flake8": "flake8", "pylint": "--recursive=y", "black": "--check", "isort": "--check"},
            id="many tools",
        ),
        pytest.param({"pyproject.toml": "[tool.ruff.format]\n"}, {"lint": "check", "format": '"ruff", "format", "--check"'}, id="ruff"),
        pytest.param({"pyproject.toml": FLAT, "docs/conf.py": "", "docs/requirements.txt": "furo\n"}, {"docs": "sphinx-build"}, id="docs"),
        pytest.param({"pyproject.toml": "not toml", **TESTS}, {"test": 'session.install("pytest")'}, id="broken"),
        pytest.param({"pyproject.toml": "[tool]\nruff = 1\nmypy = []\n", "setup.cfg": "[[", **TESTS}, {"test": "pytest"}, id="odd"),
    ],
)  # fmt: skip
def test_a_python_project_gets_a_session_for_each_tool_that_it_uses(
    tmp_path: Path, files: dict[str, str], sessions: dict[str, str]
) -> None:
    (written, _) = starter(fill(tmp_path, files))
    text = written["noxfile.py"]
    compile(text, "noxfile.py", "exec")
    bodies = dict(zip(re.findall(r"def (\w+?)_?\(", text), text.split("\ndef ")[1:], strict=True))
    for name, statement in sessions.items():
        assert statement in bodies[name]


def test_only_tools_that_a_project_uses_get_a_session(tmp_path: Path) -> None:
    (written, said) = starter(fill(tmp_path, {"pyproject.toml": FLAT}))
    assert re.findall(r"def (\w+)\(", written["noxfile.py"]) == ["build"]
    assert "found no test" in said


def test_what_is_written_passes_strict_linters_and_nox_can_list_it(tmp_path: Path) -> None:
    everything = FLAT + "[dependency-groups]\ntest = ['pytest']\n[tool.mypy]\n[tool.ruff.format]\n[tool.black]\n"
    fill(tmp_path, {"pyproject.toml": everything, **TESTS, "docs/conf.py": "", "docs/requirements.txt": "furo\n"})
    assert f"wrote {tmp_path / 'noxfile.py'}" in write_starter(tmp_path)
    gates = ["build", "lint", "black", "format", "types", "docs", "test"]
    assert [gate.name for gate in discover(tmp_path, Config(root=tmp_path))] == gates
    mypy = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path}", "noxfile.py"]
    for words in [mypy] if find_spec("mypy") else []:
        assert subprocess.run(words, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    text = (tmp_path / "noxfile.py").read_text()
    assert [line for line in text.splitlines() if len(line) > 120 or line != line.rstrip()] == []


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
            {"install": "npm install --no-package-lock", "format-check": "npm run format:check", "test": "npm run test"},
            "saw package.json",
            id="npm",
        ),
        pytest.param(
            {"package.json": '{"scripts": {"lint": "eslint", "test": "echo Error: no test specified; exit 1"}}', "pnpm-lock.yaml": ""},
            {"install": "pnpm install --frozen-lockfile", "lint": "pnpm run lint"},
            "saw package.json",
            id="pnpm",
        ),
        pytest.param({"package.json": "[", "package-lock.json": ""}, {"install": "npm ci"}, "saw package.json", id="npm, broken"),
        pytest.param(
            {"package.json": '{"scripts": ["test"]}', "tsconfig.json": ""},
            {"install": "npm install --no-package-lock", "types": "npx --no-install tsc --noEmit"},
            "saw package.json",
            id="npm, a list",
        ),
        pytest.param(
            {"CMakeLists.txt": "project(a)\nadd_executable(a a.c)\n"},
            {"configure": "cmake -S . -B build", "build": "cmake --build build --parallel"},
            "add /build/ to .gitignore",
            id="cmake without tests",
        ),
        pytest.param(
            {"CMakeLists.txt": "enable_testing()\nadd_test(NAME a COMMAND a)\n", ".gitignore": "/build/\n"},
            {
                "configure": "cmake -S . -B build",
                "build": "cmake --build build --parallel",
                "test": "ctest --test-dir build --output-on-failure --no-tests=error --output-junit junit.xml",
            },
            "saw CMakeLists.txt",
            id="cmake",
        ),
        pytest.param(
            {"pom.xml": "", "mvnw": "", "src/test/A.java": ""}, {"verify": "./mvnw --batch-mode verify"}, "saw pom.xml", id="maven"
        ),
        pytest.param(
            {"go.mod": "", "package.json": '{"scripts": {"build": "x"}}', ".golangci.yml": "", "Makefile": "all:\n"},
            {
                "install": "npm install --no-package-lock",
                "build": "npm run build",
                "go-build": "go build ./...",
                "go-lint": "golangci-lint run",
                "go-test": "go test ./...",
            },
            "saw package.json\nsaw go.mod",
            id="two kinds",
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
    ],
)  # fmt: skip
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


@pytest.mark.parametrize("files", [{}, {"a.c": ""}], ids=["nothing", "nothing known"])
def test_where_nothing_can_be_checked_nothing_is_written(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="nothing was found here that could be checked") as caught:
        write_starter(fill(tmp_path, files))
    assert "[gate.test] command" in str(caught.value)
    assert not (tmp_path / "gates.toml").exists()


def test_a_config_that_exists_is_not_replaced_without_a_word(tmp_path: Path) -> None:
    fill(tmp_path, {"gates.toml": "jobs = 1\n", "go.mod": ""})
    with pytest.raises(UsageError, match=r"gates.toml exists") as caught:
        write_starter(tmp_path)
    assert "--force" in caught.value.remedy
    assert (tmp_path / "gates.toml").read_text() == "jobs = 1\n"
    write_starter(tmp_path, force=True)
    assert "test" in commands(tmp_path)


@pytest.mark.slow
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
    (files, _) = starter(fill(tmp_path, {"go.mod": ""}))
    text = files["gates.toml"].replace('reason = ""', 'reason = "why"').replace('owner = ""', 'owner = "me"')
    lines = [line.removeprefix("# ") if " = " in line or line.startswith("# [") else line for line in text.splitlines()]
    fill(tmp_path, {"gates.toml": "\n".join(lines)})
    config = load_config(tmp_path)
    assert (config.base, config.timeout, config.test_timeout) == ("main", 1800.0, 60.0)
    assert [entry.name for entry in config.exclusions] == ["NAME"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("kind", ["link", "dangling link", "folder"])
def test_what_is_no_file_of_its_own_is_never_replaced(tmp_path: Path, kind: str, force: bool) -> None:
    project, target = tmp_path / "project", tmp_path / "target"
    project.mkdir()
    (project / "Cargo.toml").write_text('[package]\nname = "x"\n')
    config = project / "gates.toml"
    if kind == "folder":
        config.mkdir()
    else:
        config.symlink_to(target)
    if kind == "link":
        target.write_text("theirs")
    with pytest.raises(UsageError, match="not a plain file"):
        write_starter(project, force=force)
    assert (config.is_symlink(), config.is_dir()) == (kind != "folder", kind == "folder")
    assert target.exists() == (kind == "link")
