"""What a call in a test demands beyond what it must: a mock like the real thing, lists of one length, warnings that fail."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from gates.analysis.checks.trees import dotted, keyword, last_name, truth

Demand = Literal[
    "specified mock",
    "loose mock",
    "strict zip",
    "loose zip",
    "strict array",
    "loose array",
    "warnings fail",
    "warnings ignored",
    "a warning ignored",
]

_MOCKS = frozenset({"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "NonCallableMagicMock", "PropertyMock"})
_ARRAYS = frozenset({"assert_array_equal", "assert_equal", "assert_allclose", "assert_array_less"})
_SPECS = ("spec", "spec_set", "autospec")


def demands_of(call: ast.Call) -> Iterator[Demand]:
    """What a call, or a mark, demands."""
    name = last_name(call.func)
    if name == "create_autospec":
        yield "specified mock"
    elif name in _MOCKS:
        yield "specified mock" if _is_specified(call) else "loose mock"
    elif name in {"patch", "object"} and "patch" in dotted(call.func):
        if _is_specified(call):
            yield "specified mock"
        elif keyword(call, "new") is None and len(call.args) <= (name == "object") + 1:
            yield "loose mock"
    elif name == "zip" and len(call.args) > 1:
        strict = keyword(call, "strict")
        yield "strict zip" if strict is not None and truth(strict) is True else "loose zip"
    elif name in _ARRAYS and len(call.args) > 1:
        strict = keyword(call, "strict")
        yield "strict array" if strict is not None and truth(strict) is True else "loose array"
    elif name in {"simplefilter", "filterwarnings"} and call.args:
        yield from _of_filter(call, call.args[0])


def _is_specified(call: ast.Call) -> bool:
    given = [one for name in _SPECS if (one := keyword(call, name)) is not None]
    plain = bool(call.args) and last_name(call.func) in _MOCKS
    return plain or any(not isinstance(one, ast.Constant) or bool(one.value) for one in given)


def _of_filter(call: ast.Call, first: ast.expr) -> Iterator[Demand]:
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return
    action, _, rest = first.value.partition(":")  # a mark has the whole filter in one text
    # A call in the test may be about a few of its lines; a mark is about all of them.
    some = bool(rest.strip(":") or len(call.args) > 1 or call.keywords or "mark." not in dotted(call.func))
    if action == "error":
        yield "warnings fail"
    elif action == "ignore":
        yield "a warning ignored" if some else "warnings ignored"
