"""Hooks of pre-commit."""

from __future__ import annotations

import pytest

from tests.gates.analysis.strictness.changed import said

FILE = ".pre-commit-config.yaml"
CONFIG = """\
repos:
  - repo: x
    rev: v1
    hooks:
      - id: mypy
        args: [--strict]
      - id: ruff
        args:
          - --fix
          - --select
          - E,F
      - id: flake8
"""


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param("        args: [--strict]\n", "", [("weaker", "hook mypy strict")], id="a strict option is gone"),
        pytest.param("      - id: flake8\n", "      - id: flake8\n        exclude: ^billing/\n", [("weaker", "hook flake8 exclude")], id="files are left out"),
        pytest.param("      - id: flake8\n", "      - id: flake8\n        stages: [manual]\n", [("weaker", "hook flake8 stages")], id="by hand only"),
        pytest.param("          - E,F\n", "          - E\n", [("weaker", "hook ruff check --select")], id="fewer rules"),
        pytest.param("          - --fix\n", "", [], id="a repair makes a hook fail, too"),
        pytest.param("rev: v1", "rev: v2", [], id="a newer version"),
    ],
)  # fmt: skip
def test_what_a_hook_checks_less_is_weaker(old: str, new: str, found: list[tuple[str, str]]) -> None:
    assert old in CONFIG
    assert [one for one in said(CONFIG, CONFIG.replace(old, new), FILE) if one[0] == "weaker"] == found


def test_the_way_back_is_stronger() -> None:
    less = CONFIG.replace("        args: [--strict]\n", "        exclude: ^a/\n        stages: [manual]\n")
    assert {direction for direction, _ in said(less, CONFIG, FILE)} == {"stronger"}
