"""Parts of the plugin that need no pytest process: pure functions of values."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.exclusions import Exclusion
from gates.portable.filters import FilterSyntaxError, LeafReport
from gates.portable.settings.kinds import DURATION
from gates.portable.settings.plugin import PluginSettings
from gates.portable.workers import choose_workers, cores, read_durations
from gates.pytest_plugin.options import typed
from gates.pytest_plugin.processes import distribution
from gates.pytest_plugin.reporting.phases import CALLED
from gates.pytest_plugin.reporting.record_limit import RECORD_LIMIT, fair_share, fit
from gates.pytest_plugin.reporting.reports import AttemptReports, conclude
from gates.pytest_plugin.reporting.terminal import lines
from gates.pytest_plugin.selection.catalogue import (
    Catalogue,
    Entry,
    from_ids,
    load,
    place,
    reconciled,
    save,
)
from gates.pytest_plugin.selection.deselection import make_selection
from gates.pytest_plugin.selection.exclusion_lists import (
    ExclusionLists,
    ProjectExclusions,
    finder,
    load_exclusion_lists,
)
from gates.pytest_plugin.text import cap, first_line

if TYPE_CHECKING:
    from pathlib import Path


def report(when: str, outcome: str = "passed", text: str | None = None, **more: Any) -> pytest.TestReport:
    """A report, of a call that really ran."""
    more = {CALLED: True, **more} if when == "call" else more
    return pytest.TestReport(
        nodeid="test_a.py::test_it",
        location=("test_a.py", 4, "test_it"),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]
        longrepr=text,
        when=when,  # type: ignore[arg-type]
        duration=1.0,
        **more,
    )


def uncalled(outcome: str, **more: Any) -> pytest.TestReport:
    found = report("call", outcome, **more)
    delattr(found, CALLED)
    return found


def concluded(*reports: pytest.TestReport) -> dict[str, Any]:
    attempt = AttemptReports(100.0)
    for one in reports:
        attempt.add(one)
    return conclude(attempt, 110.0)


class TestReports:
    def test_the_duration_is_that_of_all_phases(self) -> None:
        assert concluded(report("setup"), report("call"), report("teardown"))["duration"] == 3.0

    @pytest.mark.parametrize(
        "reports",
        [
            pytest.param([report("setup"), report("teardown")], id="no call"),
            pytest.param([report("setup"), uncalled("passed"), report("teardown")], id="a call that never began"),
            pytest.param(
                [report("setup"), uncalled("passed", wasxfail="x"), report("teardown")], id="expected to fail"
            ),
        ],
    )
    def test_a_test_whose_call_never_ran_is_not_run(self, reports: list[pytest.TestReport]) -> None:
        fields = concluded(*reports)
        assert fields["outcome"] == "not-run"
        assert "its call never ran" in fields["reason"]

    def test_a_test_that_passes_at_its_second_attempt_is_flaky(self) -> None:
        fields = concluded(
            report("setup"),
            report("call", "rerun", "E   first failure"),
            report("setup"),
            report("call"),
            report("teardown"),
        )
        assert fields["outcome"] == "flaky"
        assert fields["reason"] == "passed on attempt 2"
        assert fields["message"] == "first failure"

    def test_a_test_that_fails_at_every_attempt_keeps_all_texts(self) -> None:
        fields = concluded(
            report("call", "rerun", "E   first"),
            report("setup"),
            report("call", "failed", "E   last"),
            report("teardown"),
        )
        assert (fields["outcome"], fields["message"], fields["details"]) == ("failed", "last", "E   last")
        assert [attempt["details"] for attempt in fields["attempts"]] == ["E   first"]

    def test_an_attempt_has_its_own_phases_times_and_output(self) -> None:
        fields = concluded(
            report("setup", "rerun", "E   first", sections=[("Captured stdout setup", "one")], stop=104.0),
            report("setup"),
            report("call", "rerun", "E   second", sections=[("Captured stderr call", "two")], stop=107.0),
            report("setup"),
            report("call", sections=[("Captured stdout call", "three")]),
            report("teardown", sections=[("Captured stdout call", "three")]),
        )
        first, second = fields["attempts"]
        assert (first["outcome"], first["phase"], first["duration"], first["started"]) == ("error", "setup", 1.0, 100.0)
        assert (second["outcome"], second["phase"], second["duration"]) == ("failed", "call", 2.0)
        assert (first["stdout"], second["stderr"], second["started"]) == ("one", "two", 104.0)
        assert (fields["outcome"], fields["duration"], fields["started"]) == ("flaky", 3.0, 107.0)
        assert (fields["stdout"], fields["signature"]) == ("three", "first")
        assert "details" not in fields

    def test_a_test_that_skips_itself_after_a_failure_has_not_passed(self) -> None:
        fields = concluded(
            report("setup"),
            report("call", "rerun", "E   boom"),
            report("setup"),
            report("call", "skipped", "not today"),
            report("teardown"),
        )
        assert (fields["outcome"], fields["message"]) == ("failed", "boom")
        assert fields["reason"] == "attempt 2 was skipped: not today"

    def test_what_the_running_process_signed_is_believed(self) -> None:
        failed = report("call", "failed", "E   ValueError: x", gates_signature="ValueError: x @ a.py:f")
        assert concluded(report("setup"), failed, report("teardown"))["signature"] == "ValueError: x @ a.py:f"
        unsigned = report("call", "failed", "test_a.py:7: in test_it\nE   ValueError: 7 is bad")
        signed = concluded(report("setup"), unsigned, report("teardown"))["signature"]
        assert signed == "ValueError: # is bad @ test_a.py:test_it"

    def test_phases_that_say_nothing_are_left_out(self) -> None:
        def three(setup: float, teardown: float) -> dict[str, Any]:
            reports = [report("setup"), report("call"), report("teardown")]
            reports[0].duration, reports[2].duration = setup, teardown
            return concluded(*reports)

        assert "phases" not in three(0.001, 0.001)
        assert [phase["duration"] for phase in three(0.5, 0.001)["phases"]] == [0.5, 1.0, 0.001]
        assert [phase["name"] for phase in three(0.0, 0.002)["phases"]] == ["setup", "call", "teardown"]

    def test_a_skip_whose_teardown_fails_is_an_error(self) -> None:
        fields = concluded(report("setup"), report("call", "skipped", "x"), report("teardown", "failed", "E   no"))
        assert (fields["outcome"], fields["phase"]) == ("error", "teardown")

    def test_a_crash_while_setting_up_says_so(self) -> None:
        fields = concluded(report("???", "failed", "worker 'gw0' crashed"))
        assert (fields["outcome"], fields["phase"], fields["duration"]) == ("crashed", "setup", 10.0)

    def test_a_test_that_timed_out_took_at_least_its_limit(self) -> None:
        fields = concluded(report("setup"), report("???", "failed", "timed out after 60s", gates_timeout=60.0))
        assert (fields["outcome"], fields["phase"], fields["duration"]) == ("timeout", "call", 60.0)
        assert fields["message"] == "timed out after 60s"
        assert fields["signature"] == "timeout"

    def test_a_crash_keeps_earlier_attempts(self) -> None:
        fields = concluded(report("call", "rerun", "E   first"), report("???", "failed", "worker 'gw0' crashed"))
        assert (fields["outcome"], fields["signature"], len(fields["attempts"])) == ("crashed", "crashed", 1)

    def test_a_failure_that_cannot_be_shown_is_still_a_failure(self) -> None:
        broken = report("call", "failed", "x")

        class Hostile:
            def toterminal(self, _writer: object) -> None:
                raise RuntimeError("boom")

        broken.longrepr = Hostile()  # type: ignore[assignment]
        fields = concluded(report("setup"), broken, report("teardown"))
        assert fields["outcome"] == "failed"
        assert "cannot be shown: RuntimeError: boom" in fields["details"]


LEAF = LeafReport("test(q)", 3, 1, "", "", "unknown for 1 test")


class TestText:
    def test_a_short_text_stays(self) -> None:
        assert cap("ü" * 100, 200) == "ü" * 100

    def test_head_and_tail_of_a_long_one_stay(self) -> None:
        assert cap("a" * 50 + "b" * 60, 20) == "a" * 10 + "\n… 90 bytes cut …\n" + "b" * 10

    @pytest.mark.parametrize("character", ["é", "日", "😀", "\udc80"])
    @pytest.mark.parametrize("limit", range(20, 28))
    def test_a_cut_through_a_character_does_no_harm(self, character: str, limit: int) -> None:
        text = cap("x" + character * 50, limit)
        assert set(text) <= {"x", character, *"\n… 0123456789, bytes cut …"}

    def test_the_first_line_with_words_is_the_message(self) -> None:
        assert first_line("\n  \n  one\ntwo") == "one"
        assert first_line("") == ""
        assert len(first_line("x" * 5000)) == 1000


class TestBudget:
    def test_a_record_that_fits_stays(self) -> None:
        record = {"message": "m", "details": "d" * 100, "attempts": [{"stdout": "x" * 100}]}
        before = copy.deepcopy(record)
        fit(record, 1000)
        assert record == before

    def test_the_longest_texts_are_cut_and_that_is_said(self) -> None:
        record: dict[str, Any] = {
            "message": "short",
            "details": "d" * 500,
            "attempts": [{"stdout": "x" * 500, "details": "brief"}, {"stderr": "ü" * 500}],
            "subtests": [{"name": "n", "message": "w" * 500}],
        }
        fit(record, 400)
        assert (record["message"], record["attempts"][0]["details"]) == ("short", "brief")
        assert "404 bytes cut" in record["details"]
        assert "bytes cut" in record["attempts"][0]["stdout"]
        assert "bytes cut" in record["attempts"][1]["stderr"]
        assert record["subtests"][0]["message"].endswith("w…")
        assert len(json.dumps(record, ensure_ascii=False).encode()) < 800

    def test_a_hundred_long_attempts_stay_below_the_limit(self) -> None:
        attempts = [{"stdout": "x" * 65536, "stderr": "y" * 65536, "details": "z" * 65536} for _ in range(100)]
        record: dict[str, Any] = {"attempts": attempts}
        fit(record)
        assert len(json.dumps(record)) < RECORD_LIMIT + 300 * 64

    @given(st.lists(st.integers(1, 1000), max_size=20), st.integers(0, 5000))
    def test_the_share_is_fair(self, sizes: list[int], limit: int) -> None:
        share = fair_share(sizes, limit)
        kept = [min(size, share) for size in sizes]
        assert sum(kept) <= limit
        if sum(sizes) > limit:
            assert sum(kept) > limit - len(sizes), "nothing is wasted"


class TestWorkers:
    def test_many_tiny_tests_get_one_worker(self) -> None:
        count, reason = choose_workers([0.0015] * 820, 2)
        assert count == 1
        assert reason == "1 worker: 820 tests of 1.5 ms on average; more would cost more than they save"

    def test_tests_that_take_a_while_get_all_cores(self) -> None:
        assert choose_workers([0.005] * 820, 2) == (2, "2 workers: 820 tests of 5.0 ms on average")
        assert choose_workers([1.0] * 100, 8)[0] == 8

    def test_a_few_long_tests_get_no_more_workers_than_there_are_tests(self) -> None:
        assert choose_workers([10.0] * 3, 16)[0] == 3

    def test_one_long_test_is_not_shortened_by_a_second_worker(self) -> None:
        assert choose_workers([10.0, 0.01], 4)[0] == 1

    def test_there_is_always_a_worker(self) -> None:
        assert choose_workers([1.0] * 100, 1) == (1, "1 worker: one core")
        assert choose_workers([], 4) == (4, "4 workers: no durations are recorded yet")

    def test_memory_allows_no_more_workers_than_fit(self) -> None:
        mib = 1 << 20
        assert choose_workers([1.0] * 100, 8, memory=8000 * mib, peak=100 * mib)[0] == 8
        count, reason = choose_workers([1.0] * 100, 8, memory=1000 * mib, peak=300 * mib)
        assert (count, reason) == (
            2,
            "2 workers: each took 300 MiB last time, and 1,000 MiB are free; time alone would allow 8",
        )
        assert choose_workers([1.0] * 100, 8, memory=10 * mib, peak=300 * mib)[0] == 1
        assert choose_workers([1.0] * 100, 8, memory=None, peak=300 * mib)[0] == 8
        assert cores() >= 1

    @pytest.mark.parametrize("count", [1, 10, 1000])
    @pytest.mark.parametrize("duration", [0.0, 0.001, 0.1, 10.0])
    def test_the_choice_is_within_the_cores(self, count: int, duration: float) -> None:
        assert 1 <= choose_workers([duration] * count, 6)[0] <= 6

    @pytest.mark.parametrize(
        "text",
        [
            '{"a": 0.5, "b": 1.5}',
            '{"id": "a", "outcome": "passed", "duration": 0.5}\n{"id": "b", "duration": 1.5}\n{"outcome": "excluded"}\n',
            '{"type": "start"}\n{"type": "test", "id": "a", "duration": 0.5}\n{"type": "test", "duration": 1.5}\n',
        ],
        ids=["object", "tests.jsonl", "stream"],
    )
    def test_durations_are_read_from_several_kinds_of_file(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "durations"
        file.write_text(text)
        assert read_durations(file) == [0.5, 1.5]

    def test_an_empty_file_has_no_durations(self, tmp_path: Path) -> None:
        file = tmp_path / "durations"
        file.write_text("")
        assert read_durations(file) == []

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "durations"
        file.write_text("no durations")
        with pytest.raises(ValueError, match=r"."):
            read_durations(file)


ENTRY = Exclusion("helpers", "test(helpers)", "why", "todo", "me", dt.date(2026, 6, 1))


class TestTerminal:
    TODAY = dt.date(2026, 6, 1)

    def test_nothing_is_said_when_nothing_was_left_out(self) -> None:
        assert lines(PluginSettings(), [], Catalogue((Entry("a", "a", 1),)), self.TODAY) == []
        assert lines(PluginSettings(), [ENTRY], Catalogue((Entry("a", "a", 1),)), self.TODAY) == []

    def test_an_expired_entry_is_named_even_when_it_excludes_nothing(self) -> None:
        (line,) = lines(PluginSettings(), [ENTRY], Catalogue(), dt.date(2026, 6, 2))
        assert line == "nothing excluded by [tool.gates.exclusions]; expired: helpers (2026-06-01)"

    def test_the_entry_with_the_most_tests_comes_first(self) -> None:
        other = Exclusion("other", "test(o)", "why", "hang", "me", dt.date(2026, 6, 1))
        catalogue = Catalogue(excluded={"helpers": 1, "other": 3})
        (line,) = lines(PluginSettings(), [ENTRY, other], catalogue, self.TODAY)
        assert line.startswith("4 excluded by [tool.gates.exclusions]: other 3 (hang), helpers 1 (todo); ")


class TestCatalogue:
    def test_it_survives_a_file(self, tmp_path: Path) -> None:
        tests = (Entry("a", "f", 1), Entry("b", "f", 2, "x"), Entry("c", "f", 3, "", True))
        catalogue = Catalogue(tests, {"x": 1}, 1, (("filter", LEAF),), ({"id": "a"},))
        save(catalogue, tmp_path / "catalogue.json")
        assert load(tmp_path / "catalogue.json") == catalogue

    @pytest.mark.parametrize("content", [None, "", "{"])
    def test_a_file_that_is_missing_or_broken_is_no_catalogue(self, tmp_path: Path, content: str | None) -> None:
        file = tmp_path / "catalogue.json"
        if content is not None:
            file.write_text(content)
        assert load(file) is None
        assert reconciled(load(file), ["f.py::a"]) == Catalogue((Entry("f.py::a", "f.py", 0),))

    def test_a_folder_that_cannot_be_written_is_no_error(self, tmp_path: Path) -> None:
        save(Catalogue(), tmp_path / "missing" / "catalogue.json")

    def test_what_xdist_will_run_is_what_counts(self) -> None:
        told = Catalogue(
            (Entry("f.py::a", "f.py", 7), Entry("f.py::b", "f.py", 8, "x"), Entry("f.py::gone", "f.py", 9))
        )
        found = reconciled(told, ["f.py::a", "f.py::new"])
        assert found.tests == (
            Entry("f.py::a", "f.py", 7),
            Entry("f.py::new", "f.py", 0),
            Entry("f.py::b", "f.py", 8, "x"),
        )

    def test_equal_ids_are_numbered(self) -> None:
        assert [test.id for test in from_ids(["a", "b", "a", "a"]).tests] == ["a", "b", "a#2", "a#3"]

    def test_lines_count_from_one(self) -> None:
        assert place(("tests/a.py", 0, "x"), "tests/a.py::x") == ("tests/a.py", 1)
        assert place(("tests/a.py", None, "x"), "tests/a.py::x") == ("tests/a.py", 0)
        generated = ".nox/test/lib/python3.11/site-packages/hypothesis/stateful.py"
        assert place((generated, 400, "runTest"), "tests/a.py::Case::runTest") == ("tests/a.py", 0)


class TestLedger:
    TEXT = '# c\n[tool.gates.exclusions]\n[tool . gates.exclusions."a b"]\nreason = "x"\n\'owner\' = 1\n[other]\nfilter = 1\n'

    @pytest.mark.parametrize(
        ("keys", "line"),
        [(("a b",), 3), (("a b", "reason"), 4), (("a b", "owner"), 5), (("a b", "filter"), 3), (("zzz",), 2), ((), 2)],
    )
    def test_keys_are_found(self, keys: tuple[str, ...], line: int) -> None:
        assert finder(self.TEXT, "f.toml", ("tool", "gates", "exclusions"))(keys) == f"f.toml:{line}"

    def test_a_text_without_the_table_is_only_a_file(self) -> None:
        assert finder("", "f.toml", ("exclusions",))(("a",)) == "f.toml"

    def test_a_project_without_a_ledger_excludes_nothing(self, tmp_path: Path) -> None:
        assert load_exclusion_lists(tmp_path) == ProjectExclusions()
        (tmp_path / "pyproject.toml").write_text("[tool.other.exclusions]\nx = 1\n")
        assert load_exclusion_lists(tmp_path) == ProjectExclusions()

    @pytest.mark.parametrize("text", ["[tool.gates]\nexclusions = 3", "[tool.gates.exclusions"])
    def test_a_broken_file_is_an_error_with_its_name(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "pyproject.toml").write_text(text)
        with pytest.raises(Exception, match=r"pyproject\.toml"):
            load_exclusion_lists(tmp_path)


class TestProtocol:
    def test_an_order_survives_the_way_to_the_worker(self) -> None:
        order = distribution.Order("p", PluginSettings(filter="all()", test_timeout=1.0), "stream", "scratch")
        assert distribution.Order.from_workerinput(order.to_workerinput()) == order

    def test_a_broken_filter_is_refused_before_anything_runs(self) -> None:
        with pytest.raises(FilterSyntaxError):
            make_selection(PluginSettings(filter="test("), ExclusionLists())

    @pytest.mark.parametrize(("text", "value"), [("2", 2.0), ("0.5", 0.5), ("1m 30s", 90.0), ("250ms", 0.25)])
    def test_durations_are_seconds_or_have_a_unit(self, text: str, value: float) -> None:
        assert typed(DURATION)(text) == value
