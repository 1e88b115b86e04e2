"""A signature is the same for the same cause, and different for another one."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.failure_signature import LIMIT, normalise, of_crash, of_exception, of_text, of_timeout, typed

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = "/home/me/project"


@pytest.mark.parametrize(
    ("message", "stable"),
    [
        ("", ""),
        ("\n  \n  first\nsecond", "first"),
        ("two   spaces\tand a tab", "two spaces and a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        # Numbers: other values of the same assertion are the same cause.
        ("assert 3 == 4", "assert # == #"),
        ("assert -3 == +4.5e-7", "assert # == #"),
        ("assert 1_000 == 1,000", "assert # == #"),
        ("3-4 of (5)", "#-# of (#)"),
        ("after 0.25s, 12ms, 3 h", "after #… h"),
        ("assert [1, 2, 3] == [1, 2, 4, 5]", "assert [#…] == [#…]"),
        ("int64, test_1 and utf8 keep theirs", "int64, test_1 and utf8 keep theirs"),
        ("version 3.11.7 at 127.0.0.1:8080", "version # at #:#"),
        # Addresses and reprs.
        ("<Foo object at 0x7f12ab34cd56>", "<Foo object>"),
        ("<function f at 0x00AF> is 0xdeadBEEF", "<function f> is <hex>"),
        # Identities and times.
        ("id 123e4567-e89b-12d3-a456-426614174000 is gone", "id <uuid> is gone"),
        ("commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904", "commit <hex>"),
        ("defaced facade", "defaced facade"),
        ("at 2026-10-31T12:00:00.123Z", "at <time>"),
        ("on 2026-10-31, 12:00:01", "on <time>, <time>"),
        # Paths.
        ("No such file: '/home/me/project/data/x.json'", "No such file: '<path>/x.json'"),
        ("No such file: '/Users/My Name/project/x.json'", "No such file: '<path>/x.json'"),
        ("cannot read /tmp/pytest-of-me/pytest-7/test_a0/config.toml", "cannot read <path>/config.toml"),
        ("in /tmp/tmpab12cd_x", "in <path>/<tmp>"),
        (r"in 'C:\\Users\\me\\x.py'", "in '<path>/x.py'"),
        ("and/or, tests/a.py, http://host/a/b stay", "and/or, tests/a.py, http://host/a/b stay"),
        # Quoted words tell causes apart; long values do not.
        ("KeyError: 'name'", "KeyError: 'name'"),
        (f"assert 'a{'b' * 60}' == 'c'", "assert '…' == 'c'"),
        ("assert 'aaaa...bbbb' == 'c'", "assert '…' == 'c'"),
        ("it can't be that this isn't a value of any length", "it can't be that this isn't a value of any length"),
    ],
)  # fmt: skip
def test_a_message_keeps_what_tells_causes_apart(message: str, stable: str) -> None:
    assert normalise(message) == stable


@given(st.text())
def test_any_message_becomes_one_short_line(message: str) -> None:
    line = normalise(message)
    assert len(line) <= LIMIT
    assert len(line.splitlines()) <= 1


@given(st.integers(), st.integers(), st.uuids(), st.floats(allow_nan=False, allow_infinity=False))
def test_what_changes_from_run_to_run_changes_nothing(one: int, other: int, uuid: Any, number: float) -> None:
    def said(first: object, second: object) -> str:
        return normalise(
            f"expected {first} of {uuid} in /tmp/{uuid}/f.txt, got {second} at 0x{abs(one):x} {object()!r}"
        )

    assert said(one, number) == said(other, one) == "expected # of <uuid> in <path>/f.txt, got # <object object>"


def test_a_huge_message_costs_little() -> None:
    assert normalise("/" * 100_000) == normalise("/" * 200_000)
    assert len(normalise("'a/" * 100_000)) <= LIMIT


def function(file: str, body: str, **names: Any) -> Callable[[], None]:
    """A function that was written in `file`."""
    scope: dict[str, Any] = {"__name__": "made", **names}
    exec(compile(f"def fail():\n    {body}\n", file, "exec"), scope)
    found: Callable[[], None] = scope["fail"]
    return found


def caught(call: Callable[[], None]) -> BaseException:
    try:
        call()
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError("nothing was raised")


class Hostile(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Fake(Exception):
    exceptions = ("no exception",)


GROUP = builtins.ExceptionGroup


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("raise ValueError('block 7 of 9 is not free')", "ValueError: block # of # is not free"),
        ("raise KeyError('name')", "KeyError: 'name'"),
        ("raise ValueError", "ValueError"),
        ("assert 1 == 2, 'one\\ntwo'", "AssertionError: one"),
        ("raise Hostile", "Hostile"),
        ("raise Fake('x')", "Fake: x"),
        ("raise GROUP('3 of them', [GROUP('2', [OSError('full')]), KeyError('b')])", "ExceptionGroup: ExceptionGroup: OSError: full"),
        ("raise SystemExit(3)", "SystemExit: #"),
    ],
)  # fmt: skip
def test_an_exception_is_signed_with_type_message_and_place(body: str, wanted: str) -> None:
    inner = function(f"{ROOT}/src/pool.py", body, Hostile=Hostile, Fake=Fake, GROUP=GROUP)
    error = caught(function(f"{ROOT}/tests/test_a.py", "inner()", inner=inner))
    assert of_exception(error, ROOT) == (wanted if "GROUP" in body else f"{wanted} @ src/pool.py:fail")


def test_a_helper_that_hides_itself_is_not_the_place() -> None:
    helper = function(f"{ROOT}/tests/helper.py", "__tracebackhide__ = True; raise ValueError('x')")
    error = caught(function(f"{ROOT}/tests/test_a.py", "inner()", inner=helper))
    assert of_exception(error, ROOT) == "ValueError: x @ tests/test_a.py:fail"


def test_lines_that_move_change_nothing() -> None:
    signed = set()
    for padding in ("", "\n" * 50):
        scope: dict[str, Any] = {}
        exec(compile(padding + "def fail():\n    raise ValueError\n", f"{ROOT}/src/pool.py", "exec"), scope)
        signed.add(of_exception(caught(scope["fail"]), ROOT))
    assert signed == {"ValueError @ src/pool.py:fail"}


@pytest.mark.parametrize(
    ("message", "text", "wanted"),
    [
        ("pkg.errors.Full: 3 left", "", "Full: # left"),
        ("assert 1 == 2", "tests/test_a.py:7: AssertionError", "AssertionError: assert # == # @ tests/test_a.py"),
        (
            "ModuleNotFoundError: No module named 'nope'",
            "tests/test_a.py:1: in <module>\n    import nope\nE   ModuleNotFoundError: No module named 'nope'",
            "ModuleNotFoundError: No module named 'nope' @ tests/test_a.py:<module>",
        ),
        (
            "ValueError: x",
            f'Traceback:\n  File "{ROOT}/a.py", line 3, in outer\n    f()\n  File "/usr/lib/b.py", line 4, in inner\n',
            "ValueError: x @ a.py:outer",
        ),
        ("[XPASS(strict)] known bug", "[XPASS(strict)] known bug", "[XPASS(strict)] known bug"),
        ("", "", ""),
    ],
)
def test_words_alone_are_signed_as_far_as_they_go(message: str, text: str, wanted: str) -> None:
    assert of_text(message, text, ROOT) == wanted


@pytest.mark.parametrize(
    ("message", "kind", "said"),
    [
        ("boom", "java.lang.IllegalStateException", "IllegalStateException: boom"),
        ("ValueError: boom", "ValueError", "ValueError: boom"),
        ("ValueErrors are bad", "ValueError", "ValueError: ValueErrors are bad"),
        ("assert x", "", "AssertionError: assert x"),
        ("boom", "test failure with exit code 101", "boom"),
        ("", "E", "E"),
        ("a.b: c", "", "a.b: c"),
    ],
)
def test_a_message_begins_with_its_type_once(message: str, kind: str, said: str) -> None:
    assert typed(message, kind) == said


TIMEOUT = f"""Timeout (0:00:01)!
Thread 0x00007f01 (most recent call first):
  File "{ROOT}/src/worker.py", line 3 in loop
  File "/usr/lib/python3.11/threading.py", line 975 in run

