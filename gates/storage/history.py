"""How gates and tests ended, run by run, in one SQLite file of a project's store. Losing it costs only its own answers.

Each run is one transaction, keyed by its id: a killed process leaves all of a run or nothing, and a run that is
recorded twice counts once. Several processes may write; each waits for the others. Old runs are removed by age, by number,
and by how many results they have.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import starmap
from operator import itemgetter
from pathlib import Path
from typing import Any

from gates.portable.values import TestOutcome
from gates.results import Run, TestResult
from gates.results.past import PastResult

FILE = "history.sqlite"
KEPT_RUNS = 1000
KEPT_SECONDS = 180 * 86_400.0
KEPT_RESULTS = 1_000_000
"""Runs that are older, or beyond these numbers, are removed; the last one stays. A million results take about 35 MB."""

MOST_TROUBLED = 1000
"""How many tests that failed or flaked are told of: those that flaked, then those that failed first."""

PATIENCE = 10.0
"""Seconds to wait for another process that writes."""

_VERSION = 3
_RUNS = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY, id TEXT UNIQUE, started REAL, tree TEXT, branch TEXT, python TEXT, outcome TEXT, profile TEXT, size INTEGER
);
CREATE TABLE names (number INTEGER PRIMARY KEY, gate TEXT, test TEXT, UNIQUE (gate, test));
"""
_RESULTS = """
CREATE TABLE results (
  run INTEGER, name INTEGER, outcome TEXT, seconds REAL, signature TEXT, quarantine TEXT, PRIMARY KEY (run, name)
) WITHOUT ROWID;
"""
"""By run first: a run is written, and removed, in one place of the file."""

_TO_VERSION_2 = """
ALTER TABLE runs ADD COLUMN profile TEXT;
ALTER TABLE runs ADD COLUMN size INTEGER;
UPDATE runs SET size = (SELECT count(*) FROM results WHERE run = runs.number);
"""
_MOVED = """
INSERT INTO results SELECT run, name, outcome, seconds, signature, quarantine FROM old ORDER BY run, name;
DROP TABLE old;
"""
_TO_VERSION_3 = f"ALTER TABLE results RENAME TO old; {_RESULTS} {_MOVED}"
_BAD = "('failed', 'error', 'timeout', 'crashed', 'quarantined', 'flaky')"
_INDEX = f"CREATE INDEX IF NOT EXISTS bad ON results (run) WHERE outcome IN {_BAD}"
"""So that the few tests that ever fail are found without reading those that do not."""

_TOO_OLD = """
SELECT number FROM (
  SELECT number, started, row_number() OVER latest AS place, sum(size) OVER latest AS so_far FROM runs
  WINDOW latest AS (ORDER BY started DESC, number DESC)
) WHERE place > 1 AND (started < ? OR place > ? OR so_far > ?)
"""
_NAMES_ARE_SWEPT = 50
"""After how many runs names are removed that nothing has."""

_CHOSEN = """
SELECT number FROM runs WHERE (:branch IS NULL OR branch = :branch) AND (:before IS NULL OR started < :before)
ORDER BY started DESC, number DESC LIMIT :runs
"""
_OF_RESULTS = "SELECT name FROM results WHERE"
_TROUBLED = f"""
{_OF_RESULTS} outcome IN {_BAD} AND run IN ({_CHOSEN}) GROUP BY name ORDER BY sum(outcome = 'flaky') DESC, min(run) LIMIT {MOST_TROUBLED}
"""
_COLUMNS = """
SELECT names.gate, names.test, runs.id, runs.started, coalesce(runs.tree, ''), coalesce(runs.branch, ''), results.outcome,
       results.seconds, coalesce(results.signature, ''), coalesce(results.quarantine, ''), coalesce(runs.python, ''),
       coalesce(runs.profile, '')
"""
# A cross join is one in this order: each run is read from its beginning to its end, or a few results of it are looked up.
_ALL = (
    "FROM runs CROSS JOIN results ON results.run = runs.number CROSS JOIN names ON names.number = results.name WHERE 1"
)
_SOME = (
    "FROM names CROSS JOIN runs CROSS JOIN results ON results.run = runs.number AND results.name = names.number WHERE"
)
_LISTED = "names.test IN (SELECT value FROM json_each(:tests))"


