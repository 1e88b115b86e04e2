"""A decorator that takes a function from the type checker is found, unless the function was never checked."""

from __future__ import annotations

import pytest

from gates.analysis.strictness.decorators import decorator_changes

PLAIN = "def f(x: int) -> int:\n    return x\n"
MARKED = f"import typing\n\n\n@typing.no_type_check\n{PLAIN}"


@pytest.mark.parametrize(
    ("base", "head", "said"),
    [
        ({"a.py": PLAIN}, {"a.py": MARKED}, [("weaker", "certain", 4)]),
        ({"a.py": PLAIN}, {"b.py": MARKED}, [("weaker", "certain", 4)]),
        ({"a.py": MARKED}, {"a.py": PLAIN}, [("stronger", "certain", 0)]),
        ({"a.py": MARKED}, {"b.py": MARKED}, []),
        ({"a.py": "x = 1\n"}, {"a.py": MARKED}, [("weaker", "hint", 4)]),
        ({"a.py": MARKED}, {"a.py": "x = 1\n"}, []),
        ({"a.py": f"class A:\n    x = 1\n\n\n{PLAIN}"}, {"a.py": f"@no_type_check\nclass A:\n    x = 1\n\n\n{PLAIN}"}, [("weaker", "certain", 1)]),
        ({"a.py": PLAIN}, {"a.py": f'"""no_type_check"""\n{PLAIN}'}, []),
        ({"a.py": "def ("}, {"a.py": MARKED}, [("weaker", "hint", 4)]),
    ],
    ids=["added", "added and moved", "removed", "moved", "new code", "gone", "a class", "a text", "unreadable"],
)  # fmt: skip
def test_what_a_new_or_lost_decorator_does(
    base: dict[str, str], head: dict[str, str], said: list[tuple[str, str, int]]
) -> None:
    assert [(one.direction, one.strength, one.line) for one in decorator_changes(base, head)] == said


def test_a_method_is_named_with_its_class() -> None:
    method = "class Bill:\n{}    def total(self) -> int:\n        return 1\n"
    (change,) = decorator_changes({"a.py": method.format("")}, {"a.py": method.format("    @typing.no_type_check\n")})
    assert (change.what, change.after) == ("Bill.total is not type-checked any more", "@typing.no_type_check")
