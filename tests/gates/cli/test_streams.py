"""Output that cannot be shown silences the display, and decides nothing."""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from gates.cli.streams import QuietOutput, guard, loss, open_missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def text(output: QuietOutput) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(output), encoding="utf-8", write_through=True)


def test_what_can_be_shown_is_shown(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    stream = text(QuietOutput(writer))
    stream.write("words\n")
    stream.flush()
    assert os.read(reader, 100) == b"words\n"
    assert (stream.fileno(), stream.isatty(), stream.writable()) == (writer, False, True)


def test_after_its_first_error_a_stream_is_silent(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = pipe
    os.close(reader)
    output = QuietOutput(writer)
    stream = text(output)
    stream.write("words\n")
    stream.flush()
    assert output.lost is not None
    monkeypatch.setattr(os, "write", None)
    stream.write("more")
    stream.flush()
    assert not stream.isatty()


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EBADF, errno.EPIPE])
def test_no_error_of_the_system_gets_through(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(_descriptor: int, _data: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail)
        output = QuietOutput(1)
        assert output.write(b"words") == 5
    assert output.lost is not None
    assert output.lost.errno == number


def test_a_pipe_that_does_not_wait_is_waited_for(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.set_blocking(writer, False)
    output = QuietOutput(writer)
    data = b"x" * (1 << 20)  # more than any pipe holds
    got = bytearray()

    def read() -> None:
        while len(got) < len(data):
            got.extend(os.read(reader, 1 << 16))

    thread = threading.Thread(target=read)
    thread.start()
    stream = io.BufferedWriter(output)
    stream.write(data)
    stream.flush()
    thread.join()
    assert bytes(got) == data
    assert output.lost is None


def test_closed_descriptors_point_at_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    opened: list[str] = []

    def stat(descriptor: int) -> None:
        asked.append(descriptor)
        if descriptor != 0:
            raise OSError(errno.EBADF, "")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", stat)
        patch.setattr(os, "open", lambda path, _flags: opened.append(path))
        open_missing()
    assert (asked, opened) == ([0, 1, 2], [os.devnull, os.devnull])


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_both_streams_are_guarded_whether_they_are_open_or_not(
    monkeypatch: pytest.MonkeyPatch, *, closed: bool
) -> None:
    with monkeypatch.context() as patch:
        for name in ("stdin", "stdout", "stderr"):
            patch.setattr(sys, name, None if closed else getattr(sys, f"__{name}__"))
            patch.setattr(sys, f"__{name}__", getattr(sys, name))
        output = guard()
        assert sys.stdin is not None
        for stream in (sys.stdout, sys.stderr):
            assert isinstance(stream.buffer, io.BufferedWriter)
            assert isinstance(stream.buffer.raw, QuietOutput)
            assert stream.errors == "backslashreplace"
        assert loss(output) is None
        assert sys.stdout.fileno() == 1


@pytest.mark.parametrize(("number", "told"), [(errno.EPIPE, False), (errno.ENOSPC, True), (errno.EIO, True)])
def test_a_reader_that_had_enough_is_no_loss(monkeypatch: pytest.MonkeyPatch, number: int, *, told: bool) -> None:
    output = QuietOutput(1)
    output.lost = OSError(number, "")
    assert (loss(output) is not None) is told


def test_streams_that_somebody_else_put_there_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        theirs = io.StringIO()
        patch.setattr(sys, "stdout", theirs)
        guard()
        assert sys.stdout is theirs
