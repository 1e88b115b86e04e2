"""Tests that are run again leave every attempt in their one result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project, Ran

RERUNS = """
import pytest
from _pytest.runner import runtestprotocol

# As pytest-rerunfailures does it: the reports of an attempt up to the one that failed, which becomes a `rerun`.
def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for attempt in range({reruns}, -1, -1):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        for report in reports:
            if attempt and report.failed:
                report.outcome = "rerun"
            item.ihook.pytest_runtest_logreport(report=report)
            if report.outcome == "rerun":
                item._initrequest()
                break
        else:
            break
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True

def pytest_report_teststatus(report):
    if report.outcome == "rerun":
        return "rerun", "R", "RERUN"
"""

TESTS = """
import os, sys
import pytest

calls = {}

@pytest.fixture
def shaky():
    calls["shaky"] = calls.get("shaky", 0) + 1
    if calls["shaky"] == 1:
        raise OSError(f"no connection {calls['shaky']}")

def count(name):
    calls[name] = calls.get(name, 0) + 1
    print(f"attempt {calls[name]}")
    return calls[name]

def test_passes():
    count("passes")

def test_passes_at_last():
    number = count("flaky")
    assert number == 3, f"only {number}"

def test_needs_a_second_setup(shaky):
    pass

@pytest.fixture
def chatty():
    yield
    print("torn down")

def test_never_passes(chatty):
    number = count("never")
    print("err", number, file=sys.stderr)
    raise ValueError(f"attempt {number} at 0x{number:x}")

def test_prints_a_lot():
    count("much")
    print("x" * 200_000)
    print("y" * 200_000, file=sys.stderr)
    raise ValueError("z" * 200_000)
"""

MODES = {"one process": (), "xdist": ("-n", "2")}


@pytest.fixture(params=list(MODES))
def mode(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return MODES[str(request.param)]


def run(project: Project, tests: str, *options: str, reruns: int = 2) -> Ran:
    project.write_file("conftest.py", RERUNS.replace("{reruns}", str(reruns)))
    project.write_file("test_it.py", tests)
    return project.injected(*options)


def of(attempts: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(attempt.get(name) for name in names) for attempt in attempts]


@pytest.mark.slow
def test_every_attempt_is_kept(project: Project, mode: tuple[str, ...]) -> None:
    ran = run(project, TESTS, *mode)
    assert ran.outcomes == {
        "test_passes": "passed",
        "test_passes_at_last": "flaky",
        "test_needs_a_second_setup": "flaky",
        "test_never_passes": "failed",
        "test_prints_a_lot": "failed",
    }
    assert "attempts" not in ran.tests["test_passes"]
    flaky = ran.tests["test_passes_at_last"]
    here = "test_it.py:test_passes_at_last"
    assert of(flaky["attempts"], "outcome", "phase", "stdout", "message", "signature") == [
        ("failed", "call", "attempt 1\n", "AssertionError: only 1", f"AssertionError: only # @ {here}"),
        ("failed", "call", "attempt 2\n", "AssertionError: only 2", f"AssertionError: only # @ {here}"),
    ]
    assert (flaky["stdout"], flaky["reason"], flaky["details"]) == ("attempt 3\n", "passed on attempt 3", "")
    assert flaky["signature"] == flaky["attempts"][0]["signature"]
    (setup,) = ran.tests["test_needs_a_second_setup"]["attempts"]
    assert (setup["outcome"], setup["phase"], setup["signature"]) == (
        "error",
        "setup",
        "OSError: no connection # @ test_it.py:shaky",
    )


@pytest.mark.slow
def test_attempts_have_their_own_times_output_and_worker(project: Project, mode: tuple[str, ...]) -> None:
    ran = run(project, TESTS, *mode)
    record = ran.tests["test_never_passes"]
    assert of(record["attempts"], "stdout", "stderr") == [("attempt 1\n", "err 1\n"), ("attempt 2\n", "err 2\n")]
    assert (record["stdout"], record["message"]) == ("attempt 3\ntorn down\n", "ValueError: attempt 3 at 0x3")
    signatures = {record["signature"], *(attempt["signature"] for attempt in record["attempts"])}
    assert signatures == {"ValueError: attempt # @ test_it.py:test_never_passes"}
    assert {attempt.get("worker", "") for attempt in record["attempts"]} == {record["worker"]}
    times = [attempt["started"] for attempt in record["attempts"]] + [record["started"]]
    assert times == sorted(times)
    assert all(attempt["duration"] > 0 for attempt in record["attempts"])
    assert all("ValueError" in attempt["details"] for attempt in record["attempts"])


def test_many_long_attempts_make_no_huge_record(project: Project) -> None:
    ran = run(project, TESTS, "-k", "prints_a_lot", reruns=20)
    record = ran.tests["test_prints_a_lot"]
    assert len(record["attempts"]) == 20
    assert len(json.dumps(record)) < 700_000
    for attempt in record["attempts"]:
        assert "bytes cut" in attempt["stdout"]
        assert "bytes cut" in attempt["details"]


DIES = """
import os
calls = []

