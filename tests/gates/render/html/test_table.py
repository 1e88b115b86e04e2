from __future__ import annotations

import pytest

from gates.portable.values import TestOutcome
from gates.render.html import table
from gates.render.html.table import columns, packed
from gates.results import AttemptResult
from tests.gates.readers.junit.sample import a_test
from tests.gates.render.html.reader import unpack

FAILED = TestOutcome.FAILED
FRAME = '  File "/p/tests/kvcache/test_pool.py", line 4 in wait'
DUMP = f'timed out\n\nThread 0x1 (most recent call first):\n{FRAME}\n  File "/v/lib/python3.11/site-packages/pluggy/a.py", line 1 in b\n'  # fmt: skip


def test_each_test_is_in_the_columns_and_what_few_have_is_in_a_part() -> None:
    tests = [
        a_test("a", duration=0.25),
        a_test("b", FAILED, message="no", attempts=(AttemptResult(outcome=FAILED),)),
        a_test("c", TestOutcome.FLAKY, quarantine="shaky", process=1, file="", id="c"),
        a_test("d", leaks=("a thread",)),
    ]
    found, parts = columns(tests, {("test", tests[1].id): ".F"})
    assert found["id"] == [tests[0].id, tests[1].id, "c (process 1)", tests[3].id]
    assert (found["files"], found["file"]) == (["tests/kvcache/test_pool.py", ""], [0, 0, 1, 0])
    assert (found["gates"], found["gate"]) == (["test"], [])
    assert found["time"] == [2500] * 4
    assert found["at"] == [1, 2, 3]
    assert [found["outcomes"][number] for number in found["outcome"]] == ["failed", "flaky", "passed"]
    assert [found["causes"][number] for number in found["cause"]] == ["no", "", ""]
    assert [found["lasts"][number] for number in found["last"]] == ["", ".F", "", ""]
    assert found["quarantined"] == [2]
    assert [unpack(part) for part in parts] == [
        [{"message": "no", "attempts": [{"outcome": "failed"}]}, {"quarantine": "shaky"}, {"leaks": ["a thread"]}]
    ]


def test_a_stack_dump_is_folded_and_kept_whole_beside_that() -> None:
    _, (part,) = columns([a_test("t", TestOutcome.TIMEOUT, details=DUMP)], {})
    (more,) = unpack(part)
    assert '  File "tests/kvcache/test_pool.py", line 4 in wait' in more["details"]
    assert "pluggy/a.py" not in more["details"]
    assert more["whole"] == DUMP


def test_parts_are_as_long_as_a_page_reads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_PART", 100)
    tests = [a_test(str(number), FAILED, message="x" * 60) for number in range(5)]
    found, parts = columns(tests, {})
    assert found["starts"] == [0, 2, 4]
    assert [len(unpack(part)) for part in parts] == [2, 2, 1]


def test_tests_that_passed_need_no_part() -> None:
    found, parts = columns([a_test("a"), a_test("b")], {})
    assert (found["at"], found["starts"], parts) == ([], [], [])


@pytest.mark.parametrize(("seconds", "shown"), [(float("nan"), 0), (float("inf"), 0), (-1.0, 0), (0.5, 5000)])
def test_impossible_durations_take_no_time(seconds: float, shown: int) -> None:
    assert columns([a_test(duration=seconds), a_test(duration=float("nan"))], {})[0]["time"] == [shown, 0]


def test_a_lone_surrogate_is_kept() -> None:
    found, (part,) = columns([a_test("\ud800", FAILED, message="\udfff")], {})
    assert unpack(packed(found))["id"][0].endswith("\ud800")
    assert unpack(part)[0]["message"] == "\udfff"
