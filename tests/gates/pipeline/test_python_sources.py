"""What the sources of two commits show: also their files of cases, and the settings that decide about warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.pipeline.python_sources import read_python
from gates.results import FileChange
from tests.repository import git_of

if TYPE_CHECKING:
    from tests.repository import Repository

LOOP = "from shop import f\n\n\ndef test_f():\n    for x in load('cases.json'):\n        assert f(x) == 2 * x\n"
PLAIN = "from shop import f\n\n\ndef test_f():\n    assert f(1) == 2\n"
STRICT = "[pytest]\nfilterwarnings = error\n"


@pytest.mark.parametrize(
    ("base", "head", "rules"),
    [
        ({"tests/cases.json": "[1, 2]"}, {"tests/cases.json": "[1]"}, ["fewer-rows"]),
        ({"cases.json": "[1, 2]"}, {"cases.json": "[1]"}, []),
        (
            {"tests/test_g.py": PLAIN, "pytest.ini": STRICT},
            {"tests/test_g.py": PLAIN.replace("def", "@pytest.mark.filterwarnings('ignore')\ndef", 1)},
            ["warning-no-longer-fails"],
        ),
    ],
    ids=["rows", "rows of the code", "warnings"],
)
def test_files_beside_the_code_are_compared(
    base: dict[str, str], head: dict[str, str], rules: list[str], repository: Repository
) -> None:
    first = repository.commit({"tests/test_f.py": LOOP, "shop.py": "def f(x):\n    return x + x\n"} | base)
    second = repository.commit(head)
    trees = tuple(repository.git("rev-parse", f"{commit}^{{tree}}") for commit in (first, second))
    changed = [FileChange(path=path, kind="test") for path in head]
    found = read_python(git_of(repository.root), (trees[0], trees[1]), trees[0], changed, list(head))
    assert [one.rule for one in found.checks.weakenings] == rules