def test_dies_at_its_second_attempt():
    calls.append(1)
    if len(calls) == 2:
        os._exit(3)
    assert 0

def test_other():
    pass
"""


@pytest.mark.slow
def test_a_crash_at_a_later_attempt_keeps_the_earlier_ones(project: Project) -> None:
    ran = run(project, DIES, "-n", "2")
    record = ran.tests["test_dies_at_its_second_attempt"]
    assert (record["outcome"], record["signature"], len(record["attempts"])) == ("crashed", "crashed", 1)


SKIPS = """
import pytest
calls = []

def test_fails_then_skips():
    calls.append(1)
    if len(calls) == 2:
        pytest.skip("enough")
    assert 0, "broken"
"""


def test_a_skip_after_a_failure_is_no_way_out(project: Project, mode: tuple[str, ...]) -> None:
    record = run(project, SKIPS, *mode).tests["test_fails_then_skips"]
    assert (record["outcome"], record["reason"]) == ("failed", "attempt 2 was skipped: enough")
    assert record["message"] == record["attempts"][0]["message"] == "AssertionError: broken"


STOPS = """
import pytest
calls = []

def test_stops_the_session():
    calls.append(1)
    if len(calls) == 2:
        raise KeyboardInterrupt
    assert 0
"""


def test_an_interrupted_test_keeps_the_attempts_before_that(project: Project) -> None:
    record = run(project, STOPS).tests["test_stops_the_session"]
    assert (record["outcome"], len(record["attempts"])) == ("interrupted", 1)


SUBTESTS = """
calls = []

def test_subtests_again(subtests):
    print("own", len(calls))
    calls.append(1)
    with subtests.test("first"):
        print("in the subtest")
        assert len(calls) == 2
    assert len(calls) == 2
    with subtests.test("last"):
        assert 0
"""


def test_subtests_are_those_of_the_last_attempt(project: Project, mode: tuple[str, ...]) -> None:
    record = run(project, SUBTESTS, *mode).tests["test_subtests_again"]
    assert [subtest["name"] for subtest in record["subtests"]] == ["[last]"]
    assert record["subtests_passed"] == 1
    (attempt,) = record["attempts"]
    assert "--- subtest [first] ---" in attempt["details"]
    assert (attempt["stdout"], record["stdout"]) == ("own 0\n", "own 1\n")


def test_the_teardown_and_the_end_of_a_failed_attempt_may_be_told_too(project: Project) -> None:
    # pytest-rerunfailures 16.7 does so.
    loud = RERUNS.replace(
        "                item._initrequest()\n                break\n        else:\n            break\n",
        """\
                item._initrequest()
                rerun = True
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        if all(report.outcome != "rerun" for report in reports):
            break
""",
    )
    assert loud != RERUNS
    project.write_file("conftest.py", loud.replace("{reruns}", "2"))
    project.write(
        test_it="calls = []\ndef test_never(): assert 0\ndef test_late():\n    calls.append(1)\n    assert len(calls) > 2"
    )
    for options in ((), ("-n", "1")):
        ran = project.injected(*options)
        assert ran.outcomes == {"test_never": "failed", "test_late": "flaky"}
        assert [len(ran.tests[name]["attempts"]) for name in ("test_never", "test_late")] == [2, 2]
        for stream in ran.inbox.iterdir():
            stream.unlink()


SILENT = """
from _pytest import runner

# As `flaky` does it: pytest's own protocol for each attempt, without the report of a call that is tried again.
def pytest_runtest_protocol(item, nextitem):
    left = 3
    def one(item, when, log=True, **more):
        nonlocal left
        report = usual(item, when, log=False, **more)
        if when == "call":
            left = left - 1 if report.failed else 0
            log = log and not (report.failed and left)
        if log:
            item.ihook.pytest_runtest_logreport(report=report)
        return report
    usual, runner.call_and_report = runner.call_and_report, one
    try:
        while left:
            runner.pytest_runtest_protocol(item, nextitem)
            item._initrequest()
    finally:
        runner.call_and_report = usual
    return True
