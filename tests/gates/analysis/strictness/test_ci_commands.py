"""What a CI system runs: a command that checks is the same wherever it is written."""

from __future__ import annotations

import pytest

from tests.gates.analysis.strictness.changed import changes, mirrored, said

FILE = ".github/workflows/ci.yml"
CI = """\
on: [push, pull_request]
jobs:
  test:
    strategy:
      matrix:
        python: ["3.11", "3.12"]
    steps:
      - uses: actions/checkout@v4
      - run: pip install .
      - name: Types
        run: mypy billing
      - run: |
          ruff check .
          pytest --cov=billing
"""
GITLAB = """\
test:
  script:
    - pip install .
    - mypy billing
    - pytest
"""


def edited(*edits: tuple[str, str], text: str = CI) -> str:
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("head", "key"),
    [
        pytest.param(edited(("      - name: Types\n        run: mypy billing\n", "")), "mypy", id="a step is gone"),
        pytest.param(edited(("          ruff check .\n", "")), "ruff check", id="a line of a step is gone"),
        pytest.param(edited(("--cov=billing", "--cov=billing -k 'not tax'")), "pytest -k", id="fewer tests"),
        pytest.param(edited(("--cov=billing", "--cov=billing --reruns 3")), "pytest --reruns", id="more tries"),
        pytest.param(edited(("ruff check .", "ruff check . --exit-zero")), "ruff check --exit-zero", id="no failure"),
        pytest.param(edited(("ruff check .", "ruff check billing")), "ruff check what it is run on", id="fewer files"),
        pytest.param(
            edited(("          ruff check .\n", "          set +e\n          ruff check .\n"), ("--cov=billing\n", "--cov=billing\n          exit 0\n")),
            "pytest exit code", id="the end of a script hides it",
        ),
        pytest.param(edited(('"3.11", "3.12"', '"3.12"')), "Python", id="fewer Pythons"),
        pytest.param(edited(("[push, pull_request]", "[push]")), "on pull_request", id="not before a merge"),
        pytest.param(edited(("on: [push, pull_request]", "on:\n  push:\n    branches: [main]")), "on pull_request", id="events below each other"),
        pytest.param(edited(("  test:\n", "  test:\n    if: false\n")), "if: false", id="a job is off"),
    ],
)  # fmt: skip
def test_what_ci_checks_less_is_weaker_and_the_way_back_is_stronger(head: str, key: str) -> None:
    found = said(CI, head, FILE)
    assert found == [("weaker", key)]
    assert mirrored(found) == sorted(said(head, CI, FILE))


@pytest.mark.parametrize(
    "head",
    [
        pytest.param({FILE: edited(("actions/checkout@v4", "actions/checkout@v6"))}, id="a newer action"),
        pytest.param({FILE: edited(("      - name: Types\n        run: mypy billing\n", ""), ("jobs:\n", "jobs:\n  types:\n    steps:\n      - run: mypy billing\n"))}, id="a step in a job of its own"),
        pytest.param({FILE: edited(("      - name: Types\n        run: mypy billing\n", "")), ".github/workflows/types.yml": "on: [push]\njobs:\n  types:\n    steps:\n      - run: mypy billing\n"}, id="in a file of its own"),
        pytest.param({FILE: edited(("        run: mypy billing\n", "        run: >\n          mypy\n          billing\n"))}, id="written in two lines"),
        pytest.param({FILE: edited(("          ruff check .\n          pytest --cov=billing\n", "          python -m pip install nox\n          nox -s tests\n"))}, id="nox runs it now"),
        pytest.param({FILE: edited(("          ruff check .\n", ""), ("      - run: |\n", "      - uses: astral-sh/ruff-action@v3\n      - run: |\n"))}, id="an action runs it now"),
        pytest.param({FILE: edited(('"3.11", "3.12"', '"3.12", "3.13"')), "pyproject.toml": "[project]\nrequires-python = '>=3.12'\n"}, id="a Python that is not supported any more"),
        pytest.param({FILE: edited(("pip install .", "pip install -e ."))}, id="another way to install"),
        pytest.param({FILE: edited(("run: mypy billing", "run: mypy billing # all of it"))}, id="a comment"),
    ],
)  # fmt: skip
def test_the_same_checks_in_another_place_are_not_weaker(head: dict[str, str]) -> None:
    assert [one for one in said({FILE: CI}, head) if one[0] == "weaker"] == []


@pytest.mark.parametrize(
    ("name", "base", "head", "key"),
    [
        pytest.param(".gitlab-ci.yml", GITLAB, edited(("    - mypy billing\n", ""), text=GITLAB), "mypy", id="GitLab"),
        pytest.param(".gitlab-ci.yml", GITLAB, edited(("    - pytest\n", "    - pytest | tee log\n"), text=GITLAB), "pytest exit code", id="a pipe"),
        pytest.param(".gitlab-ci.yml", GITLAB, GITLAB + "  when: manual\n", "when: manual", id="by hand only"),
        pytest.param("Makefile", "test:\n\tpytest\n\truff check .\n", "test:\n\tpytest\n", "ruff check", id="Makefile"),
        pytest.param(".ci/run", "set -e\npytest\nmypy .\n", "set -e\npytest\n", "mypy", id="a script"),
        pytest.param(".buildkite/pipeline.yml", "steps:\n  - command: pytest\n  - command: mypy .\n", "steps:\n  - command: pytest\n", "mypy", id="Buildkite"),
    ],
)  # fmt: skip
def test_every_system_is_read(name: str, base: str, head: str, key: str) -> None:
    assert said(base, head, name) == [("weaker", key)]


def test_a_workflow_that_is_gone_takes_its_checks_with_it() -> None:
    found = changes({FILE: CI, "other.txt": ""}, {"other.txt": ""})
    assert {one.before for one in found if one.direction == "weaker"} >= {"mypy billing", "ruff check .", "pytest --cov=billing"}  # fmt: skip


def test_a_finding_names_the_line_of_the_command() -> None:
    (change,) = changes(CI, edited(("--cov=billing", "--cov=billing -k fast")), FILE)
    assert (change.path, change.line) == (FILE, 14)
    assert change.what == "pytest in CI sets -k to fast: fewer tests are run"


def test_what_is_no_check_may_go() -> None:
    deploying = CI + "      - run: docker push image\n      - run: make deploy\n      - run: npm ci\n"
    assert changes(deploying, CI, FILE) == []
