from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.lanes import LONGEST, longest_first, misplaced


def report(test: str, seconds: float, *, slow: bool, when: Any = "call") -> pytest.TestReport:
    return pytest.TestReport(
        test, ("test_a.py", 1, test), {"slow": 1} if slow else {}, "passed", None, when, duration=seconds
    )


@pytest.mark.parametrize(
    ("seconds", "slow", "said"),
    [
        (0.5, True, []),
        (0.5, False, ["0.5 s, mark it slow: a"]),
        (0.3, True, []),
        (0.3, False, []),
        (0.1, True, ["0.1 s, not slow: a"]),
        (0.1, False, []),
    ],
)
def test_a_mark_has_to_fit_the_time(seconds: float, slow: bool, said: list[str]) -> None:
    assert list(misplaced([report("a", seconds, slow=slow)])) == said


def test_fixtures_count_and_the_longest_comes_first() -> None:
    reports = [report("a", 0.6, slow=False), report("a", 0.6, slow=False, when="setup"), report("b", 2, slow=False)]
    assert list(misplaced(reports)) == ["2.0 s, mark it slow: b", "1.2 s, mark it slow: a"]


def test_the_longest_begins_and_the_others_keep_their_order() -> None:
    names = ["tests/a.py::b", "tests/a.py::a", f"{LONGEST}test_weakenings.py::a", "tests/test_a.py::a"]
    items: Any = [SimpleNamespace(nodeid=name) for name in names]
    assert [item.nodeid for item in longest_first(items)] == [names[2], *names[:2], names[3]]
    assert (Path(__file__).parents[1] / LONGEST).is_dir()
