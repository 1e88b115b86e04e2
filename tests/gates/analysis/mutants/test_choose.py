"""Which code is worth a fault, and how faults are named."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.analysis.mutants.choose import diff_of, faults_of
from gates.analysis.mutants.operators import TABLE
from gates.results import FAULT_OPERATORS
from tests.gates.analysis.mutants.valid import is_python

ARID = {
    "a log message": "def f(a):\n    logger.info('text', a + 1)\n",
    "a log message through self": "def f(self, a):\n    self._log.debug('text %s', a + 1)\n",
    "a warning": "def f(a):\n    warnings.warn('text', stacklevel=a + 1)\n",
    "standard error": "def f(a):\n    sys.stderr.write(a + 1)\n",
    "a method for people": "class A:\n    def __repr__(self):\n        return self.a + 1\n",
    "an import": "from a import b\nimport c\n",
    "an annotation": "def f(a: 'int | None') -> 'int | None': ...\nx: 'a | b'\n",
    "a docstring": "def f():\n    'text'\n",
    "types only": "if TYPE_CHECKING:\n    A = 1 + 1\n",
    "a script": "if __name__ == '__main__':\n    main(1 + 1)\n",
    "a platform": "def f(a):\n    if sys.platform == 'linux':\n        a.run(1 + 1)\n",
    "an abstract method": "class A:\n    @abstractmethod\n    def f(self):\n        return 1 + 1\n",
    "a stub": "def f():\n    raise NotImplementedError('text')\n",
    "a protocol": "class A(Protocol):\n    def f(self):\n        return 1 + 1\n",
    "an assertion": "def f(a):\n    assert a == 1\n",
    "a cache": "def f(self, a, b):\n    self._cache[a] = b + 1\n",
    "a timeout": "TIMEOUT = 1 + 1\n",
    "a sleep": "def f(a):\n    timeout = a + 1\n",
    "a pragma": "def f(a):\n    return a + 1  # pragma: no mutate\n",
    "a declaration": "__all__ = ['a']\n",
    "a type": "def f(a):\n    return cast('a | b', a)\n",
    "tidying up": "def f(a):\n    a.close()\n    super().f()\n",
    "a stream that is flushed": "def f(a):\n    a.flush()\n",
}


@pytest.mark.parametrize("text", ARID.values(), ids=ARID)
def test_nothing_is_planted_in(text: str) -> None:
    assert [(one.line, one.what) for one in faults_of("m.py", text.encode()) if one.operator != "return"] == []


KEPT = {
    "what a caller passes besides a timeout": ("def f(a):\n    a.run(timeout=5, times=5)\n", "5 became 6"),
    "code before return, not after it": ("def f(a):\n    return a + 1\n    a.b(2 + 1)\n", "+ became -"),
    "a class in a function": ("def f():\n    class A:\n        def g(self):\n            return 1 + 2\n", "+ became -"),
    "an inner function": ("def f():\n    def g(a):\n        return a < 1\n    return g\n", "< became <="),
    "a comprehension": ("def f(a):\n    return [b + 1 for b in a]\n", "+ became -"),
    "a case": ("def f(a):\n    match a:\n        case 1:\n            return a + 1\n", "+ became -"),
    "a handler": (
        "def f(a):\n    try:\n        a.b()\n    except KeyError:\n        return 2\n",
        "KeyError is not caught",
    ),
}


@pytest.mark.parametrize(("text", "what"), KEPT.values(), ids=KEPT)
def test_a_fault_is_planted_in(text: str, what: str) -> None:
    found = [one.what for one in faults_of("m.py", text.encode())]
    assert what in found
    assert not any("2 + 1" in one.what for one in faults_of("m.py", text.encode()))


NAMED = {
    "A.B.f": "class A:\n    class B:\n        def f(self, a):\n            return a + 1\n",
    "f.g": "def f():\n    def g(a):\n        return a + 1\n",
    "f.A.g": "def f():\n    class A:\n        def g(self, a):\n            return a + 1\n",
    "": "A = b + 1\n",
}


@pytest.mark.parametrize(("name", "text"), NAMED.items())
def test_a_fault_says_which_function_is_around_it(name: str, text: str) -> None:
    assert [one.function for one in faults_of("m.py", text.encode()) if one.operator == "arithmetic"] == [name]


def test_a_maximum_is_the_same_with_an_equal_value() -> None:
    text = "def f(a):\n    best = 0\n    for b in a:\n        if b > best:\n            best = b\n    return best\n"
    assert "comparison" not in {one.operator for one in faults_of("m.py", text.encode())}


def test_only_wanted_lines_have_faults() -> None:
    text = b"def f(a):\n    b = a + 1\n    return b + 2\n"
    assert {one.line for one in faults_of("m.py", text, {3}.__contains__)} == {3}


def test_the_most_promising_fault_of_a_line_comes_first() -> None:
    assert faults_of("m.py", b"def f(a):\n    return a + 1 < 2\n")[0].operator == "comparison"


def test_a_name_stays_while_function_operator_and_line_do() -> None:
    before = b"def f(a):\n    return a + 1\n"
    after = b"import os\n\n\ndef f(a):\n    return a + 1\n"
    other = b"def g(a):\n    return a + 1\n"
    names = [{one.id for one in faults_of("m.py", text)} for text in (before, after, other)]
    assert names[0] == names[1]
    assert names[0].isdisjoint(names[2])


def test_an_equal_line_further_down_does_not_change_a_name() -> None:
    before = b"def f(a):\n    b = a + 1\n"
    found = [one.id for one in faults_of("m.py", before)]
    again = [one.id for one in sorted(faults_of("m.py", before + b"    b = a + 1\n"), key=lambda one: one.line)]
    assert sorted(again[: len(found)]) == sorted(found)
    assert not any("-" in name for name in found)


def test_no_two_faults_share_a_name() -> None:
    text = b"def f(a):\n    b = a + 1\n    b = a + 1\n    return a + 1 + a + 1\n"
    names = [one.id for one in faults_of("m.py", text)]
    assert len(names) == len(set(names))


def test_the_diff_shows_only_the_changed_lines() -> None:
    text = b"def f(a):\n    return a + 1\n"
    (fault,) = [one for one in faults_of("m.py", text) if one.operator == "arithmetic"]
    assert diff_of(fault, text) == "@@ -2 +2 @@\n-    return a + 1\n+    return a - 1"


def test_a_fault_over_several_lines_moves_no_line() -> None:
    text = dedent(
        """
        def f(a):
            a.run(
                1,
                2,
            )
            return a
        """
    ).encode()
    for fault in faults_of("m.py", text):
        assert fault.edit.apply(text).count(b"\n") == text.count(b"\n")
        assert is_python(fault, text)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"def (", b"# coding: latin-1\n\xe4 = 1\n"])
def test_what_is_no_python_in_utf_8_has_no_faults(data: bytes) -> None:
    assert faults_of("m.py", data) == ()


def test_the_table_has_each_operator_once_the_most_promising_first() -> None:
    assert tuple(row.name for row in TABLE) == FAULT_OPERATORS
    assert [row.weight for row in TABLE] == sorted((row.weight for row in TABLE), reverse=True)


RESULTS = {
    "of any kind": ("def f(a):\n    return a\n", ["return None"]),
    "that is a bool": ("def f(a) -> bool:\n    return a\n", ["return (not (a))"]),
    "of another type": ("def f(a) -> int:\n    return a\n", ["return None"]),
    "that never comes": ("def f(a) -> NoReturn:\n    return a\n", []),
    "that is None already": ("def f(a):\n    return None\n", []),
}


@pytest.mark.parametrize(("text", "changed"), RESULTS.values(), ids=RESULTS)
def test_a_result(text: str, changed: list[str]) -> None:
    faults = [one for one in faults_of("m.py", text.encode()) if one.operator == "return"]
    assert [one.edit.apply(text.encode()).decode().split("\n")[1].strip() for one in faults] == changed


LOOPS = {
    "in a for loop": ("for b in a:\n        break\n", 1),
    "in a while loop, where it would never end": ("while a:\n        break\n", 0),
    "after a for loop in a while loop": ("while a:\n        for b in a:\n            b()\n        else:\n            break\n", 0),
    "after a while loop in a for loop": ("for b in a:\n        while a:\n            b()\n        else:\n            break\n", 1),
}  # fmt: skip


@pytest.mark.parametrize(("text", "number"), LOOPS.values(), ids=LOOPS)
def test_a_jump_belongs_to_its_own_loop(text: str, number: int) -> None:
    faults = faults_of("m.py", f"def f(a):\n    {text}".encode())
    assert len([one for one in faults if one.operator == "jump"]) == number


TYPES = {
    "of cast": ("cast('a | b', a + 1)", ["+ became -"]),
    "of isinstance": ("isinstance(a + 1, B | C)", ["+ became -"]),
    "of NewType": ("NewType('A', a + 1)", []),
}


@pytest.mark.parametrize(("text", "what"), TYPES.values(), ids=TYPES)
def test_arguments_that_are_types_have_no_faults(text: str, what: list[str]) -> None:
    faults = faults_of("m.py", f"def f(a):\n    return {text}\n".encode())
    assert [one.what for one in faults if one.operator == "arithmetic"] == what


NAMES = st.sampled_from(["a", "b", "f(a)", "a.b", "'ä'", "1", "not a", "(a)", "[a, b][1:]", "a if b else 2"])


@given(
    left=NAMES, right=NAMES, op=st.sampled_from(["+", "<", "and", "is not", "not in", "%", "=="]), breaks=st.booleans()
)
def test_every_fault_is_valid_python_wherever_the_line_breaks(left: str, right: str, op: str, breaks: bool) -> None:
    gap = "\n        " if breaks else " "
    text = f"def f(a, b):\n    if ({left}){gap}{op} ({right}):\n        return g({left},{gap}k={right})\n"
    if breaks:
        text = f"def f(a, b):\n    return (({left}){gap}{op}{gap}({right}))\n"
    for fault in faults_of("m.py", text.encode()):
        assert is_python(fault, text.encode()), diff_of(fault, text.encode())
        assert fault.edit.apply(text.encode()).count(b"\n") == text.count("\n")
