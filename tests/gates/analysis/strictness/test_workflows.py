"""Steps of a CI system whose failure does not count."""

from __future__ import annotations

import pytest

from tests.gates.analysis.strictness.changed import changes, said

FILE = ".github/workflows/ci.yml"
JOB = "jobs:\n  test:\n    steps:\n      - run: pytest\n"


@pytest.mark.parametrize(
    ("name", "base", "head"),
    [
        (FILE, JOB, JOB + "        continue-on-error: true\n"),
        (FILE, JOB, JOB.replace("pytest", "pytest || true")),
        (FILE, JOB, JOB.replace("pytest", "ruff check || echo failed")),
        (".gitlab-ci.yml", "test:\n  script: pytest\n", "test:\n  script: pytest\n  allow_failure: true\n"),
        ("tox.ini", "[testenv]\ncommands =\n    pytest\n", "[testenv]\ncommands =\n    - pytest\n"),
        ("Makefile", "test:\n\tpytest\n", "test:\n\t-pytest\n"),
        ("Makefile", "test:\n\tpytest\n", "test:\n\tpytest || true\n"),
    ],
)
def test_a_step_that_may_now_fail_unseen_is_weaker(name: str, base: str, head: str) -> None:
    assert [direction for direction, _ in said(base, head, name)] == ["weaker"]
    assert [direction for direction, _ in said(head, base, name)] == ["stronger"]


@pytest.mark.parametrize(
    ("base", "head"),
    [
        (JOB + "        continue-on-error: true\n", "name: x\n" + JOB + "        continue-on-error: true\n"),
        (JOB, JOB + "        continue-on-error: false\n"),
        (JOB, JOB + "      # continue-on-error: true\n"),
        (JOB, JOB + "      - run: rm -r build || true\n"),
        (JOB, JOB + "      - run: docker stop db || true\n"),
        (JOB, JOB + "      - run: a || b\n"),
    ],
)
def test_what_only_looks_like_it_is_no_change(base: str, head: str) -> None:
    assert changes(base, head, FILE) == []


def test_a_new_workflow_takes_nothing_away() -> None:
    assert changes({}, {FILE: JOB + "        continue-on-error: true\n"}) == []


def test_the_line_is_that_of_the_step() -> None:
    (change,) = changes(JOB, JOB + "        continue-on-error: true\n", FILE)
    assert (change.path, change.line) == (FILE, 5)


HOOKS = ".pre-commit-config.yaml"
CONFIG = "repos:\n  - repo: x\n    hooks:\n      - id: mypy\n      - id: flake8\n"


def test_a_hook_that_is_gone_is_weaker_unless_another_replaced_it() -> None:
    assert said(CONFIG, CONFIG.replace("      - id: mypy\n", ""), HOOKS) == [("weaker", "hook mypy")]
    assert said(CONFIG, CONFIG + "      - id: bandit\n", HOOKS) == [("stronger", "hook bandit")]
    assert {direction for direction, _ in said(CONFIG, CONFIG.replace("flake8", "ruff-check"), HOOKS)} == {"other"}
