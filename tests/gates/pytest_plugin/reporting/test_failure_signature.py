"""Failures are signed where they happen, whatever pytest is told to show of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project

POOL = """
def take(number):
    if number > 3:
        raise ValueError(f"block {number} is not free")
    return number
"""

TESTS = """
import pytest
import src.pool

def test_product():
    src.pool.take(7)

def test_library():
    import json
    json.loads("{")

def test_given_up():
    pytest.fail("given up after 3 tries")

@pytest.mark.xfail(reason="known")
def test_expected():
    src.pool.take(9)

def test_says_xfail_itself():
    pytest.xfail("not yet")

def test_missing_fixture(nope):
    pass

@pytest.mark.parametrize("number", [1, 1])
def test_twice(number):
    assert number == 2

class Hostile(Exception):
    def __str__(self):
        raise RuntimeError

def test_hostile():
    raise Hostile
"""

WANTED = {
    "test_product": "ValueError: block # is not free @ src/pool.py:take",
    "test_library": (
        "JSONDecodeError: Expecting property name enclosed in double quotes: line # column # (char #)"
        " @ test_it.py:test_library"
    ),
    "test_given_up": "Failed: given up after # tries @ test_it.py:test_given_up",
    "test_expected": "ValueError: block # is not free @ src/pool.py:take",
    "test_says_xfail_itself": "",
    "test_hostile": "Hostile @ test_it.py:test_hostile",
}


@pytest.mark.parametrize(
    "options",
    [(), ("--tb=no",), ("--tb=native", "-vv"), ("-n", "2", "--dist", "loadgroup"), ("-p", "no:terminal")],
    ids=["plain", "no traceback", "native", "xdist", "no terminal"],
)
def test_a_signature_depends_on_nothing_that_is_shown(project: Project, options: tuple[str, ...]) -> None:
    project.write_file("src/pool.py", POOL)
    project.write_file("test_it.py", TESTS)
    tests = project.injected("-p", "no:randomly", *options, PYTHONSAFEPATH="", PYTHONDONTWRITEBYTECODE="1").tests
    assert {name: tests[name].get("signature", "") for name in WANTED} == WANTED
    assert tests["test_missing_fixture"]["signature"].startswith("FixtureLookupError")
    assert len({record["signature"] for name, record in tests.items() if name.startswith("test_twice")}) == 1


PLACES = """
import asyncio, unittest
import pytest
import helpers, src.pool

@pytest.fixture
def broken():
    number = 1
    raise OSError("no database")  # fails: test_setup

@pytest.fixture
def breaks():
    yield
    raise OSError("cannot clean up")  # fails: test_teardown

def test_plain():
    number = 1
    assert number == 2  # fails: test_plain

def test_helper():
    helpers.check(1)

def test_product():
    src.pool.take(7)

def test_setup(broken):
    pass

def test_teardown(breaks):
    pass

@pytest.mark.parametrize("number", [1])
def test_parametrised(number):
    number += 1
    assert number == 1  # fails: test_parametrised[1]

def test_async():
    async def inner():
        await asyncio.sleep(0)
        raise KeyError("x")  # fails: test_async

    asyncio.run(inner())

def test_not_raised():
    with pytest.raises(ValueError):  # fails: test_not_raised
        src.pool.take(1)

def test_without_traceback():
    number = 1
    pytest.fail("no good", pytrace=False)  # fails: test_without_traceback

class TestUnit(unittest.TestCase):
    def test_equal(self):
        number = 1
        self.assertEqual(number, 2)  # fails: TestUnit::test_equal

def test_subtest(subtests):
    with subtests.test("one"):
        number = 1
        assert number == 2  # fails: test_subtest
"""

PLACED = {
    **{
        line.rpartition("# fails: ")[2]: f"test_places.py:{number}"
        for number, line in enumerate(PLACES.splitlines(), 1)
        if "# fails: " in line
    },
    "test_helper": "helpers.py:3",
    "test_product": "src/pool.py:4",
}


@pytest.mark.parametrize("options", [(), ("--tb=no", "-n", "1")], ids=["plain", "xdist, no traceback"])
def test_a_failure_is_placed_at_the_line_that_failed(project: Project, options: tuple[str, ...]) -> None:
    project.write_file("src/pool.py", POOL)
    project.write_file("helpers.py", "def check(number):\n    wanted = 2\n    assert number == wanted\n")
    project.write_file("test_places.py", PLACES)
    project.write_file("test_unread.py", "x = 1\ndef f(:\n    pass\n")
    project.write_file("test_unimported.py", "import os\nimport nope\n")
    on = ("-p", "no:randomly", "--continue-on-collection-errors", *options)
    ran = project.injected(*on, PYTHONSAFEPATH="", PYTHONDONTWRITEBYTECODE="1")
    assert {name: record["place"] for name, record in ran.tests.items()} == PLACED
    assert ran.tests["test_subtest"]["subtests"][0]["place"] == PLACED["test_subtest"]
    broken = {record["file"]: record["place"] for record in ran.of("collect-error")}
    assert broken == {"test_unread.py": "test_unread.py:2", "test_unimported.py": "test_unimported.py:2"}


def test_a_doctest_is_placed_at_its_example_and_says_what_it_got(project: Project) -> None:
    project.write_file("pool.py", 'def take(n):\n    """\n    >>> take(1)\n    2\n    """\n    return n\n')
    (record,) = project.injected("--doctest-modules", "pool.py").of("test")
    assert (record["place"], record["message"]) == ("pool.py:3", "expected 2, got 1")


def test_a_module_that_cannot_be_imported_is_signed(project: Project) -> None:
    project.write_file("test_it.py", "import nope\n")
    (record,) = project.injected().of("collect-error")
    assert record["signature"] == "ModuleNotFoundError: No module named 'nope' @ test_it.py:<module>"


HANGS = """
import threading

def wait_for_nothing():
    threading.Event().wait()

def test_hangs():
    wait_for_nothing()
"""


@pytest.mark.slow
def test_a_timeout_is_signed_with_the_function_that_hangs(project: Project) -> None:
    project.write_file("test_it.py", HANGS)
    record = project.injected("-n", "1", settings={"test_timeout": 0.5}).tests["test_hangs"]
    assert record["signature"] == "timeout @ test_it.py:wait_for_nothing"
    assert record["place"] == "test_it.py:5"


CRASHES = """
import faulthandler

def crash():
    faulthandler._sigsegv()

def test_crashes():
    crash()
"""


def test_a_crash_is_signed_with_its_signal(project: Project) -> None:
    project.write_file("test_it.py", CRASHES)
    record = project.injected("-n", "1").tests["test_crashes"]
    assert record["signature"] == "crashed: signal 11 (SIGSEGV) @ test_it.py:crash"
    assert record["place"] == "test_it.py:5"
