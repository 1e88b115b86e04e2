"""Records the result of every test, in the controller or in the only process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from ...portable.originals import os, platform, time
from ...portable.protocol import CHUNK
from ...portable.stream import RecordStream
from ...portable.values import BAD_TESTS, SCHEMA_VERSION, TestOutcome, plural
from ..selection.catalogue import Catalogue, Entry, numbered, place
from ..text import cap
from .internal_errors import TROUBLE, trouble_of
from .merging import worst_of
from .quarantine import as_it_was
from .record_limit import fit
from .reports import (
    PHASES,
    AttemptReports,
    conclude,
    failure_of,
    silent,
    skip_reason,
    standing,
    text_of,
    worker_of,
)

if TYPE_CHECKING:
    from .failure_counter import FailureCounter


class ResultRecorder:
    """Owns the stream of this session. Every collected test has exactly one `test` record in it."""

    def __init__(
        self,
        config: pytest.Config,
        stream: RecordStream,
        reasons: Mapping[str, str],
        counter: FailureCounter | None = None,
    ) -> None:
        self._config, self.stream, self._reasons, self._counter = config, stream, reasons, counter
        self._session: pytest.Session | None = None
        self._tests: dict[str, Entry] = {}
        self._missing: dict[str, None] = {}  # ids of selected tests without a result, in order
        self._open: dict[tuple[str, str], AttemptReports] = {}  # (node id, worker) → reports so far
        self._carried: dict[str, AttemptReports] = {}  # node id → attempts of a test that killed its process
        self._begun: dict[str, float] = {}  # node id → when it started
        self._reported: set[str] = set()  # ids of collect-error and collect-skip records
        self._settled: set[str] = set()  # ids of tests whose records were written by a process that died
        self._copies = 1  # workers that run each test
        self._silent: dict[str, tuple[AttemptReports, dict[str, Any]]] = {}  # id → an attempt whose call has no report
        self._held: dict[str, list[dict[str, Any]]] = {}  # id → results from some of the workers, if all run it
        self._listed = False
        self._stopped = ""

    # The session as a whole

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Write `start`."""
        self._session = session
        if getattr(self._config.option, "dist", "no") == "each":
            self._copies = max(1, _worker_count(self._config))
        self.stream.write(
            "start",
            schema_version=SCHEMA_VERSION,
            pid=os.getpid(),
            python=platform.python_version(),
            pytest=pytest.__version__,
            xdist=_xdist_version(self._config),
            rootdir=str(self._config.rootpath),
            args=[str(argument) for argument in self._config.invocation_params.args],
            workers=_worker_count(self._config),
            quotes=_quotes(self._config),
            asserts=__debug__ or self._config.getoption("assertmode", "rewrite") != "plain",
            time=time.time(),
        )

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember why the session stops; this includes pytest's own stops."""
        words = str(excinfo.value)
        if excinfo.errisinstance(pytest.Session.Interrupted):
            self._stopped = f"the session stopped: {words}"
        elif excinfo.errisinstance(pytest.exit.Exception):
            self._stopped = f"pytest.exit: {words}"
        else:
            self._stopped = "keyboard interrupt"

    def pytest_internalerror(self, excrepr: object, excinfo: pytest.ExceptionInfo[BaseException] | None) -> None:
        """Report that pytest itself failed, and where; xdist reports a worker's failure without the exception."""
        lines = str(excrepr).strip().splitlines()
        said = lines[-1] if lines else ""
        self._stopped = f"internal error of pytest: {said}"
        told = said if excinfo is None else trouble_of(excinfo.value, self._config.rootpath)
        self.stream.write(TROUBLE, message=told)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Give every selected test without a result the outcome `interrupted` or `not-run`."""
        earlier: dict[str, object] = {}
        for (nodeid, worker), attempt in list(self._open.items()):
            # A known failure counts, even if the teardown never came.
            if attempt.ended or attempt.failed:
                self._close(nodeid, worker)
            elif attempt.torn_down and not self._stopped and (attempt.name or nodeid) in self._missing:
                fields = standing(attempt, "a plugin or a conftest reports it as neither passed nor failed")
                self._write(attempt.name or nodeid, **fields, attempts=attempt.earlier)
            elif attempt.earlier:
                earlier[attempt.name or nodeid] = attempt.earlier
        earlier.update((attempt.name or nodeid, attempt.earlier) for nodeid, attempt in self._carried.items())
        for name, (attempt, fields) in self._silent.items():
            if name in self._missing:
                self._conclude(name, attempt, fields)
        for name, results in self._held.items():
            if name in self._missing:
                self._write(name, **worst_of(results, self._copies))
        if self._config.option.collectonly:
            return  # the runner knows whether other processes of the gate run these tests
        reason = self._why_stopped(session)
        # The stream shows best what was running: the workers wrote it there, even if the controller does not know it.
        running = self.stream.running() if self._missing else {}
        for name in list(self._missing):
            announced = running.get(name)
            attempts = {"attempts": earlier[name]} if name in earlier else {}
            if announced is None:
                self._write(name, outcome=TestOutcome.NOT_RUN.value, phase="setup", reason=reason, **attempts)
                continue
            self._write(
                name,
                **attempts,
                outcome=TestOutcome.INTERRUPTED.value,
                reason=reason,
                worker=announced["worker"],
                started=announced["time"],
                duration=round(max(0.0, time.time() - announced["time"]), 6),
            )

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Report if results could not be written."""
        if self.stream.error is not None:
            terminalreporter.write_line(f"gates: results could not be written: {self.stream.error}", red=True)

    def _why_stopped(self, session: pytest.Session) -> str:
        if session.shouldfail:
            return f"-x/--maxfail stopped the session after {plural(session.testsfailed, 'failure')}"
        if self._stopped:
            return self._stopped
        if self._counter is not None and self._counter.stop:
            return self._counter.stop.said()
        return f"the session stopped: {session.shouldstop}" if session.shouldstop else "the session ended before it ran"

    # Collection

    def list_tests(self, catalogue: Catalogue) -> None:
        """Write `collected`, once, and the records of the excluded tests."""
        if self._listed:
            return
        self._listed = True
        tests = catalogue.tests
        for start in range(0, len(tests) or 1, CHUNK):
            chunk = [vars(test) for test in tests[start : start + CHUNK]]
            self.stream.write("collected", tests=chunk, last=start + CHUNK >= len(tests))
        for start in range(0, len(catalogue.described), CHUNK):
            self.stream.write("described", tests=catalogue.described[start : start + CHUNK])
        if catalogue.leaves:
            leaves = [{"source": source, **leaf.to_json()} for source, leaf in catalogue.leaves]
            self.stream.write("leaves", leaves=leaves)
        for who, what, number in catalogue.left_out:
            self.stream.write("left-out", who=who, what=what, number=number)
        self._tests = {test.id: test for test in tests}
        # A request for descriptions needs no results.
        self._missing = {test.id: None for test in tests if test.selected and not catalogue.described}
        for test in tests:
            if test.excluded_by and not test.included:
                reason = self._reasons.get(test.excluded_by, "")
                self._write(test.id, outcome=TestOutcome.EXCLUDED.value, exclusion=test.excluded_by, reason=reason)

    def settle(self, names: Iterable[str]) -> None:
        """Tests whose records were already written by a process that died."""
        for name in names:
            self._missing.pop(name, None)
            self._settled.add(name)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record modules that cannot be imported, and those that are skipped as a whole."""
        if report.passed or report.nodeid in self._reported:
            return
        self._reported.add(report.nodeid)
        if report.skipped:
            self.stream.write("collect-skip", id=report.nodeid, reason=skip_reason(report))
        else:
            file = report.nodeid.partition("::")[0]
            self.stream.write(
                "collect-error",
                id=report.nodeid,
                file=file,
                **failure_of(report, str(self._config.rootpath), cap(text_of(report))),
            )

    # Tests

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Remember when a test began; under xdist the worker is unknown here."""
        self._begun.setdefault(nodeid, time.time())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Process the report of a phase, of a subtest, or of a worker's death."""
        report = as_it_was(report)
        worker = worker_of(report)
        key = (report.nodeid, worker)
        attempt = self._open.get(key)
        if attempt is None:
            began = getattr(report, "start", 0.0) or self._begun.get(report.nodeid) or time.time()
            attempt = self._carried.pop(report.nodeid, None) or AttemptReports(began, str(self._config.rootpath))
            self._open[key] = attempt
        attempt.add(report)
        if attempt.crash is not None:
            self._close(*key)
        elif str(report.outcome) == "rerun" and report.when not in PHASES:
            self._carried[report.nodeid] = self._open.pop(key)  # the next attempt runs in another worker

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """The test is over, including teardown and retries."""
        for key in [key for key in self._open if key[0] == nodeid]:
            if self._open[key].ended:
                self._close(*key)

    def _close(self, nodeid: str, worker: str) -> None:
        attempt = self._open.pop((nodeid, worker))
        self._begun.pop(nodeid, None)
        name = getattr(attempt.last, "gates_id", nodeid)
        if name in self._tests and name not in self._missing and attempt.crash is None:
            name = self._twin_of(nodeid) or name
        known = self._tests.get(name)
        if name in self._silent and attempt.crash is None:
            # The plugin `flaky` runs a test again, and reports only the call of the last attempt.
            before, _ = self._silent.pop(name)
            attempt.earlier[:0] = [*before.earlier, silent(before)]
        fields = conclude(attempt, time.time())
        if known is not None and name not in self._missing:
            # It has its result. If the worker died afterwards, xdist blames the last test; the exit code shows it.
            if attempt.crash is None and name not in self._settled and fields["outcome"] in _WRONG:
                self.stream.write("again", id=name, outcome=fields["outcome"])
            return
        if fields["outcome"] == TestOutcome.NOT_RUN.value and self._setup_only():
            fields["reason"] = f"{self._setup_only()}: its call never ran"
        elif fields["outcome"] == TestOutcome.NOT_RUN.value and "call" not in attempt.phases and name in self._missing:
            self._silent[name] = attempt, fields  # unless it is run again, it did not run
            return
        self._conclude(name, attempt, fields)

    def _conclude(self, name: str, attempt: AttemptReports, fields: dict[str, Any]) -> None:
        """Write the result of a test, once all copies of it have ended."""
        last, known = attempt.last, self._tests.get(name)
        file, line = (known.file, known.line) if known is not None else place(last.location, last.nodeid)
        fields.update(worker=worker_of(last), file=file, line=line)
        if self._copies > 1:
            results = self._held.setdefault(name, [])
            results.append(fields)
            if len(results) < self._copies:
                return
            fields = worst_of(results, self._copies)
        self._write(name, **fields)

    def _setup_only(self) -> str:
        """The option that makes pytest call no test; empty if there is none."""
        options = (("setupplan", "--setup-plan"), ("setuponly", "--setup-only"))
        return next((words for name, words in options if getattr(self._config.option, name, False)), "")

    def _twin_of(self, nodeid: str) -> str:
        """A test with the same id without a result: the same item may be in pytest's list several times."""
        number = 1
        while (name := numbered(nodeid, number)) in self._tests:
            if name in self._missing:
                return name
            number += 1
        return ""

    def _write(self, name: str, **fields: object) -> None:
        self._missing.pop(name, None)
        known = self._tests.get(name)
        record: dict[str, object] = {
            "id": name,
            "outcome": "",
            "duration": 0.0,
            "phase": "call",
            "worker": "",
            "file": known.file if known else "",
            "line": known.line if known else 0,
            "started": 0.0,
            "reason": "",
            "exclusion": "",
            "quarantine": "",
            "message": "",
            "details": "",
            "stdout": "",
            "stderr": "",
        }
        record.update(fields)
        if known is not None:
            record["exclusion"] = record["exclusion"] or known.excluded_by
            if known.quarantined_by:
                _quarantine(record, known.quarantined_by)
        if self._counter is not None and record["outcome"] in _WRONG:
            self._counter.count()
        if "attempts" in record or "subtests" in record:  # only this can be long
            fit(record)
        self.stream.write("test", **record)


_WRONG = frozenset(outcome.value for outcome in BAD_TESTS)


def _quarantine(record: dict[str, object], entry: str) -> None:
    """A failure of a quarantined test does not count, but stays visible."""
    record["quarantine"] = entry
    if record["outcome"] in _WRONG:
        record["reason"] = f"{record['outcome']}, quarantined by {entry}"
        record["outcome"] = TestOutcome.QUARANTINED.value


def _xdist_version(config: pytest.Config) -> str:
    if not config.pluginmanager.has_plugin("xdist"):
        return ""
    from importlib import import_module

    return str(getattr(import_module("xdist"), "__version__", "unknown"))


def _quotes(config: pytest.Config) -> bool:
    """Whether this session shows the output of its tests, even of passing ones."""
    option = config.option
    return getattr(option, "capture", "") == "no" or bool(set("pPA") & set(getattr(option, "reportchars", "")))


def _worker_count(config: pytest.Config) -> int:
    if not config.pluginmanager.has_plugin("dsession"):
        return 0
    total = 0
    for spec in getattr(config.option, "tx", None) or []:
        times, star, _ = str(spec).partition("*")
        total += int(times) if star and times.isdigit() else 1
    return total
