from __future__ import annotations

from pathlib import Path

from gates.pipeline.pictures import past_of
from gates.portable.values import TestOutcome
from gates.storage.history import FILE, History
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, a_test
from tests.gates.render.plots.reading import tips
from tests.gates.render.plots.test_before_after import a_change, a_comparison


def test_a_page_has_the_pictures_that_there_is_something_to_show_on(tmp_path: Path) -> None:
    kept = History(tmp_path)
    run, tests = a_run(started=NOON), [a_test("a", duration=2.0)]
    assert [one.title for one in past_of(tmp_path, run, [], None).pictures] == []
    assert [one.title for one in past_of(None, run, tests, None).pictures] == ["Slowest tests of kv-gates"]
    for number, outcome in enumerate((TestOutcome.PASSED, TestOutcome.FAILED)):
        before = a_run(id=str(number), started=NOON - 100 + number, gates=(a_gate(),))
        kept.record(before, [a_test("a", outcome, duration=1.0)])
    found = past_of(tmp_path, run, tests, a_comparison(a_change("a")))
    assert [one.title for one in found.pictures] == [
        "Times of gates, run by run",
        "Slowest tests of kv-gates",
        "Tests that failed or flaked, run by run",
        "Times: main and feature",
    ]
    assert found.recent["test", tests[0].id] == ".F"
    assert f"{tests[0].id}: 2.00s, usually 1.00s" in tips(found.pictures[1])


def test_a_history_that_cannot_be_read_costs_only_its_pictures(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 1000)
    found = past_of(tmp_path, a_run(), [a_test()], None)
    assert (found.recent, len(found.pictures)) == ({}, 1)
