"""Live events go to whoever reads them, and wait for nobody."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from gates.errors import UsageError
from gates.results.happenings import TestBegan
from gates.run import eventwriter
from gates.run.eventwriter import EventWriter
from tests.gates.run.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path


def began(number: int) -> TestBegan:
    return TestBegan(time=1.0, gate="test", test=f"t{number}")


def test_events_arrive_in_order_in_a_file_that_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("old\n")
    writer = EventWriter(str(file))
    for number in range(100):
        writer.put(began(number))
    writer.close()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["test"] for line in lines] == [f"t{number}" for number in range(100)]
    assert {line["event"] for line in lines} == {"test-started"}


def test_a_reader_that_went_away_is_told_once_and_nothing_else_happens(capfd: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    writer = EventWriter(str(writing))
    os.close(writing)
    os.close(reading)
    for number in range(10):
        writer.put(began(number))
    writer.close()
    assert capfd.readouterr().err == "gates: events are written no more: Broken pipe\n"


def test_a_reader_that_does_not_read_costs_events_and_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventwriter, "LAST", 0.05)
    reading, writing = os.pipe()
    writer = EventWriter(str(writing), wall=lambda: 2.0, waiting=50)
    os.close(writing)
    for number in range(20_000):
        writer.put(began(number))
    writer.close()  # comes back, though nobody has read

    seen = b""
    while not seen.endswith(b"\n") or b"dropped" not in seen:
        piece = os.read(reading, 1 << 16)
        if not piece:
            break
        seen += piece
    os.close(reading)
    lines = [json.loads(line) for line in seen.splitlines()]
    dropped = sum(line["number"] for line in lines if line["event"] == "events-dropped")
    assert dropped + sum(line["event"] == "test-started" for line in lines) == 20_000


def test_a_fifo_waits_for_its_reader_and_the_run_does_not(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = EventWriter(str(fifo))
    writer.put(began(1))
    with fifo.open() as file:
        assert json.loads(file.readline())["test"] == "t1"
        writer.close()
        assert file.read() == ""
    wait_for(lambda: not writer._thread.is_alive())


@pytest.mark.parametrize("target", ["99999", "no/such/folder/file", "9" * 30])
def test_a_target_that_cannot_be_written_is_refused(tmp_path: Path, target: str) -> None:
    with pytest.raises(UsageError, match="events cannot be written"):
        EventWriter(target if target.isdigit() else str(tmp_path / target))
