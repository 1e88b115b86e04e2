"""Code with counters does what the other does, and counts."""

from __future__ import annotations

import ast
import sys
from types import CodeType
from typing import Any

import pytest

from gates.portable.counted_code import (
    LIMIT,
    counted,
    counters_of,
    counting_codes,
    key_of,
    numbered,
    numbers_in,
    replaces,
)


class Counted:
    """A module whose functions count some statements."""

    def __init__(self, source: str, lines: list[int]) -> None:
        self.plain: dict[str, Any] = {}
        exec(compile(source, "sample.py", "exec", dont_inherit=True), self.plain)
        places = [
            (line, len(text) - len(text.lstrip())) for line, text in enumerate(source.splitlines(), 1) if line in lines
        ]
        self.codes = counting_codes(source.encode(), "sample.py", numbered(places, 0), None)
        for at in range(len(places)):
            self.plain |= counters_of(at)
        self.size = len(places)

    def function(self, name: str, *, inside: str = "") -> Any:
        """A function of the module, with counters."""
        made = self.plain[inside].__dict__[name] if inside else self.plain[name]
        assert replaces(self.codes[key_of(made.__code__)], made.__code__)
        made.__code__ = self.codes[key_of(made.__code__)]
        return made

    @property
    def ran(self) -> list[int]:
        return [counted(at, self.plain)[0] for at in range(self.size)]

    @property
    def raised(self) -> list[int]:
        return [counted(at, self.plain)[1] for at in range(self.size)]


def test_each_statement_is_counted_where_it_is() -> None:
    module = Counted(
        "def f(xs):\n    '''Doc.'''\n    for x in xs:\n        if x > 1:\n            assert x\n    assert xs\n", [5, 6]
    )
    made = module.function("f")
    made([1, 2, 3])
    assert (module.ran, module.raised, made.__doc__) == ([2, 1], [0, 0], "Doc.")


def test_what_raises_is_counted_and_goes_on_with_its_own_traceback() -> None:
    module = Counted(
        "def f(x):\n    try:\n        assert x, 'no'\n    except AssertionError as error:\n        return error\n", [3]
    )
    error = module.function("f")(0)
    assert (module.ran, module.raised, str(error)) == ([1], [1], "no")
    assert [(line := error.__traceback__).tb_lineno, line.tb_next] == [3, None]


def test_counting_stops_at_the_limit() -> None:
    module = Counted(f"def f():\n    for x in range({LIMIT + 50}):\n        assert x >= 0\n", [3])
    module.function("f")()
    assert module.ran == [LIMIT]


def test_closures_methods_generators_and_coroutines_count() -> None:
    source = (
        "class A:\n    def m(self):\n        assert self.__class__ is __class__\n        return super().__repr__()\n\n"
        "def outer(n):\n    def inner():\n        assert n\n    return inner\n\n"
        "def g():\n    for x in (1, 2):\n        assert x\n        yield x\n\n"
        "async def c():\n    assert c\n"
    )
    module = Counted(source, [3, 8, 13, 17])
    module.function("m", inside="A")
    module.plain["A"]().m()
    module.function("outer")(1)()
    assert list(module.function("g")()) == [1, 2]
    with pytest.raises(StopIteration):
        module.function("c")().send(None)
    assert module.ran == [1, 1, 2, 1]


def test_a_with_statement_counts_however_it_is_left() -> None:
    source = "from contextlib import suppress\n\ndef f():\n    with suppress(ValueError):\n        int('x')\n    with suppress(KeyError):\n        return 3\n"
    module = Counted(source, [4, 6])
    assert module.function("f")() == 3
    assert (module.ran, module.raised) == ([1, 1], [0, 0])


def test_no_line_appears_that_was_not_there() -> None:
    source = "def f(x):\n    y = x\n    assert (\n        y\n    )\n    return y\n"
    module = Counted(source, [3])
    before = module.plain["f"].__code__
    lines = {line for _, _, line in before.co_lines() if line}
    assert {line for _, _, line in module.codes["f", 1].co_lines() if line} == lines


def test_other_code_is_not_replaced() -> None:
    module = Counted("def f(x):\n    assert x\n", [2])
    counting = module.codes["f", 1]

    def code(source: str) -> CodeType:
        (found,) = [
            one
            for one in compile(source, "sample.py", "exec", dont_inherit=True).co_consts
            if isinstance(one, CodeType)
        ]
        return found

    assert replaces(counting, code("def f(x):\n    assert x\n"))
    assert not replaces(counting, code("def f(x):\n    check(x)\n    assert x\n"))
    assert not replaces(counting, code("def f(x, y):\n    assert x\n"))
    assert not replaces(counting, code("def f(x):\n    assert x, 'other'\n"))
    assert not replaces(counting, code("async def f(x):\n    assert x\n"))


def test_functions_without_places_are_not_compiled() -> None:
    source = "from __future__ import annotations\n\ndef other():\n    assert 1\n\nif True:\n    def f(x: int):\n        assert x\nelse:\n    other()\n"
    assert list(Counted(source, [8]).codes) == [("f", 7)]


def test_what_else_changes_the_tree_is_applied_to_the_counting_code() -> None:
    seen: list[str] = []
    counting_codes(b"def f():\n    assert 1\n", "x.py", {(2, 4): 0}, lambda tree: seen.append(ast.unparse(tree)))
    assert "assert 1" in seen[0]
    assert next(iter(counters_of(0))) in seen[0]


@pytest.mark.skipif(sys.version_info < (3, 10), reason="there was no `match`")
def test_a_place_in_a_branch_of_match_is_counted() -> None:
    module = Counted(
        "def f(x):\n    match x:\n        case 1:\n            assert x\n        case _:\n            assert not x\n",
        [4, 6],
    )
    made = module.function("f")
    made(1)
    made(0)
    made(0)
    assert module.ran == [1, 2]


def test_the_statements_of_inner_functions_belong_to_the_outer_one() -> None:
    module = Counted("def f():\n    assert 1\n    def g():\n        assert 2\n    return g\n", [2, 4])
    assert (numbers_in(module.codes["f", 1]), numbers_in(module.codes["g", 3])) == ({0, 1}, {1})
