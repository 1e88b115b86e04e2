from __future__ import annotations

import pytest

from gates.analysis.strictness.tox import expanded
from tests.gates.analysis.strictness.changed import changes, mirrored, said

TOX = "tox.ini"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("py311, lint", ["py311", "lint"]),
        ("py3{10,11}", ["py310", "py311"]),
        ("\n  py3{10, 11}-{a,b}\n  docs\n", ["py310-a", "py310-b", "py311-a", "py311-b", "docs"]),
        ("", []),
    ],
)
def test_a_list_of_environments_is_expanded(text: str, names: list[str]) -> None:
    assert list(expanded(text)) == names


LINT = "\n[testenv:lint]\ncommands = ruff check .\n"
STYLE = "\n[testenv:style]\ncommands = ruff check .\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (f"[tox]\nenv_list = py311, lint{LINT}", f"[tox]\nenv_list = py311{LINT}", [("weaker", "env_list")]),
        ("[tox]\nenvlist = py3{10,11}", "[tox]\nenv_list = py311", [("weaker", "env_list")]),
        ("[tox]\nenvlist = py310, py311", "[tox]\nenv_list =\n  py3{10,11}", []),
        (f"[tox]\nenv_list = lint{LINT}", f"[tox]\nenv_list = style{STYLE}", [("other", "env_list")] * 2),
        ("[testenv]\ncommands = pytest {posargs:tests}", "[testenv]\ncommands = pytest {posargs:tests/unit}", [("weaker", "testenv: pytest what it is run on")]),
        ("[testenv]\ncommands = pytest tests", "[testenv]\ncommands = pytest {posargs:tests}", []),
        ("[testenv]\ncommands =\n  pytest\n  mypy src", "[testenv]\ncommands = pytest", [("weaker", "testenv: mypy")]),
        ("[testenv]\ncommands = pytest -W error", "[testenv]\ncommands = pytest", [("weaker", "testenv: pytest filterwarnings")]),
        ("[testenv]\ncommands = py311: pytest", "[testenv]\ncommands = pytest", []),
        ("[testenv]\ncommands = pytest \\\n  tests", "[testenv]\ncommands = pytest tests", []),
    ],
)  # fmt: skip
def test_what_tox_runs_is_compared(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert sorted(said(before, after, TOX)) == sorted(expected)
    assert sorted(said(after, before, TOX)) == mirrored(expected)


def test_a_change_has_its_line_and_names_the_section() -> None:
    (change,) = changes("[tox]\nenv_list = a\n[testenv]\ncommands = mypy .\n  pytest\n", "[tox]\nenv_list = a\n[testenv]\ncommands = pytest\n", TOX)  # fmt: skip
    assert (change.path, change.line) == (TOX, 4)
    assert change.what == "tox, in [testenv], no longer runs mypy ."
