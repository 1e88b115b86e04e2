"""What the first test of a file checks, as text, for the tests of the reading."""

from __future__ import annotations

from gates.analysis.checks.found import tests_in
from gates.analysis.checks.reading import Side
from gates.analysis.checks.tests import read_test

FILE = "tests/test_it.py"


def told(text: str, **more: str) -> list[str]:
    """Each check that counts; `more` has other files, with `__` for `/` in their names."""
    side = Side({FILE: text, **{name.replace("__", "/") + ".py": code for name, code in more.items()}})
    module = side.module(FILE)
    assert module is not None
    test = read_test(side, module, next(iter(tests_in(module, side).values())))
    return [f"{claim.subject} {claim.kind} {claim.expected}".strip() for claim in test.claims if claim.counts]
