"""Each operator by examples: a line, and what becomes of it."""

from __future__ import annotations

import pytest

from gates.analysis.mutants.choose import faults_of
from tests.gates.analysis.mutants.valid import is_python

FUNCTION = "def function(a, b, items, self):\n"

CHANGED = [
    ("comparison", "return a < b", ["return a <= b"]),
    ("comparison", "return a not in items", ["return a in items"]),
    ("comparison", "return a is not b", ["return a is b"]),
    ("comparison", "return 1 < (a) == b", ["return 1 <= (a) == b", "return 1 < (a) != b"]),
    ("boolean", "return a and b or self", ["return a or b or self", "return a and b and self"]),
    ("condition", "x = 1 if a else 2", ["x = 1 if (not (a)) else 2"]),
    ("condition", "x = 1 if not a else 2", ["x = 1 if (a) else 2"]),
    ("condition", "return [x for x in items if x]", ["return [x for x in items if (not (x))]"]),
    ("negation", "return not a", ["return (a)"]),
    ("negation", "return -a", ["return (a)"]),
    ("arithmetic", "return a + b", ["return a - b"]),
    ("arithmetic", "self.x //= b", ["self.x *= b"]),
    ("constant", "return a + 1", ["return a + 2"]),
    ("constant", "return True", ["return False"]),
    ("constant", "self.x = 'text'", ["self.x = ''"]),
    ("return", "return a", ["return None"]),
    ("deletion", "self.start(a)", ["pass"]),
    ("deletion", "self.x = a", ["pass"]),
    ("deletion", "raise ValueError(a)", ["pass"]),
    ("argument", "return self.f(a, b)", ["return self.f(b, a)"]),
    ("argument", "return sorted(items, key=a)", ["return sorted(items)"]),
    ("argument", "return sorted(key=a, reverse=b)", ["return sorted(reverse=b)", "return sorted(key=a)"]),
    ("exception", "raise KeyError(a)", ["raise Exception(a)"]),
    ("slice", "return items[a:b]", ["return items[(a) + 1:b]", "return items[a:(b) - 1]"]),
]


def changed_lines(text: str, operator: str) -> list[str]:
    """The line of each fault of an operator, as it becomes."""
    data = text.encode()
    found = []
    for fault in sorted(faults_of("m.py", data), key=lambda one: one.edit.start):
        if fault.operator == operator:
            assert is_python(fault, data)
            after = fault.edit.apply(data).decode().split("\n")
            assert len(after) == len(text.split("\n"))
            found.append(after[fault.line - 1].strip())
    return found


@pytest.mark.parametrize(("operator", "line", "expected"), CHANGED)
def test_an_operator_makes_exactly_these_faults(operator: str, line: str, expected: list[str]) -> None:
    assert changed_lines(f"{FUNCTION}    {line}\n", operator) == expected
