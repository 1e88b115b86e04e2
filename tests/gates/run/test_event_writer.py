"""Live events go to whoever reads them, and wait for nobody."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

import pytest

from gates.portable.errors import UsageError
from gates.results.event_schema import RunEnded, TestStarted
from gates.run import event_writer as eventwriter
from gates.run.event_writer import EventWriter
from tests.gates.run.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path


def began(number: int) -> TestStarted:
    return TestStarted(time=1.0, gate="test", test=f"t{number}")


def test_events_arrive_in_order_in_a_file_that_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    EventWriter(str(file)).close()
    before = EventWriter(str(file))
    before.put(began(1000))
    before.close()
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
    assert capfd.readouterr().err == "gates: no more events are written: Broken pipe\n"


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


@pytest.mark.parametrize("target", ["-", "1", "2", "/dev/stdout", "/dev/fd/2"])
def test_events_never_mix_with_what_people_read(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="shows the run"):
        EventWriter(target)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content", [b"import os\n", b"\n", b"{}\n", b'{"event":"walk","time":1}\n', b"\xff" * 2_000_000]
)
def test_a_file_that_holds_something_else_is_never_written_over(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="holds no events"):
        EventWriter(str(file))
    assert file.read_bytes() == content


@pytest.mark.parametrize("linked", ["events.jsonl", "folder"])
def test_no_link_of_a_branch_leads_events_out_of_the_project(linked: str, tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "project"
    outside.mkdir()
    root.mkdir()
    (outside / "events.jsonl").touch()
    (root / linked).symlink_to(outside / linked if linked != "folder" else outside)
    target = root / ("events.jsonl" if linked != "folder" else "folder/new.jsonl")
    with pytest.raises(UsageError, match="link"):
        EventWriter(str(target), root=root)
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("events.jsonl", "")]


def test_a_path_of_a_descriptor_is_the_descriptor(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("before\n")
    with file.open("a") as log:
        writer = EventWriter(f"/dev/fd/{log.fileno()}")
        writer.put(began(1))
        writer.close()
    assert [line[:7] for line in file.read_text().splitlines()] == ["before", '{"event']


def test_a_descriptor_for_reading_is_refused() -> None:
    reading, writing = os.pipe()
    with pytest.raises(UsageError, match="open for reading only"):
        EventWriter(str(reading))
    os.close(reading)
    os.close(writing)


def test_bytes_that_are_no_text_are_spelled_out(tmp_path: Path) -> None:
    writer = EventWriter(str(tmp_path / "events"))
    writer.put(TestStarted(time=1.0, gate="test", test="half \udcff"))
    writer.put(began(1))
    writer.close()
    lines = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert [line["test"] for line in lines] == ["half \\udcff", "t1"]


def test_the_end_of_the_run_is_last_and_never_dropped(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = EventWriter(str(fifo), waiting=5)
    for number in range(20):
        writer.put(began(number))
    writer.put(RunEnded(time=2.0, run="r", outcome="passed", exit_code=0, duration=1.0))
    with fifo.open() as file:
        writer.close()
        lines = [json.loads(line) for line in file]
    assert [line["event"] for line in lines] == [*["test-started"] * 5, "events-dropped", "run-ended"]
    assert lines[5]["number"] == 15


def test_a_reader_and_an_audience_that_both_went_away_are_no_trouble(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Gone())
    writer = EventWriter("/dev/full")
    writer.put(began(1))
    wait_for(lambda: not writer._thread.is_alive())  # an error in a thread is a warning, and warnings are errors here
    writer.close()
