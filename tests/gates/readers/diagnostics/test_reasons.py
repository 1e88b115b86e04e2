"""The part of a log that says why a gate failed, whatever wrote the log."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.readers.diagnostics.reasons import CHARACTERS, LAST, LINES, excerpt, last_words

SAMPLES = Path(__file__).parent / "samples"


def shown(log: str, *, stopped: bool = False) -> str:
    return "\n".join(excerpt(dedent(log).lstrip("\n"), stopped=stopped))


CASES = {
    "ruff": (
        """
        F401 [*] `os` imported but unused
         --> a.py:1:8
          |
        1 | import os
          |        ^^
          |
        help: Remove unused import: `os`

        Found 1 error.
        [*] 1 fixable with the `--fix` option.
        """,
        (
            "F401 [*] `os` imported but unused\n --> a.py:1:8\n  |\n1 | import os\n  |        ^^\n  |\n"
            "help: Remove unused import: `os`\nFound 1 error."
        ),
    ),
    "mypy": (
        'a.py:5: error: Incompatible return value type (got "int")  [return-value]\nFound 1 error in 1 file',
        'a.py:5: error: Incompatible return value type (got "int")  [return-value]\nFound 1 error in 1 file',
    ),
    "gcc under make": (
        """
        gcc -c a.c
        a.c: In function 'main':
        a.c:2:21: warning: initialization of 'int' from 'char *' makes integer from pointer
        a.c:2:33: error: 'y' undeclared (first use in this function)
            2 | int main(){ return y; }
              |                    ^
        make: *** [Makefile:4: a] Error 1
        """,
        (
            "a.c:2:33: error: 'y' undeclared (first use in this function)\n    2 | int main(){ return y; }\n"
            "      |                    ^"
        ),
    ),
    "cargo build": (
        """
           Compiling x v0.1.0
        warning: unused variable: `z`
         --> src/lib.rs:1:24

        error[E0308]: mismatched types
         --> src/lib.rs:1:32
          |
        1 | pub fn f() -> i32 { "a" }
          |                     ^^^ expected `i32`

        For more information about this error, try `rustc --explain E0308`.
        error: could not compile `x` (lib) due to 1 previous error; 1 warning emitted
        """,
        (
            'error[E0308]: mismatched types\n --> src/lib.rs:1:32\n  |\n1 | pub fn f() -> i32 { "a" }\n'
            "  |                     ^^^ expected `i32`"
        ),
    ),
    "cargo test": (
        """
        running 2 tests
        test tests::a ... ok
        test tests::b ... FAILED

        failures:

        ---- tests::b stdout ----
        thread 'tests::b' panicked at src/lib.rs:3:49:
        assertion `left == right` failed
          left: 1
         right: 2

        ---- tests::c stdout ----
        thread 'tests::c' (17) panicked at src/lib.rs:4:1:
        index out of bounds: the len is 0 but the index is 3

        failures:
            tests::b

        test result: FAILED. 1 passed; 1 failed; 0 ignored

        error: test failed, to rerun pass `--lib`
        """,
        (
            "test tests::b ... FAILED\nfailures:\n---- tests::b stdout ----\nthread 'tests::b' panicked at src/lib.rs:3:49:\n"
            "assertion `left == right` failed\n  left: 1\n right: 2\n---- tests::c stdout ----\n"
            "thread 'tests::c' (17) panicked at src/lib.rs:4:1:\nindex out of bounds: the len is 0 but the index is 3\nfailures:\n    tests::b\n"
            "test result: FAILED. 1 passed; 1 failed; 0 ignored"
        ),
    ),
    "go test": (
        "ok  \tx/a\t0.004s\n--- FAIL: TestB (0.00s)\n    b_test.go:7: got 1, want 2\nFAIL\nFAIL\tx/b\t0.003s\nok  \tx/c\t0.1s\n",
        "--- FAIL: TestB (0.00s)\n    b_test.go:7: got 1, want 2",
    ),
    "go build": ("# example.com/x\n./main.go:5:2: undefined: foo\n", "./main.go:5:2: undefined: foo"),
    "jest": (
        """
         FAIL  src/b.test.js
          ● sum adds

            expect(received).toBe(expected)

            Expected: 3
            Received: 4

        Tests:       1 failed, 3 passed, 4 total
        """,
        " FAIL  src/b.test.js\n  ● sum adds\n\n    expect(received).toBe(expected)\n\n    Expected: 3\n    Received: 4",
    ),
    "eslint": (
        """

        /x/a.js
          1:7   error    'x' is assigned a value but never used  no-unused-vars
          3:10  warning  Unexpected console statement            no-console

        ✖ 2 problems (1 error, 1 warning)
        """,
        (
            "/x/a.js\n  1:7   error    'x' is assigned a value but never used  no-unused-vars\n"
            "  3:10  warning  Unexpected console statement            no-console\n✖ 2 problems (1 error, 1 warning)"
        ),
    ),
    "tsc": (
        "src/a.ts(3,5): error TS2322: Type 'string' is not assignable.\n",
        "src/a.ts(3,5): error TS2322: Type 'string' is not assignable.",
    ),
    "npm": (
        "> x@1.0.0 test\n> node t.js\n\nTypeError: f is not a function\n    at t.js:3:1\nnpm error code 1\nnpm error path /x\n",
        "TypeError: f is not a function\n    at t.js:3:1",
    ),
    "a shell": ("start\nbash: line 1: nope: command not found\n", "bash: line 1: nope: command not found"),
    "a traceback": (
        """
        loading
        Traceback (most recent call last):
          File "/x/run.py", line 3, in <module>
            main()
          File "/x/.venv/lib/python3.11/site-packages/tool/core.py", line 7, in call
            return f()
                   ^^^
        ValueError: no such block
        """,
        'Traceback (most recent call last):\n  File "/x/run.py", line 3, in <module>\n    main()\nValueError: no such block',
    ),
    "an internal error of pytest": (
        """
        INTERNALERROR> Traceback (most recent call last):
        INTERNALERROR>   File "/x/lib/python3.11/site-packages/_pytest/main.py", line 3, in wrap
        INTERNALERROR>     session()
        INTERNALERROR>   File "/x/tests/conftest.py", line 2, in pytest_sessionstart
        INTERNALERROR>     raise OSError("no disk")
        INTERNALERROR> OSError: no disk

        no tests ran in 0.02s
        """,
        (
            'Traceback (most recent call last):\n  File "/x/tests/conftest.py", line 2, in pytest_sessionstart\n'
            '    raise OSError("no disk")\nOSError: no disk'
        ),
    ),
    "nox": (
        (
            "nox > Running session lint\nnox > ruff check .\na.py:1:8: F401 `os` imported but unused\nFound 1 error.\n"
            "nox > Command ruff check . failed with exit code 1\nnox > Session lint failed.\n"
        ),
        "a.py:1:8: F401 `os` imported but unused\nFound 1 error.\nnox: Command ruff check . failed with exit code 1",
    ),
    "a session that gives up": (
        "nox > Running session lint\nnox > Session lint aborted: 2 files are stale.\n",
        "nox > Session lint aborted: 2 files are stale.",
    ),
    "only a wrapper": (
        "make: *** No rule to make target 'x'.  Stop.\n",
        "make: *** No rule to make target 'x'.  Stop.",
    ),
    "nothing that tells": ("one\n\ntwo\n", "one\ntwo"),
    "nothing went badly": (
        "0 errors, 0 warnings\nTotal coverage is 50%\n",
        "0 errors, 0 warnings\nTotal coverage is 50%",
    ),
    "a later fault is nearer": (
        "error: first, tried again\n" + "working\n" * 30 + "error: second\n",
        "error: first, tried again\nerror: second",
    ),
    "colours and progress": (
        "10%\r50%\r\x1b[1m\x1b[31merror\x1b[0m: no space\n\x1b]0;title\x07ok\n",
        "error: no space",
    ),
    "our own lines": ("gates > error: nothing\nhello\n", "hello"),
    "no word": ("gates > true\n", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_what_matters_of_a_log_is_shown(name: str) -> None:
    log, wanted = CASES[name]
    assert shown(log) == wanted


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.log")), ids=lambda path: path.stem)
def test_what_matters_of_a_real_log_is_shown(path: Path) -> None:
    """The samples are what the tools printed; beside each is what a reader should see of it."""
    wanted = path.with_suffix(".shown").read_text("utf-8").rstrip("\n")
    assert "\n".join(excerpt(path.read_text("utf-8"))) == wanted


def test_of_a_gate_that_was_stopped_the_last_lines_are_shown_with_the_command_that_ran() -> None:
    log = "nox > Running session test\nnox > pip install x\nerror: an old one\nnox > python build.py\ncompiling\nlinking\n"
    assert shown(log, stopped=True) == "nox: python build.py\nerror: an old one\ncompiling\nlinking"


def test_of_a_long_list_the_head_and_the_end_are_shown() -> None:
    lines = [f"a.py:{number}: error: bad" for number in range(1, 51)]
    found = excerpt("\n".join([*lines, "Found 50 errors in 1 file"]))
    assert found[0] == lines[0]
    assert found[LINES - 3 :] == ("… 31 lines left out …", *lines[-2:], "Found 50 errors in 1 file")


@given(st.text())
def test_any_log_becomes_few_short_lines(log: str) -> None:
    for stopped in (False, True):
        found = excerpt(log, stopped=stopped)
        assert len(found) <= LINES + 2
        assert all(len(line) <= CHARACTERS for line in found)


@pytest.mark.parametrize(
    "unit", ["error: x ", "a.py:1:", "E   ", "((", '  File "x', "Killed ", "\x1b[", "A" * 50 + "Error"]
)
def test_a_line_that_never_ends_costs_little(unit: str) -> None:
    assert len(excerpt(unit * 200_000)) <= LAST


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        (
            (
                "ERROR: usage: python -m pytest [options]\npython -m pytest: error: unrecognized arguments: --nope\n"
                "  inifile: /x/pytest.ini\n  rootdir: /x\n"
            ),
            "unrecognized arguments: --nope: in the command, or in addopts of pytest.ini",
        ),
        (
            "ERROR: usage: pytest [options]\npytest: error: unrecognized arguments: --nope\n  inifile: None\n  rootdir: /x\n",
            "unrecognized arguments: --nope",
        ),
        ("ERROR: /x/pytest.ini:1: unexpected value continuation\n", "pytest.ini:1: unexpected value continuation"),
        ("ERROR: file or directory not found: nowhere.py\n\n", "file or directory not found: nowhere.py"),
        (
            (
                "ImportError while loading conftest '/x/tests/conftest.py'.\ntests/conftest.py:1: in <module>\n"
                "    import pretend\nE   ModuleNotFoundError: No module named 'pretend'\n"
            ),
            "tests/conftest.py: ModuleNotFoundError: No module named 'pretend'",
        ),
        ("E   assert 1 == 2\n1 failed in 0.1s\n", ""),
        ("", ""),
    ],
)
def test_what_pytest_says_when_it_gives_up_at_once(tail: str, said: str) -> None:
    assert last_words(tail, "/x") == said
