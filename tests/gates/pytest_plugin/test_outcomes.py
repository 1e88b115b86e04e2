"""Every way in which a test can end has its own outcome, with and without xdist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gates.pytest_plugin.conftest import Project, Ran, entry

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLE = r"""
import logging, sys, unittest
import pytest

@pytest.fixture
def broken_setup():
    raise RuntimeError("setup is broken")

@pytest.fixture
def broken_teardown():
    print("from setup")
    yield
    raise RuntimeError("teardown is broken")

def test_passes():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    logging.getLogger().warning("to the log")

def test_fails():
    assert 1 == 2

def test_errors_in_setup(broken_setup):
    pass

def test_errors_in_teardown(broken_teardown):
    pass

def test_fails_and_errors(broken_teardown):
    assert "the call" == 0

@pytest.mark.skip(reason="no such device")
def test_is_skipped_by_mark():
    pass

def test_skips_itself():
    pytest.skip("not today")

@pytest.mark.xfail(reason="known bug")
def test_fails_as_expected():
    assert 0

@pytest.mark.xfail(reason="never run", run=False)
def test_is_not_run_as_expected():
    assert 0

@pytest.mark.xfail(reason="known bug")
def test_passes_unexpectedly():
    pass

@pytest.mark.xfail(reason="known bug", strict=True)
def test_passes_strictly_unexpectedly():
    pass

def test_has_a_failing_subtest(subtests):
    for number in range(4):
        with subtests.test("parity", number=number):
            assert number % 2 == 0, f"odd: {number}"

def test_has_good_subtests(subtests):
    with subtests.test("one"):
        pass

@pytest.mark.parametrize("text", ["a::b", "ü", "x y"])
def test_parameter(text):
    pass

class TestClass:
    def test_method(self):
        pass

class TestUnit(unittest.TestCase):
    def test_with_subtests(self):
        for number in range(2):
            with self.subTest(number=number):
                self.assertEqual(number, 0)

def test_prints_surrogates_and_controls():
    print("\udc80 \x00 \x1b[31m ]]>")

def test_prints_much():
    print("begin" + "x" * 200_000 + "end")

def test_backend_helpers():
    raise NotImplementedError