Thread 0x00007f02 [MainThread] (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait
  File "{ROOT}/src/pool.py", line 12 in take
  File "{ROOT}/tests/test_a.py", line 5 in test_a
  File "{ROOT}/.nox/test/lib/python3.11/site-packages/_pytest/python.py", line 195 in pytest_pyfunc_call
"""


def test_a_timeout_is_signed_with_the_place_where_the_main_thread_hangs() -> None:
    assert of_timeout(TIMEOUT, ROOT) == "timeout @ src/pool.py:take"
    assert of_timeout(f"timed out after 1s\n\n{TIMEOUT}", ROOT) == "timeout @ src/pool.py:take"
    assert of_timeout("Timeout", ROOT) == "timeout"


CRASH = f"""worker 'gw0' crashed while running 'tests/test_a.py::test_a'

Fatal Python error: Segmentation fault

Current thread 0x00007f01 (most recent call first):
  File "/usr/lib/python3.11/ctypes/__init__.py", line 519 in string_at
  File "{ROOT}/src/native.py", line 3 in peek

Thread 0x00007f02 (most recent call first):
  File "{ROOT}/src/pool.py", line 12 in take
"""


def test_a_crash_is_signed_with_its_signal_and_its_place() -> None:
    assert of_crash(CRASH, ROOT) == "crashed: signal 11 (SIGSEGV) @ src/native.py:peek"
    assert of_crash("worker 'gw0' crashed while running 'a'", ROOT) == "crashed"
    assert of_crash("Fatal Python error: Cannot recover from stack overflow.", ROOT).startswith(
        "crashed: Cannot recover"
    )
