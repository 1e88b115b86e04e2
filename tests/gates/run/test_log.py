from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from gates.portable.errors import EnvironmentProblem
from gates.run import log as log_module
from gates.run.log import GateLog
from gates.run.masking import StructMask
from gates.storage.streams import Stream
from tests.gates.run.making import NOTHING


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gate.log"


def test_bytes_arrive_as_they_were_printed(path: Path) -> None:
    log = GateLog(Stream(path), NOTHING)
    for piece in (b"one\r\ntw", b"o\n\xff\x00", b"\n\nlast"):
        log.feed(piece)
    log.close()
    assert path.read_bytes() == b"one\r\ntwo\n\xff\x00\n\nlast"


def test_whole_lines_are_there_at_once_and_half_ones_at_the_end(path: Path) -> None:
    log = GateLog(Stream(path), NOTHING)
    log.feed(b"one\ntw")
    assert path.read_bytes() == b"one\n"
    log.close()
    assert path.read_bytes() == b"one\ntw"


def test_the_digest_is_that_of_the_file(path: Path) -> None:
    log = GateLog(Stream(path), StructMask({"MY_TOKEN": "s3cret-value"}))
    log.feed(b"with s3cret-value\nand a half line")
    log.close()
    assert log.digest == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_our_own_words_are_marked_and_start_a_line(path: Path) -> None:
    log = GateLog(Stream(path), NOTHING)
    log.say("nox -s test")
    log.feed(b"no end")
    log.say("timed out \ud800")
    log.close()
    assert path.read_text().splitlines() == ["gates > nox -s test", "no end", "gates > timed out \\ud800"]


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (b"", 0),
        (b"all fine\n", 0),
        (b"warning: a\nfile.c:3: Warning: b\nDeprecationWarning: c", 3),
        (b"warnings are on\n1 warning\n", 0),
        (b"warning: warning: once a line\n", 1),
    ],
)
def test_warnings_are_counted_by_line(path: Path, text: bytes, warnings: int) -> None:
    log = GateLog(Stream(path), NOTHING)
    log.feed(text)
    log.close()
    assert log.warnings == warnings


def test_the_tail_is_the_last_lines(path: Path) -> None:
    log = GateLog(Stream(path), NOTHING)
    for number in range(40):
        log.feed(f"line {number}\n".encode())
    assert log.tail.splitlines() == [f"line {number}" for number in range(28, 40)]
    log.close()


def test_a_line_without_end_does_not_wait_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "_LONGEST_LINE", 10)
    log = GateLog(Stream(path), NOTHING)
    log.feed(b"x" * 11)
    assert path.read_bytes() == b"x" * 11
    log.close()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem) as caught:
        GateLog(Stream(tmp_path / "gone" / "gate.log"), NOTHING)
    assert str(tmp_path / "gone" / "gate.log") in str(caught.value)
    assert "--reports" in caught.value.remedy


def test_a_full_disk_is_named(path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    log = GateLog(Stream(path, live=os.open(full, os.O_WRONLY)), NOTHING)
    with pytest.raises(EnvironmentProblem, match="No space left"):
        log.feed(b"a line\n")
    log.close()
