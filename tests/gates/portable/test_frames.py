"""The innermost line of the project's own code is where a failure is shown."""

from __future__ import annotations

import builtins
import doctest
from typing import Any

import pytest

from gates.portable.frames import Frame, Own, in_project, innermost, place_of_dump, place_of_exception, place_of_text
from tests.gates.portable.test_failure_signature import CRASH, ROOT, TIMEOUT, caught, function


@pytest.mark.parametrize(
    ("file", "name"),
    [
        (f"{ROOT}/src/pool.py", "src/pool.py"),
        ("src/pool.py", "src/pool.py"),
        ("../other/pool.py", ""),
        ("/usr/lib/python3.11/json/decoder.py", ""),
        (f"{ROOT}-other/pool.py", ""),
        (f"{ROOT}/.nox/test/lib/python3.11/json.py", ""),
        (f"{ROOT}/.tox/py/x.py", ""),
        (f"{ROOT}/.venv/x.py", ""),
        (f"{ROOT}/lib/site-packages/x.py", ""),
        ("<frozen importlib._bootstrap>", ""),
        ("", ""),
    ],
)
def test_only_files_of_the_project_count(file: str, name: str) -> None:
    assert in_project(file, ROOT) == name


def test_the_innermost_frame_of_the_project_counts() -> None:
    test, product = Frame(f"{ROOT}/tests/test_a.py", "test_a", 3), Frame(f"{ROOT}/src/pool.py", "take", 7)
    library = Frame("/usr/lib/x.py", "inner", 9)
    assert innermost([test, product, library], ROOT) == Frame("src/pool.py", "take", 7)
    assert innermost([test, library], ROOT) == Frame("tests/test_a.py", "test_a", 3)
    assert innermost([library], ROOT) is None


def test_a_tests_own_file_is_project_wherever_it_lies() -> None:
    own = Own("/usr/lib/python3/site-packages/pkg/tests/test_a.py", "pkg/tests/test_a.py")
    frames = [Frame(own.file, "test_a", 3), Frame("/usr/lib/x.py", "inner", 9)]
    assert innermost(frames, ROOT, own) == Frame("pkg/tests/test_a.py", "test_a", 3)


def raised(body: str, **names: Any) -> BaseException:
    """What a test raises that calls the product's function with this body, which begins in line 2."""
    inner = function(f"{ROOT}/src/pool.py", body, **names)
    return caught(function(f"{ROOT}/tests/test_a.py", "inner()", inner=inner))


GROUP = builtins.ExceptionGroup


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("raise ValueError", "src/pool.py:2"),
        ("x = 1\n    x += 1\n    assert x == 3", "src/pool.py:4"),
        ("import json; json.loads('{')", "src/pool.py:2"),
        ("eval('1 +')", "src/pool.py:2"),
        ("try:\n        1 / 0\n    except ZeroDivisionError as error:\n        raise OSError from error", "src/pool.py:5"),
        ("raise GROUP('2', [OSError('full'), KeyError('b')])", "src/pool.py:2"),
        ("try:\n        1 / 0\n    except ArithmeticError as one:\n        raise GROUP('1', [one])", "src/pool.py:3"),
        ("__tracebackhide__ = True; raise ValueError", "tests/test_a.py:2"),
    ],
)  # fmt: skip
def test_an_exception_is_placed_at_the_line_that_failed(body: str, place: str) -> None:
    assert place_of_exception(raised(body, GROUP=GROUP), ROOT) == place


def test_an_exception_of_others_is_placed_where_its_cause_came_through() -> None:
    error = caught(function("/usr/lib/pytest.py", "raise ImportError"))
    assert place_of_exception(error, ROOT) == ""
    error.__cause__ = raised("import nope_at_all")
    assert place_of_exception(error, ROOT) == "src/pool.py:2"


def test_causes_that_go_round_end() -> None:
    one, other = ValueError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    assert place_of_exception(one, ROOT) == ""


def test_a_file_that_python_cannot_read_is_the_place() -> None:
    with pytest.raises(SyntaxError) as caught_error:
        compile("x = 1\ndef f(:\n", f"{ROOT}/tests/test_b.py", "exec")
    error = caught_error.value
    assert place_of_exception(error, ROOT) == "tests/test_b.py:2"


def examples(text: str, start: int) -> doctest.DocTest:
    return doctest.DocTestParser().get_doctest(text, {}, "pool", f"{ROOT}/src/pool.py", start)


def test_an_example_of_a_doctest_is_the_place() -> None:
    test = examples("First.\n\n>>> 1\n1\n>>> 2\n3\n", 10)
    error = doctest.DocTestFailure(test, test.examples[1], "2")
    assert place_of_exception(error, ROOT) == "src/pool.py:15"

    class Several(Exception):
        failures = (error,)

    assert place_of_exception(Several(), ROOT) == "src/pool.py:15"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("tests/test_a.py:7: AssertionError", "tests/test_a.py:7"),
        ("tests/test_a.py:3: in test_a\n    f()\nsrc/pool.py:9: in f\n    raise ValueError\nE   ValueError", "src/pool.py:9"),
        (f'  File "{ROOT}/a.py", line 3, in outer\n    f()\n  File "/usr/lib/b.py", line 4, in inner\n', "a.py:3"),
        ('E     File "tests/test_b.py", line 2\nE       def f(:\nE   SyntaxError: invalid syntax', "tests/test_b.py:2"),
        (f"002 >>> 1\nExpected:\n    2\nGot:\n    1\n\n{ROOT}/src/pool.py:4: DocTestFailure", "src/pool.py:4"),
        ("thread 'full' panicked at src/pool.rs:12:5:\nassertion failed", "src/pool.rs:12"),
        ("thread 'full' panicked at 'no room', src/pool.rs:12:5", "src/pool.rs:12"),
        ("    pool_test.go:8: expected 3, got 4", "pool_test.go:8"),
        ("no place in here", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_words_alone_are_placed_as_far_as_they_go(text: str, place: str) -> None:
    assert place_of_text(text, ROOT) == place


def test_a_dump_is_placed_where_the_main_thread_stood() -> None:
    assert place_of_dump(TIMEOUT, ROOT) == "src/pool.py:12"
    assert place_of_dump(CRASH, ROOT) == "src/native.py:3"
    assert place_of_dump("Timeout", ROOT) == ""