"""


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
@pytest.mark.parametrize(
    ("passes_on", "outcome", "attempts"), [(1, "passed", 0), (2, "flaky", 1), (3, "flaky", 2), (4, "failed", 2)]
)
def test_attempts_whose_call_a_plugin_keeps_to_itself_are_counted(
    project: Project, passes_on: int, outcome: str, attempts: int, options: tuple[str, ...]
) -> None:
    test = f"calls = []\ndef test_a():\n    calls.append(1)\n    assert len(calls) >= {passes_on}\n"
    project.write(test_it=test, conftest=SILENT)
    ran = project.injected(*options)
    assert ran.outcomes == {"test_a": outcome}
    found = ran.tests["test_a"].get("attempts", [])
    assert [one["message"] for one in found] == [
        "a plugin ran the test again, and did not report how this attempt ended"
    ] * attempts


CALLED_AGAIN = """
import pytest

# As `pytest-retry` does it: the call is made again while its report is made, and a report of the first may come before that.
@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if call.when == "call" and report.failed:
        {told}
        again = pytest.CallInfo.from_call(lambda: item.ihook.pytest_runtest_call(item=item), when="call")
        report.outcome = "failed" if again.excinfo else "passed"
"""
TOLD = 'report.outcome = "retried"; item.ihook.pytest_runtest_logreport(report=report)'


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
@pytest.mark.parametrize("told", ["pass", TOLD], ids=["hidden", "told"])
@pytest.mark.parametrize(("passes_on", "outcome"), [(1, "passed"), (2, "flaky"), (3, "failed")])
def test_a_call_that_is_made_again_within_one_report_is_another_attempt(
    project: Project, passes_on: int, outcome: str, told: str, options: tuple[str, ...]
) -> None:
    test = f"calls = []\ndef test_a():\n    calls.append(1)\n    assert len(calls) >= {passes_on}\n"
    project.write(test_it=test, conftest=CALLED_AGAIN.replace("{told}", told))
    ran = project.injected(*options)
    assert ran.outcomes == {"test_a": outcome}
    if outcome == "flaky":
        (attempt,) = ran.tests["test_a"]["attempts"]
        assert "assert 1 >= 2" in attempt["message"]


HOLLOW = CALLED_AGAIN.replace("{told}", "item.runtest = lambda: None")


def test_a_second_call_of_a_unittest_that_fails_again_is_no_pass(project: Project) -> None:
    # unittest's failures are no exceptions of the call: the second one is found when the test is torn down.
    test = "import unittest\nclass Test(unittest.TestCase):\n    def test_a(self): self.fail('no')\n"
    project.write(test_it=test, conftest=CALLED_AGAIN.replace("{told}", "pass"))
    assert project.injected().outcomes == {"Test::test_a": "error"}


def test_a_second_call_that_runs_nothing_does_not_save_a_test(project: Project) -> None:
    project.write(test_it="def test_a(): assert 0\n", conftest=HOLLOW)
    assert project.injected().outcomes == {"test_a": "failed"}


@pytest.mark.parametrize("word", ["ignored", "rerun", "error"])
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_failed_report_with_an_outcome_of_its_own_is_no_pass(
    project: Project, word: str, options: tuple[str, ...]
) -> None:
    conftest = f"""
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        report.outcome = "{word}"

def pytest_report_teststatus(report):
    if report.outcome == "{word}":
        return "{word}", "?", "{word}"
"""
    project.write(test_it="def test_a(): assert 0\n", conftest=conftest)
    ran = project.injected(*options)
    assert ran.exit_code == 0, "pytest believes it"
    assert ran.outcomes == {"test_a": "failed"}
    assert ran.tests["test_a"]["message"] == "assert 0"
    assert ran.tests["test_a"]["reason"] == "a plugin or a conftest reports it as neither passed nor failed"


@pytest.mark.parametrize("word", ["ignored", "passed"])
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_failed_subtest_whose_report_says_otherwise_fails_its_test(
    project: Project, word: str, options: tuple[str, ...]
) -> None:
    conftest = f"""
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        report.outcome = "{word}"

def pytest_report_teststatus(report):
    if report.outcome == "ignored":
        return "ignored", "?", "ignored"
"""
    test = "def test_a(subtests):\n    for number in range(3):\n        with subtests.test(number=number):\n            assert number != 1\n"
    project.write(test_it=test, conftest=conftest)
    ran = project.injected(*options)
    assert ran.exit_code == 0, "pytest believes it"
    assert ran.outcomes == {"test_a": "failed"}
    record = ran.tests["test_a"]
    assert [one["name"] for one in record["subtests"]] == ["(number=1)"]
    assert record["subtests_passed"] == 2
