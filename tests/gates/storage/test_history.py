from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from gates.portable.values import TestOutcome
from gates.results import Run, count_tests
from gates.storage import history as module
from gates.storage.history import FILE, KEPT_SECONDS, History
from tests.gates.readers.junit.sample import a_gate, a_run, a_subject, a_test

DAY = 86_400.0


def a_past_run(number: int, **fields: object) -> Run:
    return a_run(id=f"run-{number}", started=1000.0 + number, gates=(a_gate("test"),), **fields)


def test_a_run_is_recorded_once_with_its_gates_and_tests(tmp_path: Path) -> None:
    kept = History(tmp_path)
    run = a_past_run(1, subject=a_subject(branch="main", identity="git-tree:1"))
    tests = [a_test("a"), a_test("b", TestOutcome.FAILED, signature="E", quarantine="q", process=1)]
    for _ in range(3):
        kept.record(run, tests)
    gate, first, second = kept.of()
    assert (gate.gate, gate.test, gate.outcome, gate.run) == ("test", "", "passed", "run-1")
    assert (first.test, first.outcome, first.tree, first.branch) == (tests[0].id, "passed", "git-tree:1", "main")
    assert (second.test, second.outcome) == (f"{tests[1].id} (process 1)", "failed")
    assert (second.signature, second.quarantine) == ("E", "q")


def test_results_come_the_oldest_run_first_and_can_be_asked_by_test_and_by_number(tmp_path: Path) -> None:
    kept = History(tmp_path)
    for number in (3, 1, 2):
        kept.record(a_past_run(number), [a_test("a"), a_test("b")])
    one = a_test("a").id
    assert [past.run for past in kept.of(one)] == ["run-1", "run-2", "run-3"]
    assert [past.run for past in kept.of(one, runs=2)] == ["run-2", "run-3"]
    assert list(kept.of("other")) == []


def test_a_run_that_did_not_end_is_not_recorded(tmp_path: Path) -> None:
    History(tmp_path).record(a_past_run(1, complete=False), [])
    assert not (tmp_path / FILE).exists()
    assert list(History(tmp_path).of()) == []


def test_old_runs_and_names_that_nothing_has_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = History(tmp_path)
    kept.record(a_past_run(0), [a_test("old")])
    for number in (1, 2, 3):
        kept.record(a_run(id=f"new-{number}", started=KEPT_SECONDS + DAY + number), [a_test("new")])
    assert {past.run for past in kept.of()} == {"new-1", "new-2", "new-3"}
    monkeypatch.setattr(module, "KEPT_RUNS", 2)
    monkeypatch.setattr(module, "_NAMES_ARE_SWEPT", 1)
    kept.record(a_run(id="new-4", started=KEPT_SECONDS + DAY + 4), [a_test("new")])
    assert {past.run for past in kept.of()} == {"new-3", "new-4"}
    with closing(sqlite3.connect(tmp_path / FILE)) as base:
        names = {name for (name,) in base.execute("SELECT test FROM names WHERE test != ''")}
    assert names == {a_test("new").id}


