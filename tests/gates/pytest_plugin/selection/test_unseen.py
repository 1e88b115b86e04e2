"""Tests that pytest never sees are counted: those that a second one replaces, and those in files with other names."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from gates.pytest_plugin.selection.unseen import replaced_tests

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project

REPLACED = {
    "twice": ("def test_a(): 1\ndef test_a(): 2\n", [("test_a", 2, 1)]),
    "three times": ("def test_a(): 1\ndef test_a(): 2\ndef test_a(): 3\n", [("test_a", 2, 1), ("test_a", 3, 1)]),
    "async": ("async def test_a(): 1\ndef test_a(): 2\n", [("test_a", 2, 1)]),
    "methods": ("class TestA:\n    def test_a(self): 1\n    def test_a(self): 2\n", [("test_a", 3, 1)]),
    "classes": (
        "class TestA:\n    def test_a(self): 1\n    def test_b(self): 1\n\nclass TestA:\n    def test_c(self): 2\n",
        [("TestA", 5, 2)],
    ),
    "test cases": ("class A(TestCase):\n    def test_a(self): 1\n\nclass A(TestCase):\n    pass\n", [("A", 4, 1)]),
    "helpers": ("def help(): 1\ndef help(): 2\nclass A:\n    def test_a(self): 1\nclass A: pass\n", []),
    "in two classes": ("class TestA:\n    def test_a(self): 1\nclass TestB:\n    def test_a(self): 1\n", []),
    "one of two": ("if X:\n    def test_a(): 1\nelse:\n    def test_a(): 2\n", []),
    "used before": ("def test_a(): 1\nkept = mark(test_a)\ndef test_a(): 2\n", []),
    "used by the second": ("def test_a(): 1\n@test_a.register\ndef test_a(): 2\n", []),
    "overloads": ("@overload\ndef test_a(): 1\n@typing.overload\ndef test_a(): 1\ndef test_a(): 2\n", []),
    "a fixture": ("@pytest.fixture\ndef test_a(): 1\ndef test_a(): 2\n", []),
    "no Python": ("def test_a(): 1\ndef test_a(: 2\n", []),
}


@pytest.mark.parametrize("case", REPLACED)
def test_a_second_definition_in_the_same_block_replaces_the_first(case: str) -> None:
    text, lost = REPLACED[case]
    found = replaced_tests(text, lambda name: name.startswith("test"), lambda name: name.startswith("Test"))
    assert list(found) == lost


@pytest.mark.parametrize("options", [(), ("-n", "1", "--dist", "load")], ids=["alone", "xdist"])
def test_they_are_told_of_with_their_place(project: Project, options: tuple[str, ...]) -> None:
    twice = "def test_a(): assert 0\n\ndef test_a(): pass\n"
    lost = "def test_b(): pass\n"
    project.write(test_it=twice + "from shared_tests import test_s\n", tests_b=lost, btest=lost, latest=lost)
    project.write(shared_tests="def test_s(): pass\n", tests_helper="def helps(): pass\n", **{"sub/b_tests": lost})
    ran = project.injected(*options)
    assert {record["who"]: (record["what"], record["number"]) for record in ran.of("left-out")} == {
        "a second test_a (test_it.py:3)": ("tests", 1),
        "the name of tests_b.py (python_files = test_*.py *_test.py)": ("files", 1),
        "the name of sub/b_tests.py (python_files = test_*.py *_test.py)": ("files", 1),
    }


def test_a_test_case_counts_where_the_plugin_that_collects_it_is_switched_off(project: Project) -> None:
    case = "import unittest\nclass It(unittest.TestCase):\n    def test_a(self): assert 0\n    def test_b(self): pass\n"
    project.write(test_it=f"{case}def test_c(): pass\n")
    assert [record["who"] for record in project.injected().of("left-out")] == []
    ran = project.injected("-p", "no:unittest")
    assert [(record["who"], record["number"]) for record in ran.of("left-out")] == [("-p no:unittest", 2)]


def test_a_file_that_is_named_is_collected_whatever_its_name(project: Project) -> None:
    project.write(tests_b=dedent("def test_b(): pass\n"))
    assert not project.injected("tests_b.py").of("left-out")
