"""What a command starts, behind wrappers, runners and shells."""

from __future__ import annotations

import shlex

import pytest

from gates.analysis.shell import started_by


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("cargo test", [("cargo test", "")]),
        ("env -u OLD NEW=1 nice -n 5 cargo test", [("cargo test", "")]),
        ("timeout 60 go vet", [("go vet", "")]),
        ("bash -ec 'cmake -B b && ctest; echo done'", [("cmake -B b", ""), ("ctest", "")]),
        ("uv run --with x pytest -q", [("pytest -q", "uv")]),
        ("bash -c 'uv run ruff check | tee log'", [("ruff check", "uv"), ("tee log", "")]),
        ("poetry run sh -c 'mypy . && pytest'", [("mypy .", "poetry"), ("pytest", "poetry")]),
        ("make && make test", [("make", ""), ("make test", "")]),
        ("A=1", []),
    ],
)
def test_every_program_is_found_with_the_runner_that_chooses_it(command: str, expected: list[tuple[str, str]]) -> None:
    found = started_by(shlex.split(command))
    assert [(shlex.join(part.words), part.runner) for part in found] == expected


def test_variables_are_known_and_what_may_fail_is_marked() -> None:
    first, second = started_by(["env", "A=1", "bash", "-c", "ruff check || true; B=2 mypy"])
    assert (first.words, first.variables, first.ignored) == (("ruff", "check"), {"A": "1"}, True)
    assert (second.words, second.variables, second.ignored) == (("mypy",), {"A": "1", "B": "2"}, False)