@pytest.mark.parametrize("data", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_file_is_kept_aside_and_a_new_one_begins(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    History(tmp_path).record(a_past_run(1), [a_test("a")])
    assert [past.run for past in History(tmp_path).of(a_test("a").id)] == ["run-1"]
    assert (tmp_path / f"{FILE}.damaged").read_bytes() == data


VERSION_1 = """
CREATE TABLE runs (number INTEGER PRIMARY KEY, id TEXT UNIQUE, started REAL, tree TEXT, branch TEXT, python TEXT, outcome TEXT);
CREATE TABLE names (number INTEGER PRIMARY KEY, gate TEXT, test TEXT, UNIQUE (gate, test));
CREATE TABLE results (name INTEGER REFERENCES names, run INTEGER REFERENCES runs ON DELETE CASCADE, outcome TEXT, seconds REAL,
  signature TEXT, quarantine TEXT, PRIMARY KEY (name, run)) WITHOUT ROWID;
CREATE INDEX by_run ON results (run);
INSERT INTO runs VALUES (1, 'old', 10.0, 'git-tree:1', 'main', '3.11', 'passed');
INSERT INTO names VALUES (1, 'test', 't');
INSERT INTO results VALUES (1, 1, 'failed', 0.5, 'E', NULL);
PRAGMA user_version = 1;
"""


FROM_1_TO_2 = """
ALTER TABLE runs ADD COLUMN profile TEXT;
ALTER TABLE runs ADD COLUMN size INTEGER;
UPDATE runs SET size = 1, profile = 'quick';
CREATE INDEX bad ON results (run) WHERE outcome = 'failed';
PRAGMA user_version = 2;
"""


@pytest.mark.parametrize(("script", "profile"), [(VERSION_1, ""), (VERSION_1 + FROM_1_TO_2, "quick")])
def test_a_file_of_an_earlier_version_goes_on(tmp_path: Path, script: str, profile: str) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as base:
        base.executescript(script)
    History(tmp_path).record(a_past_run(1), [a_test("a")])
    assert [past.run for past in History(tmp_path).of()] == ["old", "run-1", "run-1"]
    (old,) = History(tmp_path).of("t")
    assert (old.outcome, old.python, old.profile) == ("failed", "3.11", profile)
    with closing(sqlite3.connect(tmp_path / FILE)) as base:
        assert base.execute("SELECT size FROM runs ORDER BY number").fetchall() == [(1,), (2,)]
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_file_of_a_later_version_stays_as_it_is(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as base:
        base.execute("CREATE TABLE runs (other TEXT)")
        base.execute("PRAGMA user_version = 99")
    with pytest.raises(sqlite3.OperationalError, match="a later version of gates wrote it"):
        History(tmp_path).record(a_past_run(1), [a_test("a")])
    with closing(sqlite3.connect(tmp_path / FILE)) as base:
        assert base.execute("PRAGMA user_version").fetchone() == (99,)
        assert base.execute("SELECT * FROM runs").fetchall() == []


def test_runs_with_too_many_results_are_removed_and_the_last_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_RESULTS", 7)
    kept = History(tmp_path)
    for number in (1, 2, 3):
        kept.record(a_past_run(number), [a_test("a"), a_test("b")])  # three results each, with the gate
    assert {past.run for past in kept.of()} == {"run-2", "run-3"}
    kept.record(a_past_run(4), [a_test(f"t{number}") for number in range(20)])
    assert {past.run for past in kept.of()} == {"run-4"}


@pytest.mark.parametrize(
    ("branch", "runs", "wanted"),
    [(None, 0, [1, 2, 3, 4]), (None, 2, [3, 4]), ("main", 0, [1, 3]), ("main", 1, [3]), ("other", 0, [])],
)
def test_runs_are_chosen_by_branch_and_number(tmp_path: Path, branch: str | None, runs: int, wanted: list[int]) -> None:
    kept = History(tmp_path)
    for number in (1, 2, 3, 4):
        subject = a_subject(branch="main" if number % 2 else "feature")
        kept.record(a_past_run(number, subject=subject), [a_test("a")])
    ids = [f"run-{number}" for number in wanted]
    assert [past.run for past in kept.of(a_test("a").id, runs, branch)] == ids
    assert [past.run for past in kept.of_gates(runs, branch)] == ids
    assert kept.number_of_runs(runs, branch) == len(ids)


def test_only_tests_that_failed_or_flaked_lately_are_troubled(tmp_path: Path) -> None:
    kept = History(tmp_path)
    for number, outcomes in enumerate((("failed", "passed", "passed"), ("passed", "flaky", "passed")), 1):
        results = [a_test(name, TestOutcome(outcome)) for name, outcome in zip("abc", outcomes, strict=True)]
        kept.record(a_past_run(number), results)
    assert [past.test[-1] + past.outcome[0] for past in kept.of_troubled()] == ["af", "ap", "bp", "bf"]
    assert [past.test[-1] for past in kept.of_troubled(runs=1)] == ["b"]
    assert kept.tests() == tuple(a_test(name).id for name in "abc")


def test_a_run_for_some_tests_says_nothing_about_the_gates_that_run_tests(tmp_path: Path) -> None:
    gates = (a_gate("test", tests=count_tests([a_test("a")])), a_gate("lint"))
    History(tmp_path).record(a_run([a_test("a")], gates=gates), [a_test("a")], part=True)
    assert [(past.gate, past.test) for past in History(tmp_path).of()] == [("lint", ""), ("test", a_test("a").id)]


def test_a_run_in_which_the_tree_changed_has_no_tree(tmp_path: Path) -> None:
    History(tmp_path).record(a_past_run(1, changed=("a.py",)), [a_test("a")])
    assert [past.conditions for past in History(tmp_path).of()] == [(), ()]


def test_an_excluded_test_that_ran_anyway_does_not_count(tmp_path: Path) -> None:
    ran, left_out = a_test("a", TestOutcome.FAILED, exclusion="e"), a_test("b", TestOutcome.EXCLUDED, exclusion="e")
    History(tmp_path).record(a_past_run(1), [ran, left_out])
    assert [past.test for past in History(tmp_path).of() if past.test] == [left_out.id]


def test_several_writers_lose_nothing(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: History(tmp_path).record(a_past_run(number), [a_test("a")]), range(40)))
    assert {past.run for past in History(tmp_path).of(a_test("a").id)} == {f"run-{number}" for number in range(40)}


WRITER = """
import sys
from pathlib import Path
from gates.storage.history import History
from tests.gates.storage.test_history import a_past_run, a_test
kept, tests = History(Path(sys.argv[1])), [a_test(f"t{number}") for number in range(300)]
print("go", flush=True)
for number in range(10_000):
    kept.record(a_past_run(number), tests)
    print(number, flush=True)
"""


@pytest.mark.slow
def test_a_killed_writer_leaves_whole_runs_only_and_each_once(tmp_path: Path) -> None:
    finished = -1
    for turn in range(3):
        program = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert program.stdout is not None
        for line in program.stdout:
            finished = max(finished, int(line) if line.strip().isdigit() else -1)
            if finished >= 5 * (turn + 1):
                break
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        program.stdout.close()
    runs = [past.run for past in History(tmp_path).of(a_test("t0").id)]
    assert len(set(runs)) == len(runs) >= finished + 1
    for name in (a_test("t1").id, a_test("t299").id):
        assert [past.run for past in History(tmp_path).of(name)] == runs


def test_the_last_outcomes_of_each_test_come_the_oldest_first(tmp_path: Path) -> None:
    kept = History(tmp_path)
    assert kept.recent() == {}
    for number, outcome in ((2, TestOutcome.FAILED), (1, TestOutcome.PASSED), (3, TestOutcome.FLAKY)):
        kept.record(a_past_run(number), [a_test("a", outcome)])
    name = a_test("a").id
    assert kept.recent()["test", name] == ("passed", "failed", "flaky")
    assert kept.recent(runs=2)["test", name] == ("failed", "flaky")
