"""Which programs are asked for their versions, and what is read of their answers."""

from __future__ import annotations

import shlex

import pytest

from gates.run.version_commands import LONGEST, program_name, version_commands, version_commands_of_session, version_in


def asked(command: str) -> list[str]:
    return [shlex.join(words) for words in version_commands(shlex.split(command))]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cargo test --workspace", ["rustc --version", "cargo --version"]),
        ("cargo nextest run", ["rustc --version", "cargo --version", "cargo nextest --version"]),
        ("cargo +nightly clippy", ["rustc +nightly --version", "cargo +nightly --version", "cargo +nightly clippy --version"]),
        ("env -u A B=1 go vet ./...", ["go version"]),
        ("bash -ec 'cmake -B build && ctest --test-dir build'", ["cmake --version"]),
        ("npx eslint .", ["node --version"]),
        ("npm run lint", ["node --version", "npm --version"]),
        ("node_modules/.bin/tsc --noEmit", ["node --version", "node_modules/.bin/tsc --version"]),
        ("/opt/java/bin/java -jar x.jar", ["/opt/java/bin/java -version"]),
        (".venv/bin/ruff check .", [".venv/bin/ruff --version"]),
        ("python3 -m mypy .", ["python3 --version", "python3 -m mypy --version"]),
        ("python3 -m my.own.script", ["python3 --version"]),
        # The pytest of uv's environment is not the one on the path.
        ("uv run pytest -q", ["uv --version"]),
        ("make -j4 all", ["make --version"]),
    ],
)  # fmt: skip
def test_what_a_command_starts_is_asked_and_what_that_runs_on(command: str, expected: list[str]) -> None:
    assert asked(command) == expected


@pytest.mark.parametrize(
    "command",
    ["true", "./gradlew test", "tools/go x", "./make all", "my-tool --version", "bash build.sh", "bash -c ''"],
)
def test_a_script_of_the_project_or_an_unknown_program_is_never_asked(command: str) -> None:
    assert asked(command) == []


def test_what_nox_said_that_it_started_is_asked_except_for_python_packages() -> None:
    lines = [
        "nox > Running session lint", "nox > cargo build --release", "nox > npx eslint .", "nox > python -m mypy",
        "nox > ruff check", "nox > Command cargo build failed with exit code 101", "nox > Session lint failed.", "go vet",
    ]  # fmt: skip
    assert version_commands_of_session(lines) == (("rustc", "--version"), ("cargo", "--version"), ("node", "--version"))


@pytest.mark.parametrize(
    ("command", "output", "name", "version"),
    [
        ("rustc --version", "rustc 1.84.0 (9fc6b4312 2025-01-07)\n", "rustc", "1.84.0 (9fc6b4312 2025-01-07)"),
        ("rustc +nightly --version", "rustc 1.86.0-nightly (a 2025-01-01)\n", "rustc", "1.86.0-nightly (a 2025-01-01)"),
        ("cargo nextest --version", "cargo-nextest 0.9.87 (abc)\nrelease: 0.9.87\n", "cargo nextest", "0.9.87 (abc)"),
        ("cmake --version", "cmake version 3.25.1\n\nCMake suite", "cmake", "3.25.1"),
        ("go version", "go version go1.22.1 linux/amd64", "go", "go1.22.1 linux/amd64"),
        ("node --version", "v20.1.0\n", "node", "20.1.0"),
        ("make --version", "GNU Make 4.3\nBuilt for x", "make", "GNU Make 4.3"),
        ("/usr/bin/python3.12 --version", "Python 3.12.3", "python", "3.12.3"),
        ("python -m mypy --version", "mypy 1.11.2 (compiled: yes)", "mypy", "1.11.2 (compiled: yes)"),
        ("java -version", 'openjdk version "17.0.9" 2023-10-17\n', "java", 'openjdk version "17.0.9" 2023-10-17'),
        ("tsc --version", "Version 5.4.5", "tsc", "5.4.5"),
        ("shellcheck --version", "ShellCheck - a tool\nversion: 0.9.0\n", "shellcheck", "0.9.0"),
        ("tool -V", "\x1b[31mtool 1.0\x1b[0m\x07", "tool", "1.0\\x07"),
        ("tool -V", "nothing to see\n", "tool", ""),
        ("tool -V", "tool 1" + "0" * 500, "tool", f"1{'0' * (LONGEST - 2)}…"),
    ],
)  # fmt: skip
def test_the_version_is_the_first_line_with_a_number_without_the_name(
    command: str, output: str, name: str, version: str
) -> None:
    assert program_name(shlex.split(command)) == name
    assert version_in(output, name) == version
