"""New tests count by function: one parameter, or one gate, that fails without the change shows it."""

from __future__ import annotations

from typing import Any

import pytest

from gates.results import RedGreen, RedGreenTest


def found(*tests: tuple[str, Any], kind: Any = "new") -> RedGreen:
    return RedGreen(
        tests=tuple(
            RedGreenTest(test=name, function=name.partition("[")[0].rpartition(": ")[2], kind=kind, finding=finding)
            for name, finding in tests
        )
    )


@pytest.mark.parametrize(
    ("tests", "already", "open_"),
    [
        ((), (), ()),
        ((("a", "red"),), (), ()),
        ((("a", "green"),), ("a",), ()),
        ((("a", "unknown"),), (), ("a",)),
        ((("a[1]", "green"), ("a[2]", "red")), (), ()),
        ((("a[1]", "green"), ("a[2]", "green")), ("a",), ()),
        ((("a[1]", "green"), ("a[2]", "unknown")), (), ("a",)),
        ((("a[1]", "red"), ("a[2]", "unknown")), (), ()),
        ((("py311: a", "green"), ("py312: a", "red"), ("py312: b", "green")), ("b",), ()),
    ],
)
def test_a_function_passes_already_if_all_its_tests_do(
    tests: tuple[tuple[str, str], ...], already: tuple[str, ...], open_: tuple[str, ...]
) -> None:
    assert (found(*tests).passes_already, found(*tests).open) == (already, open_)


def test_changed_tests_do_not_count() -> None:
    assert found(("a", "green"), ("b", "unknown"), kind="changed").passes_already == ()
    assert found(("a", "green"), ("b", "unknown"), kind="changed").open == ()
