"""A run that goes on, without a process: its record is held by the test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from gates.results.event_schema import GateStarted, TestsCollected
from gates.results.files import RUN_FILE, TESTS_FILE, encoded, to_json
from gates.storage.records import RECORDS
from gates.storage.reports import Reports
from tests.gates.readers.junit.sample import NOON, a_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gates.results import Run, TestResult
    from gates.storage.streams import Stream


class Going:
    """A run in the store, of which a test decides what happens next."""

    def __init__(self, reports: Reports, run: Run) -> None:
        self.reports, self.run = reports, run
        self.lines: Stream = reports.stream(TESTS_FILE)
        self.save(run)

    def save(self, run: Run) -> None:
        self.run = run
        self.reports.put(RUN_FILE, to_json(run))

    def start(self, gate: str, at: float = NOON) -> None:
        self.reports.tell(encoded(GateStarted(time=at, gate=gate, command_line="x")) + b"\n")

    def expect(self, gate: str, tests: int) -> None:
        self.reports.tell(encoded(TestsCollected(time=NOON, gate=gate, tests=tests)) + b"\n")

    def land(self, *tests: TestResult) -> None:
        self.lines.write(b"".join(encoded(test) + b"\n" for test in tests))


@contextmanager
def going(store: Path, folder: Path, planned: tuple[str, ...] = ("build", "test")) -> Iterator[Going]:
    """A run of these gates that has just begun."""
    run = a_run(id="20261031T120000Z-aaaaaa", complete=False, outcome="running", planned=planned, gates=())
    with Reports.begin(folder, store / RECORDS, run.id) as reports:
        yield Going(reports, run)
