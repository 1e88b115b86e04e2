"""What a test left, the useful part first."""

from __future__ import annotations

import pytest

from gates.portable.values import TestOutcome
from gates.render.output import (
    FRAME_LINES,
    LINE_CHARACTERS,
    REASON_LINES,
    SHOWN_CHARACTERS,
    SHOWN_LINES,
    SHOWN_PARTS,
    attempts_of,
    failure_of,
    frames_of,
    last_lines,
    printed_by,
)
from gates.results import AttemptResult, SubtestResult, TestResult

LONG = """\
def test_deep():
>       helper("a")

tests/test_a.py:11:
_ _ _ _ _ _ _ _ _ _ _ _
pool/helpers.py:5: in helper
    json.loads("{" + x)
/usr/lib/python3.11/json/__init__.py:346: in loads
    return _default_decoder.decode(s)
_ _ _ _ _ _ _ _ _ _ _ _

self = <json.decoder.JSONDecoder object>

    def raw_decode(self, s, idx=0):
>           obj, end = self.scan_once(s, idx)
E           json.decoder.JSONDecodeError: Expecting a name
E           and more of it

/usr/lib/python3.11/json/decoder.py:353: JSONDecodeError"""

SHORT = """\
tests/test_a.py:11: in test_deep
    helper("a")
.nox/test/lib/python3.11/site-packages/x.py:3: in call
    f()
../elsewhere/y.py:4: in f
    assert 0
E   assert 0"""


def failed(**fields: object) -> TestResult:
    return TestResult(gate="test", id="a.py::f", outcome=TestOutcome.FAILED, **fields)  # type: ignore[arg-type]


def test_the_reason_comes_first_then_the_place_then_the_projects_own_frames() -> None:
    assert list(failure_of(failed(details=LONG, file="tests/test_a.py", line=9))) == [
        "E           json.decoder.JSONDecodeError: Expecting a name",
        "E           and more of it",
        "at pool/helpers.py:5",
        "… 2 further frames in tests.jsonl …",
        "def test_deep():",
        '>       helper("a")',
        "",
        "tests/test_a.py:11:",
        "pool/helpers.py:5: in helper",
        '    json.loads("{" + x)',
    ]


@pytest.mark.parametrize(
    ("details", "own"),
    [
        (LONG, {"tests/test_a.py": True, "pool/helpers.py": True, "/usr/lib/python3.11/json/__init__.py": False,
                "/usr/lib/python3.11/json/decoder.py": False}),
        (SHORT, {"tests/test_a.py": True, ".nox/test/lib/python3.11/site-packages/x.py": False,
                 "../elsewhere/y.py": False}),
        ("tests/test_a.py:3: AssertionError: no", {}),
        ('Timeout (0:00:01)!\nThread 0x1 (most recent call first):\n  File "a.py", line 3 in f', {}),
        ("", {}),
    ],
)  # fmt: skip
def test_frames_in_every_style_are_told_apart_by_whose_code_they_are(details: str, own: dict[str, bool]) -> None:
    assert {frame.path: frame.own for frame in frames_of(details.splitlines())} == own


def test_what_led_to_a_failure_is_shown_before_it() -> None:
    details = (
        "E   ValueError: first\n\na.py:3: ValueError\n\nThe above exception was the direct cause\n\nE   KeyError: then"
    )
    assert list(failure_of(failed(details=details)))[:2] == ["E   ValueError: first", "E   KeyError: then"]


@pytest.mark.parametrize(
    "details", ["a.py:3: no", "Fatal Python error: Aborted\n\nThread 0x1 (most recent call first):"]
)
def test_a_traceback_of_another_kind_is_shown_as_it_is(details: str) -> None:
    assert list(failure_of(failed(details=details, file="a.py", line=3))) == ["at a.py:3", *details.splitlines()]


def test_what_is_cut_of_a_stream_is_said() -> None:
    lines = [f"line {number}" for number in range(SHOWN_LINES + 7)]
    shown = list(printed_by(failed(stdout="\n".join(lines), stderr="\x1b[2Jwiped")))
    note = "… 7 lines cut; all that was kept is in tests.jsonl …"
    assert shown[:3] == ["--- stdout ---", note, "line 7"]
    assert shown[-2:] == ["--- stderr ---", "\\x1b[2Jwiped"]


def test_neither_long_lines_nor_many_of_them_fill_the_screen() -> None:
    shown = last_lines(["x" * 100_000] * SHOWN_LINES)
    assert sum(map(len, shown)) < SHOWN_CHARACTERS + LINE_CHARACTERS
    assert shown[0].startswith("… ")
    assert shown[-1].endswith(f"… ({100_000 - LINE_CHARACTERS:,} characters cut)")
    long = "\n".join(["a.py:3: in f", *["    more"] * 100, *["E   no"] * 100])
    lines = list(failure_of(failed(details=long)))
    assert lines[REASON_LINES] == f"… {100 - REASON_LINES} lines cut; all that was kept is in tests.jsonl …"
    assert len(lines) == REASON_LINES + 2 + FRAME_LINES


def test_subtests_that_failed_say_why() -> None:
    subtests = tuple(
        SubtestResult(name=f"[{number}]", details="E   no", stdout="said") for number in range(SHOWN_PARTS + 2)
    )
    lines = list(failure_of(failed(subtests=subtests)))
    assert lines[:4] == ["--- subtest [0] ---", "E   no", "--- stdout ---", "said"]
    assert lines.count("said") == SHOWN_PARTS
    assert lines[-1] == "… 2 further subtests in tests.jsonl …"


def test_earlier_attempts_are_a_line_of_a_failure_and_all_of_a_flaky_test() -> None:
    attempts = (AttemptResult(outcome=TestOutcome.TIMEOUT, message="too late", details="E   too late"),)
    assert list(failure_of(failed(details="E   no", attempts=attempts)))[-1] == "attempt 1: timeout  too late"
    assert "E   too late" in list(attempts_of(failed(attempts=attempts)))
