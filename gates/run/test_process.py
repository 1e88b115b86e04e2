"""One pytest process of a gate: what it wrote so far, and results for what it could not write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gates.portable.failure_signature import of_crash, of_timeout
from gates.portable.frames import place_of_dump
from gates.portable.masking import distinct
from gates.portable.regular import read_text
from gates.portable.values import TestOutcome
from gates.results import FilterLeaf, TestResult, TestWarning
from gates.run.witnesses.test_results import ProcessSummary

if TYPE_CHECKING:
    from gates.run.masking import StructMask

PERIOD = 60.0
"""Default seconds after which a test is reported as slow."""

_ASIDE = frozenset({"trouble", "forked", "leaves", "left-out", "described", "warning", "peak", "imported"})
_KNOWN = frozenset(TestResult.__struct_fields__)


class Workers(msgspec.Struct, frozen=True):
    """The pytest-xdist workers of a session: how many started, how many of these collected, and which died.

    Attributes:
        died: names of workers that died, without a test result that shows it.
    """

    started: int = 0
    collected: int = 0
    died: tuple[str, ...] = ()


class Finish(msgspec.Struct, frozen=True):
    """The final record of a pytest.

    Attributes:
        exit_code: of its session.
        asked: the option that asked it for something other than tests (`--version`); empty if there is none.
        workers: of pytest-xdist.
    """

    exit_code: int
    asked: str = ""
    workers: Workers = Workers()


class PytestProcess:
    """One pytest process of a gate: what it collected, what ended, whether it finished."""

    def __init__(self, gate: str, number: int, path: Path, mask: StructMask) -> None:
        self.gate, self.number, self.path = gate, number, path
        self._mask = mask
        self.offset = 0
        self.start: dict[str, Any] = {}  # from `begin` and `start`
        self.finish: Finish | None = None
        self.collected: dict[str, dict[str, Any]] = {}
        self._listed: list[dict[str, Any]] = []  # collected tests, with their real ids
        self._shown: dict[str, str] = {}  # id with a secret → masked id
        self.collection_complete = False
        self.running: dict[str, dict[str, Any]] = {}
        self.waiting: dict[str, dict[str, Any]] = {}  # waiting for a slot of a group, or a script
        self.ended: set[str] = set()
        self.judged: dict[str, None] = {}  # ids of `test` records, in order
        self.trouble = ""  # why pytest itself could not go on
        self.forked: list[str] = []  # exceptions in processes that tests forked
        self.again: list[str] = []  # ids of tests that failed when run again
        self.unreadable = 0
        self.runners: dict[str, int] = {}  # worker → its process
        self.dumps: dict[str, str] = {}  # worker → the stacks of its process in a stall
        self.begun: dict[str, Any] | None = None  # the last record of a started test
        self.peak = 0
        self.imported: dict[str, str] = {}
        self.leaves: list[FilterLeaf] = []
        self.left_out: Counter[tuple[str, bool]] = Counter()  # (source, whether files) → how many
        self.warned: list[TestWarning] = []
        self.described: list[dict[str, Any]] = []

    def take(self, line: bytes, *, hides: bool = True) -> TestResult | None:
        """Process one record, which may contain a secret (`hides`); return the result if it is one of a test."""
        try:
            record = _decode(line)
            hides = hides and record["type"] != "secrets" and self._mask.touches(line)
            if self.finish is not None and record["type"] not in _ASIDE:
                self.unreadable += 1  # nothing may follow the final record
            elif record["type"] == "collected":
                self._collect(record, hides=hides)
            else:
                return self._take(self._masked(record) if hides else record)
        except (ValueError, KeyError, TypeError, AttributeError):
            self.unreadable += 1
        return None

    def _masked(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record without secrets. Its test is the one that was collected under that id."""
        masked: dict[str, Any] = self._mask.value(record)
        for before, after in ((record, masked), *zip(record.get("tests", ()), masked.get("tests", ()), strict=True)):
            for key in ("id", "test"):
                if before.get(key) in self._shown:
                    after[key] = self._shown[before[key]]
        return masked

    def _collect(self, record: dict[str, Any], *, hides: bool) -> None:
        """Process a part of the list of tests. Only after the last part is it known which look alike after masking."""
        tests, last = record["tests"], bool(record.get("last", True))
        self._listed += tests
        if last:
            self._shown = distinct((test["id"] for test in self._listed), self._mask)
            if self._shown:
                tests = self._listed
                self.collected.clear()
        for test in tests:
            if not test.get("deselected"):
                about = self._mask.value(test) if hides or self._shown else test
                name = self._shown.get(test["id"], about["id"])
                self.collected[name] = {**about, "id": name}
        self.collection_complete = self.collection_complete or last

    def _take(self, record: dict[str, Any]) -> TestResult | None:
        kind = record.pop("type")
        if kind in ("begin", "start"):
            self.start |= record
        elif kind == "running":
            self.running[record["id"]] = _checked(record)
            self.begun = record
            self.runners[str(record.get("worker", ""))] = record.get("pid", 0)
            self.waiting.pop(record["id"], None)
        elif kind == "waiting":
            self.waiting[record["id"]] = _checked(record)
        elif kind == "alive":
            self._go_on(_checked(record))
        elif kind == "secrets":
            self._mask.learn({str(name): str(value) for name, value in record["variables"].items()})
        elif kind in _ASIDE:
            self._take_aside(kind, record)
        elif kind == "finish":
            self.finish = msgspec.convert(record, Finish)
        elif kind == "again":
            self.again.append(str(record["id"]))
        elif kind == "test":
            result = self._end(record["id"], record)
            self.judged[record["id"]] = None
            return result
        elif kind == "collect-error":
            return self._end(record["id"], {**record, "outcome": TestOutcome.ERROR.value, "phase": "collect"})
        elif kind == "collect-skip":
            return self._end(record["id"], {**record, "outcome": TestOutcome.SKIPPED.value, "phase": "collect"})
        return None

    def _take_aside(self, kind: str, record: dict[str, Any]) -> None:
        """Records that do not affect outcomes."""
        if kind == "trouble":
            self.trouble = self.trouble or str(record["message"])
        elif kind == "forked":
            self.forked.append(f"{record['id']}: {record['message']}")
        elif kind == "leaves":
            self.leaves += msgspec.convert(record["leaves"], list[FilterLeaf])
        elif kind == "left-out":
            self.left_out[record["who"], record["what"] == "files"] += int(record["number"])
        elif kind == "described":
            self.described += record["tests"]
        elif kind == "warning":
            self.warned.append(msgspec.convert(record, TestWarning))
        else:
            self.peak = max(self.peak, int(record.get("bytes", 0)))
            self.imported |= msgspec.convert(record.get("places", {}), dict[str, str])

    def _go_on(self, record: dict[str, Any]) -> None:
        """The running test of a worker starts another attempt, perhaps in another process."""
        for running in self.running.values():
            if running.get("worker") == record["worker"]:
                running["alive"] = record["time"]
                running["pid"] = record.get("pid") or running.get("pid", 0)

    def take_dump(self, worker: str, data: bytes) -> None:
        """Store the stacks that a worker's process wrote on request in a stall."""
        text = self._mask.text(data.decode("utf-8", "replace"))
        if text.strip():
            self.dumps[worker] = text

    def _end(self, test: str, record: dict[str, Any]) -> TestResult | None:
        running = self.running.pop(test, None)
        self.waiting.pop(test, None)
        if test in self.ended:  # a second result for the same test would count it twice
            self.unreadable += 1
            return None
        fields = {key: value for key, value in record.items() if key in _KNOWN}
        if running is not None:
            fields |= _known_of(running, record)
        result = msgspec.convert({**fields, "gate": self.gate, "process": self.number}, TestResult)
        self.ended.add(test)
        return result

    @property
    def summary(self) -> ProcessSummary:
        """The facts for the verdict."""
        last = self.finish or Finish(exit_code=0)
        return ProcessSummary(
            exit_code=self.exit_code,
            collected=len(self.collected),
            unreadable=self.unreadable,
            listed=self.collection_complete,
            asked=last.asked,
            uncollected=self.uncollected,
            trouble=self.trouble,
            again=tuple(self.again),
            forked=tuple(self.forked),
            asserts=self.start.get("asserts") is not False,
            workers=last.workers.started,
            silent_workers=last.workers.started - last.workers.collected,
            dead_workers=last.workers.died,
        )

    @property
    def uncollected(self) -> tuple[str, ...]:
        """Tests with a result that were never collected, or were deselected."""
        return tuple(test for test in self.judged if test not in self.collected)

    @property
    def exit_code(self) -> int | None:
        """The exit code of the session; None if it did not finish."""
        return None if self.finish is None else self.finish.exit_code

    def leave_to(self, ran: Collection[tuple[str | None, str]]) -> None:
        """Forget the tests of a pytest that only listed them (`--collect-only`) if other processes of the gate ran them.

        Args:
            ran: pytest's root and the id of each test that has a result.
        """
        if self.finish is not None and self.finish.asked:
            root = self.start.get("rootdir")
            self.collected = {test: about for test, about in self.collected.items() if (root, test) not in ran}

    def settle(self, why: str) -> list[TestResult]:
        """Results for tests that were collected but never ended, with `why` as the reason."""
        results = []
        why = (self.finish and self.finish.asked) or why
        for test, about in self.collected.items():
            if test in self.ended:
                continue
            self.ended.add(test)
            running = self.running.get(test)
            outcome, found = (TestOutcome.NOT_RUN, {}) if running is None else self._end_of(running)
            results.append(
                TestResult(
                    gate=self.gate,
                    process=self.number,
                    id=test,
                    outcome=outcome,
                    worker=(running or {}).get("worker", ""),
                    file=about.get("file", ""),
                    line=about.get("line", 0) or 0,
                    started=(running or {}).get("time", 0.0),
                    reason=why,
                    exclusion=about.get("excluded_by", ""),
                    quarantine=about.get("quarantined_by", ""),
                    **found,
                )
            )
        return results

    def _end_of(self, running: dict[str, Any]) -> tuple[TestOutcome, dict[str, Any]]:
        """The outcome of a test that was running at the end, from the stacks of its process, with their text."""
        root = str(self.start.get("rootdir", ""))
        asked, dump = self.dumps.get(running.get("worker", ""), ""), self._stacks()
        if asked or dump.startswith("Timeout ("):
            stacks = asked or dump
            told = {"details": stacks, "message": "timed out", "signature": of_timeout(stacks, root)}
            return TestOutcome.TIMEOUT, {**told, "place": place_of_dump(stacks, root)}
        if dump:  # for a fatal signal
            told = {"details": dump, "message": dump.partition("\n")[0], "signature": of_crash(dump, root)}
            return TestOutcome.CRASHED, {**told, "place": place_of_dump(dump, root)}
        return TestOutcome.INTERRUPTED, {}

    def _stacks(self) -> str:
        """The dump after a test timeout or a fatal signal without workers; empty if there is none."""
        name = self.path.name.replace("pytest-", "stacks-", 1)
        try:
            text = read_text(self.path.with_name(name).with_suffix(".txt"), "utf-8", "replace")
        except OSError:
            return ""
        return self._mask.text(text)


_NUMBERS = (("time", float), ("limit", float), ("slow", float), ("pid", int), ("tries", int))


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    """The record, with checked numbers: tests could also write to the stream, and these numbers are used in sums.

    Raises:
        ValueError: they are not numbers.
        TypeError: the same.
    """
    for name, kind in _NUMBERS:
        if name in record:
            record[name] = kind(record[name])
    return record


def _known_of(running: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """The parts of a result that only the record of its start has."""
    known: dict[str, Any] = {}
    if record.get("attempts") and running.get("tries"):
        known["tries"] = running["tries"]
    if float(record.get("duration") or 0.0) >= float(running.get("slow") or PERIOD):
        known["slow"] = True
    return known


def _decode(line: bytes) -> Any:
    try:
        return msgspec.json.decode(line)
    except msgspec.MsgspecError:
        # Output of tests may contain lone surrogates, which msgspec refuses; a result shows them as escapes.
        return _visible(json.loads(line))


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_visible(key): _visible(item) for key, item in value.items()}
    return [_visible(item) for item in value] if isinstance(value, list) else value