class History:
    """The file of one store."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def record(self, run: Run, tests: Sequence[TestResult], *, part: bool = False) -> None:
        """Add a run that came to its end, unless it is there; remove what is too old.

        Args:
            run: the run.
            tests: its tests.
            part: only some tests were asked for: how their gates ended says nothing about the gates.

        Raises:
            sqlite3.Error: the file cannot be written, is of a later version of gates, or is something else.
            OSError: its folder cannot be written.
        """
        if not run.complete:
            return
        try:
            self._record(run, tests, part=part)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # damaged, or no database: it is kept for a look, and a new one begins
            for name in (f"{FILE}-wal", f"{FILE}-shm"):
                self.path.with_name(name).unlink(missing_ok=True)
            self.path.replace(self.path.with_name(f"{FILE}.damaged"))
            self._record(run, tests, part=part)

    def _record(self, run: Run, tests: Sequence[TestResult], *, part: bool) -> None:
        rows = list(_rows(run, tests, part=part))
        tree = "" if run.changed else run.subject.identity  # a gate changed it, so what was tested is unknown
        with self._opened() as base, base:
            base.execute("BEGIN IMMEDIATE")
            about = (
                run.id, run.started, tree, run.subject.branch, run.environment.python, run.outcome, run.profile, len(rows),
            )  # fmt: skip
            if not base.execute("INSERT OR IGNORE INTO runs (id, started, tree, branch, python, outcome, profile, size) VALUES (?,?,?,?,?,?,?,?)", about).rowcount:  # fmt: skip
                return
            number = base.execute("SELECT number FROM runs WHERE id = ?", (run.id,)).fetchone()[0]
            known = {(gate, test): name for name, gate, test in base.execute("SELECT number, gate, test FROM names")}
            new = dict.fromkeys((row[0], row[1]) for row in rows if (row[0], row[1]) not in known)
            first = max(known.values(), default=0) + 1
            known |= {name: first + index for index, name in enumerate(new)}
            base.executemany("INSERT INTO names VALUES (?,?,?)", [(known[name], *name) for name in new])
            results = [(number, known[row[0], row[1]], row[2], round(row[3], 6), *map(_none, row[4:])) for row in rows]
            base.executemany("INSERT OR IGNORE INTO results VALUES (?,?,?,?,?,?)", sorted(results, key=itemgetter(1)))
            _trim(base, run.started, number)

    def number_of_runs(self, runs: int = 0, branch: str | None = None) -> int:
        """How many runs `of` tells of; raises as `of`."""
        if not self.path.exists():
            return 0
        with self._opened() as base:
            return len(base.execute(_CHOSEN, _choice(runs, branch)).fetchall())

    def tests(self) -> tuple[str, ...]:
        """The ids of all tests; raises as `of`."""
        if not self.path.exists():
            return ()
        with self._opened() as base:
            rows = base.execute("SELECT DISTINCT test FROM names WHERE test != '' ORDER BY number")
            return tuple(name for (name,) in rows)

    def of(
        self, test: str = "", runs: int = 0, branch: str | None = None, before: float | None = None
    ) -> Iterator[PastResult]:
        """Results, one gate or test after another in the order in which they were first seen; of each, the oldest run first.

        Args:
            test: id of one test; empty for all gates and tests.
            runs: only the last so many runs; 0 for all.
            branch: only runs on it.
            before: only runs that began before this moment, in seconds since the epoch.

        Raises:
            sqlite3.Error: the file is damaged.
        """
        return self._told(
            f"{_SOME} names.test = :test" if test else _ALL, _choice(runs, branch, before) | {"test": test}
        )

    def of_tests(self, tests: Sequence[TestResult], runs: int, before: float) -> Iterator[PastResult]:
        """Results of some tests before a moment, in the order of `of`; raises as `of`."""
        names = json.dumps(sorted({name_of(test) for test in tests}))
        return self._told(
            f"{_SOME} {_LISTED}",
            _choice(runs, None, before) | {"tests": names},
        )

    def of_gates(self, runs: int = 0, branch: str | None = None) -> Iterator[PastResult]:
        """Results of gates as wholes, in the order of `of`; raises as `of`."""
        return self._told(f"{_SOME} names.test = ''", _choice(runs, branch))

    def of_troubled(self, runs: int = 40, branch: str | None = None) -> Iterator[PastResult]:
        """Results of the tests that failed or flaked in the last runs, in the order of `of`; raises as `of`."""
        return self._told(f"{_SOME} names.test != '' AND names.number IN ({_TROUBLED})", _choice(runs, branch))

    def _told(self, which: str, values: dict[str, Any]) -> Iterator[PastResult]:
        if not self.path.exists():
            return
        wanted = f"{_COLUMNS} {which} AND runs.number IN ({_CHOSEN}) ORDER BY names.number, runs.started, runs.number"
        with self._opened() as base:
            yield from starmap(PastResult, base.execute(wanted, values))

    def recent(self, runs: int = 10) -> dict[tuple[str, str], tuple[str, ...]]:
        """Gate and test → its outcomes in the last runs, the oldest first; empty for a gate as a whole.

        Raises:
            sqlite3.Error: the file is damaged.
        """
        if not self.path.exists():
            return {}
        found: dict[int, list[str]] = {}
        with self._opened() as base:
            # Run by run, as they lie in the file: to sort them by test would take twice as long.
            for chosen in reversed(base.execute(_CHOSEN, _choice(runs, None)).fetchall()):
                for name, outcome in base.execute("SELECT name, outcome FROM results WHERE run = ?", chosen):
                    found.setdefault(name, []).append(outcome)
            names = base.execute("SELECT number, gate, test FROM names").fetchall()
        return {(gate, test): tuple(found[number]) for number, gate, test in names if number in found}

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as base:
            base.execute("PRAGMA synchronous = NORMAL")
            if base.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                _bring_up(base)
            yield base


def _choice(runs: int, branch: str | None, before: float | None = None) -> dict[str, Any]:
    return {"runs": runs or -1, "branch": branch, "before": before}


def _bring_up(base: sqlite3.Connection) -> None:
    """Make the tables, or those of an earlier version into today's, if no other process has just done it.

    Raises:
        sqlite3.OperationalError: a later version of gates wrote the file; it stays as it is.
    """
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("BEGIN IMMEDIATE")
    try:
        version = base.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise sqlite3.OperationalError(f"a later version of gates wrote it (form {version}, known: {_VERSION})")  # noqa: TRY301
        if version < _VERSION:
            steps = {0: (_RUNS, _RESULTS), 1: (_TO_VERSION_2, _TO_VERSION_3), 2: (_TO_VERSION_3,)}[version]
            for statement in filter(str.strip, ";".join((*steps, _INDEX)).split(";")):
                base.execute(statement)
            base.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        base.execute("ROLLBACK")
        raise
    base.execute("COMMIT")


def _trim(base: sqlite3.Connection, now: float, number: int) -> None:
    gone = base.execute(_TOO_OLD, (now - KEPT_SECONDS, KEPT_RUNS, KEPT_RESULTS)).fetchall()
    for table, column in (("results", "run"), ("runs", "number")):
        base.executemany(f"DELETE FROM {table} WHERE {column} = ?", gone)  # noqa: S608 (from the line above)
    if number % _NAMES_ARE_SWEPT == 0:
        base.execute("DELETE FROM names WHERE number NOT IN (SELECT name FROM results)")


def _rows(run: Run, tests: Sequence[TestResult], *, part: bool) -> Iterator[tuple[str, str, str, float, str, str]]:
    for gate in run.gates:
        if not (part and gate.tests is not None):
            yield gate.name, "", str(gate.outcome), gate.duration, "", ""
    for test in tests:
        # An excluded test that ran anyway does not count.
        if not test.exclusion or test.outcome is TestOutcome.EXCLUDED:
            yield test.gate, name_of(test), str(test.outcome), test.duration, test.signature, test.quarantine


def _none(text: str) -> str | None:
    return text.encode("utf-8", "backslashreplace").decode() or None


def name_of(test: TestResult) -> str:
    """The name under which the history keeps a test."""
    name = f"{test.id} (process {test.process})" if test.process else test.id
    return name.encode("utf-8", "backslashreplace").decode()
