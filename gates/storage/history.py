"""How gates and tests ended, run by run, in one SQLite file of a project's store. Losing it costs only its own answers.

Each finished run is one transaction, keyed by its id: a killed process leaves all of a run or nothing, and a run that is
recorded twice counts once. Several processes may write; each waits for the others. Old runs are removed by age and number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from gates.results import Run, TestResult
from gates.results.past import PastResult

FILE = "history.sqlite"
KEPT_RUNS = 1000
KEPT_SECONDS = 180 * 86_400.0
"""Runs that are older, or beyond the number, are removed."""

PATIENCE = 10.0
"""Seconds to wait for another process that writes."""

_VERSION = 1
_TABLES = """
CREATE TABLE runs (number INTEGER PRIMARY KEY, id TEXT UNIQUE, started REAL, tree TEXT, branch TEXT, python TEXT, outcome TEXT);
CREATE TABLE names (number INTEGER PRIMARY KEY, gate TEXT, test TEXT, UNIQUE (gate, test));
CREATE TABLE results (
  name INTEGER REFERENCES names, run INTEGER REFERENCES runs ON DELETE CASCADE, outcome TEXT, seconds REAL, signature TEXT,
  quarantine TEXT, PRIMARY KEY (name, run)
) WITHOUT ROWID;
CREATE INDEX by_run ON results (run);
"""
_TOO_OLD = """
DELETE FROM runs
WHERE started < ? OR number NOT IN (SELECT number FROM runs ORDER BY started DESC, number DESC LIMIT ?)
"""
_ROWS = """
SELECT names.gate, names.test, runs.id, runs.started, runs.tree, runs.branch, results.outcome, results.seconds,
       results.signature, results.quarantine
FROM results JOIN names ON names.number = results.name JOIN runs ON runs.number = results.run
"""
_RECENT = """
SELECT gate, test, group_concat(outcome) FROM (
  SELECT names.gate, names.test, results.outcome, results.name
  FROM results JOIN names ON names.number = results.name JOIN runs ON runs.number = results.run
  WHERE runs.number IN (SELECT number FROM runs ORDER BY started DESC, number DESC LIMIT ?)
  ORDER BY results.name, runs.started, runs.number
) GROUP BY name
"""


class History:
    """The file of one store."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def record(self, run: Run, tests: Sequence[TestResult]) -> None:
        """Add a finished run, unless it is there; remove what is too old.

        Raises:
            sqlite3.Error: the file cannot be written, or is something else.
            OSError: its folder cannot be written.
        """
        if not run.complete:
            return
        try:
            self._record(run, tests)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # damaged, or no database: it is kept for a look, and a new one begins
            for name in (f"{FILE}-wal", f"{FILE}-shm"):
                self.path.with_name(name).unlink(missing_ok=True)
            self.path.replace(self.path.with_name(f"{FILE}.damaged"))
            self._record(run, tests)

    def _record(self, run: Run, tests: Sequence[TestResult]) -> None:
        rows = [
            *((gate.name, "", str(gate.outcome), gate.duration, "", "") for gate in run.gates),
            *(
                (test.gate, _name(test), str(test.outcome), test.duration, test.signature, test.quarantine)
                for test in tests
            ),
        ]
        with self._opened() as base, base:
            base.execute("BEGIN IMMEDIATE")
            about = (
                run.id, run.started, run.subject.identity, run.subject.branch, run.environment.python, run.outcome,
            )  # fmt: skip
            if not base.execute("INSERT OR IGNORE INTO runs (id, started, tree, branch, python, outcome) VALUES (?,?,?,?,?,?)", about).rowcount:  # fmt: skip
                return
            number = base.execute("SELECT number FROM runs WHERE id = ?", (run.id,)).fetchone()[0]
            known = {(gate, test): name for name, gate, test in base.execute("SELECT number, gate, test FROM names")}
            new = dict.fromkeys((row[0], row[1]) for row in rows if (row[0], row[1]) not in known)
            first = max(known.values(), default=0) + 1
            known |= {name: first + index for index, name in enumerate(new)}
            base.executemany("INSERT INTO names VALUES (?,?,?)", [(known[name], *name) for name in new])
            base.executemany(
                "INSERT OR IGNORE INTO results VALUES (?,?,?,?,?,?)",
                [(known[row[0], row[1]], number, row[2], round(row[3], 6), *map(_none, row[4:])) for row in rows],
            )
            _trim(base, run.started)

    def of(self, test: str = "", runs: int = 0) -> tuple[PastResult, ...]:
        """Results, the oldest run first.

        Args:
            test: id of one test; empty for all gates and tests.
            runs: only the last so many runs; 0 for all.

        Raises:
            sqlite3.Error: the file is damaged.
        """
        if not self.path.exists():
            return ()
        where, values = [], []
        if test:
            where.append("names.test = ?")
            values.append(test)
        if runs:
            where.append("runs.number IN (SELECT number FROM runs ORDER BY started DESC, number DESC LIMIT ?)")
            values.append(str(runs))
        asked = f" WHERE {' AND '.join(where)}" if where else ""
        with self._opened() as base:
            return tuple(_past(base.execute(f"{_ROWS}{asked} ORDER BY runs.started, runs.number", values)))

    def recent(self, runs: int = 10) -> dict[tuple[str, str], tuple[str, ...]]:
        """Gate and test → its outcomes in the last runs, the oldest first; empty for a gate as a whole.

        Raises:
            sqlite3.Error: the file is damaged.
        """
        if not self.path.exists():
            return {}
        with self._opened() as base:
            rows = base.execute(_RECENT, (runs,)).fetchall()
        return {(gate, test): tuple(outcomes.split(",")) for gate, test, outcomes in rows}

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as base:
            base.execute("PRAGMA foreign_keys = ON")
            base.execute("PRAGMA synchronous = NORMAL")
            if base.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                _create(base)
            yield base


def _create(base: sqlite3.Connection) -> None:
    """Make the tables, if no other process has just done it; a file of another version is emptied first."""
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("BEGIN IMMEDIATE")
    try:
        if base.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            for table in ("results", "names", "runs"):
                base.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in filter(str.strip, _TABLES.split(";")):
                base.execute(statement)
            base.execute(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        base.execute("ROLLBACK")
        raise
    base.execute("COMMIT")


def _trim(base: sqlite3.Connection, now: float) -> None:
    gone = base.execute(_TOO_OLD, (now - KEPT_SECONDS, KEPT_RUNS)).rowcount
    if gone:
        base.execute("DELETE FROM names WHERE number NOT IN (SELECT name FROM results)")


def _past(rows: Iterable[tuple[object, ...]]) -> Iterator[PastResult]:
    for row in rows:
        yield PastResult(*(("" if value is None else value) for value in row))  # type: ignore[arg-type]


def _none(text: str) -> str | None:
    return text.encode("utf-8", "backslashreplace").decode() or None


def _name(test: TestResult) -> str:
    name = f"{test.id} (process {test.process})" if test.process else test.id
    return name.encode("utf-8", "backslashreplace").decode()