"""

EXPECTED: dict[str, Mapping[str, Any]] = {
    "test_passes": {
        "outcome": "passed",
        "phase": "call",
        "stdout": "to stdout\n",
        "message": "",
        "details": "",
        "reason": "",
        "file": "tests/test_sample.py",
        "line": 15,
    },
    "test_fails": {"outcome": "failed", "phase": "call", "message": "assert 1 == 2", "line": 20},
    "test_errors_in_setup": {"outcome": "error", "phase": "setup", "message": "RuntimeError: setup is broken"},
    "test_errors_in_teardown": {
        "outcome": "error",
        "phase": "teardown",
        "message": "RuntimeError: teardown is broken",
        "stdout": "from setup\n",
    },
    "test_fails_and_errors": {
        "outcome": "failed",
        "phase": "call",
        "message": "AssertionError: assert 'the call' == 0",
    },
    "test_is_skipped_by_mark": {"outcome": "skipped", "phase": "setup", "reason": "no such device", "line": 32},
    "test_skips_itself": {"outcome": "skipped", "phase": "call", "reason": "not today"},
    "test_fails_as_expected": {"outcome": "xfailed", "phase": "call", "reason": "known bug"},
    "test_is_not_run_as_expected": {"outcome": "xfailed", "phase": "setup", "reason": "[NOTRUN] never run"},
    "test_passes_unexpectedly": {"outcome": "xpassed", "phase": "call", "reason": "known bug"},
    "test_passes_strictly_unexpectedly": {"outcome": "failed", "message": "[XPASS(strict)] known bug"},
    "test_has_a_failing_subtest": {"outcome": "failed", "phase": "call", "message": "AssertionError: odd: 1"},
    "test_has_good_subtests": {"outcome": "passed"},
    "test_parameter[a::b]": {"outcome": "passed"},
    "test_parameter[\\xfc]": {"outcome": "passed"},
    "test_parameter[x y]": {"outcome": "passed"},
    "TestClass::test_method": {"outcome": "passed", "line": 69},
    "TestUnit::test_with_subtests": {"outcome": "failed", "message": "AssertionError: 1 != 0"},
    "test_prints_surrogates_and_controls": {"outcome": "passed"},
    "test_prints_much": {"outcome": "passed"},
    "test_backend_helpers": {
        "outcome": "excluded",
        "exclusion": "backend_helpers",
        "reason": "backend_helpers is not written yet",
        "duration": 0.0,
        "line": 84,
    },
}

MODES = {
    "one process": (),
    "xdist load": ("-n", "2", "--dist", "load"),
    "xdist worksteal": ("-n", "2", "--dist", "worksteal"),
}


@pytest.fixture(scope="module", params=list(MODES))
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def ran(mode: str, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    project = Project(tmp_path_factory.mktemp("outcomes"))
    project.write(tests__test_sample="")
    project.write_file("tests/test_sample.py", SAMPLE)
    return project.injected(*MODES[mode], settings={"exclusions": [entry("backend_helpers")]})


@pytest.mark.slow
def test_each_test_ends_as_it_should(ran: Ran) -> None:
    wrong = {
        f"{name}.{field}": (value, ran.tests[name][field])
        for name, fields in EXPECTED.items()
        for field, value in fields.items()
        if ran.tests[name][field] != value
    }
    assert not wrong, ran.output


def test_each_collected_test_has_exactly_one_result(ran: Ran) -> None:
    assert sorted(ran.tests) == sorted(ran.collected) == sorted(EXPECTED)
    assert [record["last"] for record in ran.of("collected")] == [True]


def test_a_record_has_the_fields_of_a_result_but_what_its_reader_adds(ran: Ran) -> None:
    from gates.results import TestResult

    known = {*TestResult.__struct_fields__, "type"} - {"gate", "process", "tries", "slow"}
    rare = {
        name
        for name in known
        if name.startswith(("place", "signature", "phases", "attempts", "subtests", "leaks", "checks"))
    }
    for record in ran.of("test"):
        assert known - rare <= set(record) <= known
        assert all(record[name] for name in rare & set(record)), "what is empty is left out"


def test_start_and_finish_frame_the_records(ran: Ran, mode: str) -> None:
    (begin, start), finish = ran.records[:2], ran.records[-1]
    assert (begin["type"], start["type"], finish["type"]) == ("begin", "start", "finish")
    assert start["schema_version"] == 1
    assert start["pytest"] == pytest.__version__
    assert start["workers"] == (2 if "xdist" in mode else 0)
    assert start["xdist"]
    assert finish["exit_code"] == ran.exit_code == 1
    assert finish["time"] >= start["time"]


def test_each_test_is_announced_before_its_result(ran: Ran) -> None:
    announced: set[str] = set()
    for record in ran.records:
        if record["type"] == "running":
            announced.add(record["id"])
        elif record["type"] == "test" and record["outcome"] != "excluded":
            assert record["id"] in announced


def test_the_worker_is_named(ran: Ran, mode: str) -> None:
    workers = {record["worker"] for record in ran.of("test") if record["outcome"] != "excluded"}
    assert workers <= ({"gw0", "gw1"} if "xdist" in mode else {""})
    assert workers


def test_a_failure_in_call_and_an_error_in_teardown_are_one_result_with_both_texts(ran: Ran) -> None:
    details = ran.tests["test_fails_and_errors"]["details"]
    assert details.startswith("--- call ---")
    assert "the call" in details
    assert "--- teardown ---" in details
    assert "teardown is broken" in details


def test_all_failing_subtests_are_kept(ran: Ran) -> None:
    record = ran.tests["test_has_a_failing_subtest"]
    assert [(each["name"], each["message"]) for each in record["subtests"]] == [
        ("[parity] (number=1)", "AssertionError: odd: 1"),
        ("[parity] (number=3)", "AssertionError: odd: 3"),
    ]
    assert all("number % 2 == 0" in each["details"] for each in record["subtests"])
    assert record["subtests_passed"] == 2
    assert record["details"] == ""


def test_good_subtests_are_counted(ran: Ran) -> None:
    assert ran.tests["test_has_good_subtests"]["subtests_passed"] == 1
    assert "subtests" not in ran.tests["test_has_good_subtests"]


HERE = "tests/test_sample.py"
SIGNATURES = {
    "test_fails": f"AssertionError: assert # == # @ {HERE}:test_fails",
    "test_errors_in_setup": f"RuntimeError: setup is broken @ {HERE}:broken_setup",
    "test_errors_in_teardown": f"RuntimeError: teardown is broken @ {HERE}:broken_teardown",
    "test_fails_and_errors": f"AssertionError: assert 'the call' == # @ {HERE}:test_fails_and_errors",
    "test_fails_as_expected": f"AssertionError: assert # @ {HERE}:test_fails_as_expected",
    "test_passes_strictly_unexpectedly": "[XPASS(strict)] known bug",
    "test_has_a_failing_subtest": f"AssertionError: odd: # @ {HERE}:test_has_a_failing_subtest",
    "TestUnit::test_with_subtests": f"AssertionError: # != # @ {HERE}:test_with_subtests",
}


def test_every_failure_is_signed_and_nothing_else(ran: Ran) -> None:
    assert {name: record["signature"] for name, record in ran.tests.items() if "signature" in record} == SIGNATURES


def test_every_subtest_is_signed(ran: Ran) -> None:
    signed = {each["signature"] for each in ran.tests["test_has_a_failing_subtest"]["subtests"]}
    assert signed == {SIGNATURES["test_has_a_failing_subtest"]}


def test_phases_are_kept_where_setup_or_teardown_did_not_pass(ran: Ran) -> None:
    def ended(name: str) -> list[tuple[str, str]]:
        return [(phase["name"], phase["outcome"]) for phase in ran.tests[name]["phases"]]

    assert ended("test_errors_in_setup") == [("setup", "failed"), ("teardown", "passed")]
    assert ended("test_fails_and_errors") == [("setup", "passed"), ("call", "failed"), ("teardown", "failed")]
    assert ended("test_is_skipped_by_mark") == [("setup", "skipped"), ("teardown", "passed")]


def test_a_record_can_be_read_as_a_result(ran: Ran) -> None:
    import msgspec

    from gates.results import TestResult

    for record in ran.of("test"):
        msgspec.convert({**record, "gate": "test"}, TestResult)


def test_log_records_follow_stderr(ran: Ran) -> None:
    assert ran.tests["test_passes"]["stderr"].splitlines()[0] == "to stderr"
    assert "to the log" in ran.tests["test_passes"]["stderr"]


def test_undecodable_output_survives(ran: Ran) -> None:
    assert ran.tests["test_prints_surrogates_and_controls"]["stdout"].endswith("\x00 \x1b[31m ]]>\n")


def test_long_output_is_cut_and_the_cut_is_said(ran: Ran) -> None:
    text = ran.tests["test_prints_much"]["stdout"]
    assert len(text) < 66_000
    assert text.startswith("beginx")
    assert text.endswith("xend\n")
    assert "… 134,473 bytes cut …" in text


def test_tracebacks_name_no_worker_and_no_interpreter(ran: Ran) -> None:
    assert not any("-- Python" in record["details"] for record in ran.of("test"))


def test_durations_and_start_times_are_measured(ran: Ran) -> None:
    for record in ran.of("test"):
        if record["outcome"] != "excluded":
            assert 0 < record["duration"] < 30
            assert ran.records[0]["time"] < record["started"] < ran.records[-1]["time"]


def test_the_terminal_says_what_was_excluded(ran: Ran) -> None:
    line = "1 excluded by [tool.gates.exclusions]: backend_helpers 1 (unimplemented); --include-excluded runs them"
    assert line in ran.output


def test_nothing_but_the_stream_is_left_in_the_inbox(ran: Ran) -> None:
    assert [path.suffix for path in ran.inbox.iterdir()] == [".jsonl"]
