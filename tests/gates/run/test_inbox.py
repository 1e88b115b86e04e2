from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.values import TestOutcome
from gates.results import LeftOut
from gates.run.inbox import Inbox
from gates.run.masking import StructMask
from tests.gates.run.making import NOTHING

if TYPE_CHECKING:
    from pathlib import Path

IDS = [f"tests/test_a.py::test_{number}" for number in range(5)]


def record(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, **fields}).encode() + b"\n"


def collected(*ids: str, last: bool = True) -> bytes:
    return record("collected", tests=[{"id": name, "file": "tests/test_a.py", "line": 3} for name in ids], last=last)


def ended(name: str, outcome: str = "passed", **fields: Any) -> bytes:
    return record("test", id=name, outcome=outcome, **fields)


STREAM = b"".join(
    (
        record("start", schema_version=1, pid=7, pytest="9.2.0"),
        collected(*IDS[:3], last=False),
        collected(*IDS[3:]),
        *(record("running", id=name, worker="gw0", time=5.0) + ended(name, worker="gw0") for name in IDS),
        record("finish", exit_code=0, time=9.0),
    )
)


class Box:
    """An inbox, and the file of one pytest process in it."""

    def __init__(self, folder: Path, mask: StructMask = NOTHING) -> None:
        self.inbox = Inbox("test", folder, mask)
        self.path = folder / "pytest-7-abcd.jsonl"

    def write(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)

    @property
    def process(self) -> Any:
        return self.inbox.processes[self.path]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def outcomes(results: list[Any]) -> dict[str, str]:
    return {result.id: str(result.outcome) for result in results}


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_records_in_any_pieces_are_the_same_records(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    box = Box(tmp_path_factory.mktemp("inbox"))
    landed = []
    places = [0, *sorted(cuts), len(STREAM)]
    for start, end in itertools.pairwise(places):
        box.write(STREAM[start:end])
        landed += box.inbox.poll()
    assert [result.id for result in landed] == IDS
    assert box.inbox.settle("the end") == []
    assert (box.process.exit_code, box.process.unreadable, box.inbox.expected) == (0, 0, 5)


def test_an_inbox_nobody_wrote_to_is_empty(box: Box) -> None:
    assert (box.inbox.poll(), box.inbox.settle("x"), box.inbox.expected) == ([], [], 0)


def test_fields_of_a_record_are_those_of_the_result(box: Box) -> None:
    about = {
        "worker": "gw1",
        "file": "a.py",
        "line": 7,
        "phase": "setup",
        "message": "m",
        "details": "d",
        "duration": 0.5,
    }
    box.write(ended("a.py::b", "error", unknown="is ignored", **about))
    (result,) = box.inbox.poll()
    assert (result.gate, result.process, result.outcome) == ("test", 0, TestOutcome.ERROR)
    assert {name: getattr(result, name) for name in about} == about


def test_several_processes_are_told_apart(tmp_path: Path) -> None:
    first, second = Box(tmp_path), Box(tmp_path)
    second.path = tmp_path / "pytest-8-efgh.jsonl"
    first.write(collected("a") + ended("a"))
    second.write(collected("a", "b") + ended("a", "failed"))
    landed = first.inbox.poll()
    assert [(result.process, str(result.outcome)) for result in landed] == [(0, "passed"), (1, "failed")]
    assert first.inbox.expected == 3


class TestDamage:
    @pytest.mark.parametrize(
        "line",
        [
            b"garbage\n",
            b"{\n",
            b"[]\n",
            b"3\n",
            b"{}\n",
            b"\xff\xfe\n",
            b'{"type": "test"}\n',
            b'{"type": "test", "id": "a"}\n',
            b'{"type": "test", "id": "a", "outcome": "splendid"}\n',
            b'{"type": "test", "id": "a", "outcome": "passed", "line": "seven"}\n',
            b'{"type": "collected"}\n',
            b'{"type": "collected", "tests": [{"file": "x"}]}\n',
            b'{"type": "running"}\n',
            b'{"type": "running", "id": "a", "time": "late"}\n',
            b'{"type": "running", "id": "a", "pid": [], "time": 1}\n',
            b'{"type": "waiting", "id": "a", "limit": null}\n',
            b'{"type": "alive", "time": "x"}\n',
            b'{"type": "finish"}\n',
        ],
    )
    def test_is_counted_and_costs_nothing_else(self, box: Box, line: bytes) -> None:
        box.write(collected("a", "b") + line + ended("b"))
        assert outcomes(box.inbox.poll()) == {"b": "passed"}
        assert box.process.unreadable == 1
        assert outcomes(box.inbox.settle("x")) == {"a": "not-run"}, "what cannot be read is no result"

    def test_a_second_word_on_a_test_counts_as_damage(self, box: Box) -> None:
        box.write(collected("a") + ended("a", "failed") + ended("a", "passed"))
        assert outcomes(box.inbox.poll()) == {"a": "failed"}
        assert box.process.unreadable == 1

    def test_half_a_line_at_the_end_is_no_record(self, box: Box) -> None:
        box.write(collected("a", "b") + ended("a") + ended("b")[:-1])
        assert outcomes(box.inbox.poll()) == {"a": "passed"}
        assert outcomes(box.inbox.settle("killed")) == {"b": "not-run"}

    def test_unknown_records_of_a_newer_plugin_are_none(self, box: Box) -> None:
        box.write(record("weather", sky="blue"))
        box.inbox.poll()
        assert box.process.unreadable == 0

    @pytest.mark.slow
    @given(line=st.binary(max_size=80))
    def test_of_any_kind_is_survived(self, tmp_path_factory: pytest.TempPathFactory, line: bytes) -> None:
        box = Box(tmp_path_factory.mktemp("inbox"))
        box.write(collected("a") + line + b"\n" + ended("a"))
        assert outcomes(box.inbox.settle("x")) == {"a": "passed"}


def test_what_tests_print_may_hold_lone_surrogates(box: Box) -> None:
    box.write(record("test", id="a[\udcff]", outcome="failed", stdout="caf\udce9 \ud83d\ude00 ok", message="\ud800"))
    (result,) = box.inbox.poll()
    assert (result.id, result.stdout, result.message) == ("a[\\udcff]", "caf\\udce9 \U0001f600 ok", "\\ud800")
    assert box.process.unreadable == 0


class TestCollection:
    def test_errors_and_skips_of_modules_are_results(self, box: Box) -> None:
        box.write(record("collect-error", id="a.py", file="a.py", message="ImportError", details="…"))
        box.write(record("collect-skip", id="b.py", reason="no numpy"))
        error, skip = box.inbox.poll()
        assert (error.outcome, error.phase, error.message) == (TestOutcome.ERROR, "collect", "ImportError")
        assert (skip.outcome, skip.phase, skip.reason) == (TestOutcome.SKIPPED, "collect", "no numpy")

    def test_deselected_tests_are_not_expected(self, box: Box) -> None:
        box.write(record("collected", tests=[{"id": "a", "deselected": True}, {"id": "b", "deselected": False}]))
        box.inbox.poll()
        assert box.inbox.expected == 1
        assert outcomes(box.inbox.settle("x")) == {"b": "not-run"}


class TestSignsOfLife:
    def test_are_those_of_the_test_on_that_worker(self, box: Box) -> None:
        running = (record("running", id=f"t{n}", worker=f"gw{n}", pid=70 + n, time=5.0) for n in (0, 1))
        box.write(b"".join(running) + record("alive", worker="gw1", time=9.0) + record("waiting", id="w", worker="gw1"))
        box.inbox.poll()
        process = box.process
        assert [process.running[name].get("alive") for name in ("t0", "t1")] == [None, 9.0]
        assert (process.running["t1"]["pid"], process.runners) == (71, {"gw0": 70, "gw1": 71})
        told = [about for _, about in box.inbox.begun()]
        assert told == [process.running["t0"], process.running["t1"]], "another attempt is no beginning"

    def test_say_which_process_runs_the_test_now(self, box: Box) -> None:
        box.write(record("running", id="a", worker="", pid=7, time=5.0) + record("alive", worker="", pid=8, time=5.5))
        box.write(record("alive", worker="", time=6.5))
        box.inbox.poll()
        assert (box.process.running["a"]["pid"], box.process.running["a"]["alive"]) == (8, 6.5)
        assert box.process.runners == {"": 7}


class TestSettle:
    def test_gives_every_collected_test_exactly_one_outcome(self, box: Box) -> None:
        box.write(collected(*IDS) + ended(IDS[0]) + record("running", id=IDS[1], worker="gw1", time=5.0))
        settled = box.inbox.settle("the gate timed out")
        assert outcomes(settled) == {
            IDS[0]: "passed", IDS[1]: "interrupted", IDS[2]: "not-run", IDS[3]: "not-run", IDS[4]: "not-run",
        }  # fmt: skip
        running = settled[1]
        assert (running.worker, running.started, running.line) == ("gw1", 5.0, 3)
        assert {result.reason for result in settled[1:]} == {"the gate timed out"}
        assert box.inbox.settle("again") == []

    def test_a_stack_dump_of_the_process_makes_its_running_test_a_timeout(self, box: Box, tmp_path: Path) -> None:
        box.write(collected("a", "b") + record("running", id="a", worker="", time=5.0))
        (tmp_path / "stacks-7-abcd.txt").write_text("Timeout (0:00:02)!\nThread 0x01\n")
        results = {result.id: result for result in box.inbox.settle("ended")}
        assert results["a"].outcome is TestOutcome.TIMEOUT
        assert results["a"].details.startswith("Timeout")
        assert results["b"].outcome is TestOutcome.NOT_RUN

    def test_stacks_that_were_asked_for_are_those_of_the_test_on_their_worker(self, box: Box) -> None:
        running = (record("running", id=name, worker=worker, time=5.0) for name, worker in (("a", "gw0"), ("b", "gw1")))
        box.write(record("start", rootdir="/p") + collected("a", "b", "c") + b"".join(running))
        box.inbox.poll()
        dump = b'Current thread 0x01 (most recent call first):\n  File "/p/src/pool.py", line 3 in take\n'
        box.process.take_dump("gw1", dump)
        box.process.take_dump("gw0", b"\n")
        results = {result.id: result for result in box.inbox.settle("nothing moved")}
        assert outcomes(list(results.values())) == {"a": "interrupted", "b": "timeout", "c": "not-run"}
        assert (results["b"].details, results["b"].reason) == (dump.decode(), "nothing moved")
        assert results["b"].signature == "timeout @ src/pool.py:take"

    def test_a_stack_dump_of_another_process_is_not_borrowed(self, box: Box, tmp_path: Path) -> None:
        box.write(collected("a") + record("running", id="a", worker="", time=5.0))
        (tmp_path / "stacks-8-efgh.txt").write_text("Timeout (0:00:02)!\n")
        assert outcomes(box.inbox.settle("ended")) == {"a": "interrupted"}

    def test_a_timeout_is_signed_with_the_place_of_the_main_thread(self, box: Box, tmp_path: Path) -> None:
        box.write(record("start", rootdir="/p") + collected("a") + record("running", id="a", worker="", time=5.0))
        dump = 'Timeout (0:00:02)!\nThread 0x01 (most recent call first):\n  File "/p/src/pool.py", line 3 in take\n'
        (tmp_path / "stacks-7-abcd.txt").write_text(dump)
        (result,) = box.inbox.settle("ended")
        assert result.signature == "timeout @ src/pool.py:take"


class TestSets:
    def test_a_result_of_a_test_that_nobody_collected_is_named(self, box: Box) -> None:
        box.write(collected("a", "a#2") + ended("a") + ended("b") + ended("a#2") + ended("b#2"))
        box.inbox.settle("x")
        assert box.process.uncollected == ("b", "b#2")

    def test_a_result_of_a_deselected_test_is_one_that_nobody_asked_for(self, box: Box) -> None:
        box.write(record("collected", tests=[{"id": "a", "deselected": True}]) + ended("a"))
        box.inbox.settle("x")
        assert box.process.uncollected == ("a",)

    def test_why_pytest_could_not_go_on_is_kept(self, box: Box) -> None:
        box.write(record("trouble", message="conftest.py:1: OSError") + record("trouble", message="and then"))
        box.inbox.settle("x")
        assert (box.process.trouble, box.process.exit_code) == ("conftest.py:1: OSError", None)

    @pytest.mark.parametrize(
        ("asked", "root", "lost"),
        [
            pytest.param("--collect-only", "/p", ["b"], id="a test that nobody ran"),
            pytest.param("--collect-only", "/q", ["a", "b"], id="tests of another folder"),
            pytest.param("", "/p", ["a", "b"], id="a session that was to run them"),
        ],
    )
    def test_tests_that_were_only_listed_are_those_of_who_runs_them(
        self, box: Box, asked: str, root: str, lost: list[str]
    ) -> None:
        box.write(record("start", rootdir=root) + collected("a", "b") + record("finish", exit_code=0, asked=asked))
        runs = record("start", rootdir="/p") + collected("a") + ended("a") + record("finish", exit_code=0)
        box.path.with_name("pytest-8-ef.jsonl").write_bytes(runs)
        settled = [result.id for result in box.inbox.settle("x") if result.outcome is TestOutcome.NOT_RUN]
        assert (settled, box.inbox.expected) == (lost, len(lost) + 1)

    def test_modules_need_not_be_collected(self, box: Box) -> None:
        box.write(record("collect-error", id="a.py") + record("collect-skip", id="b.py", reason="") + collected("c"))
        box.inbox.settle("x")
        assert box.process.uncollected == ()

    def test_the_order_of_records_is_nothing_to_rely_on(self, box: Box) -> None:
        box.write(ended("a") + collected("a"))
        box.inbox.settle("x")
        assert box.process.uncollected == ()

    @pytest.mark.parametrize(
        ("stream", "listed"),
        [
            pytest.param(STREAM, True, id="whole"),
            pytest.param(record("start"), False, id="killed before it collected"),
            pytest.param(b"", False, id="killed before it said a word"),
            pytest.param(record("start") + collected(*IDS, last=False), False, id="killed between two chunks"),
            pytest.param(
                record("start") + collected(*IDS, last=False) + record("finish", exit_code=0),
                False,
                id="last chunk lost",
            ),
            pytest.param(record("start") + ended("a") + record("finish", exit_code=0), False, id="results alone"),
            pytest.param(record("start") + record("finish", exit_code=0), False, id="never collects"),
            pytest.param(record("start") + collected() + record("finish", exit_code=5), True, id="no tests"),
        ],
    )
    def test_it_is_known_whether_the_collection_was_complete(self, box: Box, stream: bytes, listed: bool) -> None:
        box.write(stream)
        box.inbox.settle("x")
        assert box.process.summary.listed is listed

    @pytest.mark.parametrize(
        ("last", "expected"),
        [
            ({"exit_code": 0}, {"exit_code": 0}),
            ({"exit_code": 0, "asked": "--version"}, {"exit_code": 0, "asked": "--version"}),
            (
                {"exit_code": 5, "workers": {"started": 3, "collected": 1, "died": ["gw0", "gw1"]}},
                {"exit_code": 5, "workers": 3, "silent_workers": 2, "dead_workers": ("gw0", "gw1")},
            ),
            ({"exit_code": "0"}, {"exit_code": None, "unreadable": 1}),
            ({"exit_code": 0, "workers": "all"}, {"exit_code": None, "unreadable": 1}),
        ],
    )
    def test_the_last_word_tells_how_the_session_and_its_workers_ended(
        self, box: Box, last: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        box.write(record("begin", pid=7) + record("finish", **last))
        box.inbox.settle("x")
        assert {name: getattr(box.process.summary, name) for name in expected} == expected

    @pytest.mark.parametrize("behind", [ended("b"), collected("b"), record("begin"), record("finish", exit_code=0)])
    def test_nothing_may_follow_the_last_word(self, box: Box, behind: bytes) -> None:
        box.write(collected("a") + ended("a") + record("finish", exit_code=0) + behind)
        box.inbox.settle("x")
        assert box.process.unreadable == 1

    def test_a_test_that_failed_when_it_ran_once_more_is_named(self, box: Box) -> None:
        box.write(collected("a") + ended("a") + record("again", id="a", outcome="failed"))
        box.inbox.settle("x")
        assert box.process.summary.again == ("a",)


def test_attempts_subtests_and_phases_of_a_record_are_those_of_the_result(box: Box) -> None:
    about: dict[str, Any] = {
        "signature": "ValueError: # @ a.py:f",
        "phases": [{"name": "setup", "outcome": "passed", "duration": 0.5}],
        "attempts": [{"outcome": "error", "phase": "setup", "message": "m", "stdout": "caf\udce9"}],
        "subtests": [{"name": "(n=1)", "message": "m"}],
        "subtests_passed": 2,
    }
    box.write(ended("a", "failed", **about))
    (result,) = box.inbox.poll()
    assert (result.signature, result.subtests_passed) == (about["signature"], 2)
    assert (result.phases[0].duration, result.subtests[0].name) == (0.5, "(n=1)")
    assert (result.attempts[0].outcome, result.attempts[0].stdout) == (TestOutcome.ERROR, "caf\\udce9")


@pytest.mark.parametrize("word", ["collected", "finish", "passed", "started"])
def test_a_password_like_a_word_of_the_stream_leaves_it_readable(tmp_path: Path, word: str) -> None:
    box = Box(tmp_path, StructMask({"MY_PASSWORD": word}))
    box.write(STREAM)
    assert set(outcomes(box.inbox.settle("x")).values()) == {"passed"}
    assert (box.process.unreadable, box.process.exit_code, box.inbox.expected) == (0, 0, 5)


def test_secrets_are_masked_in_every_text_and_ids_stay_consistent(tmp_path: Path) -> None:
    secret = 'p"ss\\word-ä'
    name = f"a.py::t[{secret}]"
    box = Box(tmp_path, StructMask({"MY_TOKEN": secret}))
    box.write(collected(name, f"{name}2") + record("running", id=name, worker="", time=1.0))
    box.write(ended(name, "failed", message=f"is {secret}", stdout=json.dumps(secret), details=repr(secret)))
    (tmp_path / "stacks-7-abcd.txt").write_text(f"Timeout {secret}")
    results = box.inbox.settle("x")
    assert [result.id for result in results] == ["a.py::t[[masked: MY_TOKEN]]", "a.py::t[[masked: MY_TOKEN]]2"]
    failed = results[0]
    assert (failed.message, failed.stdout) == ("is [masked: MY_TOKEN]", '"[masked: MY_TOKEN]"')
    assert failed.details == "'[masked: MY_TOKEN]'"


def test_a_start_knows_how_many_results_came_before_it(box: Box) -> None:
    box.write(
        collected(*IDS[:3]) + record("running", id=IDS[0], time=1.0) + ended(IDS[0]) + record("running", id=IDS[1])
    )
    box.inbox.poll()
    assert [(number, told["id"]) for number, told in box.inbox.begun()] == [(0, IDS[0]), (1, IDS[1])]
    assert box.inbox.begun() == []
    box.write(ended(IDS[1]) + record("running", id=IDS[2]))
    box.inbox.poll()
    assert [(number, told["id"]) for number, told in box.inbox.begun()] == [(2, IDS[2])]


@pytest.mark.parametrize(
    ("start", "end", "tries", "slow"),
    [
        ({}, {"duration": 59.0}, 0, False),
        ({}, {"duration": 60.0}, 0, True),
        ({"slow": 0.5}, {"duration": 0.6}, 0, True),
        ({"tries": 3}, {}, 0, False),
        ({"tries": 3}, {"attempts": [{"outcome": "failed"}]}, 3, False),
    ],
    ids=["quick", "slow", "slow by its rules", "one attempt", "two attempts"],
)
def test_a_result_has_what_only_its_start_told(
    box: Box, start: dict[str, Any], end: dict[str, Any], tries: int, slow: bool
) -> None:
    box.write(collected(IDS[0]) + record("running", id=IDS[0], time=1.0, **start) + ended(IDS[0], **end))
    (result,) = box.inbox.poll()
    assert (result.tries, result.slow) == (tries, slow)


def warning(message: str, **fields: Any) -> bytes:
    return record("warning", **{"category": "UserWarning", "message": message, "file": "a.py", "line": 1} | fields)


def test_warnings_that_are_alike_are_put_together(tmp_path: Path) -> None:
    box = Box(tmp_path)
    assert box.inbox.warnings() is None
    box.write(record("start", pid=7) + collected() + warning("took 3 s", test="t1") + warning("took 4 s", count=5))
    box.write(warning("took 3 s", file="b.py") + warning("took 3 s", category="FutureWarning", line=9))
    box.inbox.poll()
    found = box.inbox.warnings()
    assert found is not None
    assert [(each.category, each.file, each.message, each.count) for each in found.groups] == [
        ("UserWarning", "a.py", "took 3 s", 6),
        ("UserWarning", "b.py", "took 3 s", 1),
        ("FutureWarning", "a.py", "took 3 s", 1),
    ]
    assert (found.count, found.groups[0].test) == (8, "t1")
    assert found.unknown == "a pytest process ended before it could report all of them"
    box.write(record("finish", exit_code=0))
    box.inbox.poll()
    found = box.inbox.warnings()
    assert found is not None
    assert found.unknown == ""


def test_what_the_project_leaves_out_is_added_up_over_all_processes(box: Box) -> None:
    box.write(
        record("left-out", who="-k 'a'", what="tests", number=2) + record("left-out", who="x", what="files", number=1)
    )
    box.path.with_name("pytest-8-ef.jsonl").write_bytes(record("left-out", who="x", what="tests", number=7))
    box.inbox.poll()
    assert box.inbox.left_out() == (LeftOut(who="x", tests=7, files=1), LeftOut(who="-k 'a'", tests=2))
