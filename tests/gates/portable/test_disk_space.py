"""A test process can say that the disk is full, on the full disk."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from gates.portable import stream as streams
from gates.portable.disk_space import NAME, SIZE, complain, complaint, reserve
from gates.portable.stream import RecordStream

if TYPE_CHECKING:
    from pathlib import Path


def full(number: int = errno.ENOSPC) -> OSError:
    return OSError(number, os.strerror(number))


def test_nothing_is_said_while_there_is_room(tmp_path: Path) -> None:
    assert complaint(str(tmp_path)) == ""
    reserve(str(tmp_path))
    assert complaint(str(tmp_path)) == ""


def test_a_word_is_written_over_what_was_kept_for_it(tmp_path: Path) -> None:
    reserve(str(tmp_path))
    complain(str(tmp_path), full())
    assert complaint(str(tmp_path)) == "No space left on device"
    assert (tmp_path / NAME).stat().st_size == SIZE, "it takes no further room"


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EMFILE, errno.EACCES, errno.EFBIG])
def test_what_is_not_the_disks_fault_is_not_said(tmp_path: Path, number: int) -> None:
    reserve(str(tmp_path))
    complain(str(tmp_path), full(number))
    assert complaint(str(tmp_path)) == ""


def test_without_a_place_for_it_nothing_is_said(tmp_path: Path) -> None:
    complain(str(tmp_path), full())
    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_does_not_fit_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve(str(tmp_path))
    stream = RecordStream(str(tmp_path / "pytest-1.jsonl"))
    stream.write("start")

    def fail(*_: object) -> int:
        raise full()

    with monkeypatch.context() as patch:
        patch.setattr(streams.os, "write", fail)  # type: ignore[attr-defined]
        patch.setattr("gates.portable.disk_space.os", os)
        stream.write("test", id="a")
    stream.write("finish")
    stream.close()
    assert complaint(str(tmp_path)) == "No space left on device"
    assert (tmp_path / "pytest-1.jsonl").read_bytes().count(b"\n") == 1
