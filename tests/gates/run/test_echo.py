from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from gates.run.echo import Echo
from gates.run.log import GateLog
from gates.run.masking import StructMask
from gates.storage.streams import streams_in
from tests.gates.run.making import NOTHING

if TYPE_CHECKING:
    from pathlib import Path

SECRET = StructMask({"MY_TOKEN": "s3cret-value"})
FAR = b"far before it, " + b"." * (SECRET.longest - 1 - len("no secret, s3cret"))


class Stream(io.TextIOWrapper):
    """Text that can be looked at while it grows."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, "ascii", write_through=True)

    @property
    def shown(self) -> str:
        return self.bytes.getvalue().decode("ascii", "backslashreplace")


def test_what_the_run_says_begins_a_line_of_its_own() -> None:
    stream = Stream()
    echo = Echo(stream)
    echo.pour(b"test_a.py ..")
    echo.write("FAIL\n")
    echo.write("SLOW\n")
    echo.pour(b"\xff\n")
    echo.write("PASS\n")
    assert stream.shown == "test_a.py ..\nFAIL\nSLOW\n\\xff\nPASS\n"
    assert echo.encoding == "ascii"


@pytest.mark.parametrize(
    ("mask", "pieces", "shown"),
    [
        (NOTHING, [b"is it", b" so? "], ["is it", "is it so? "]),
        (SECRET, [b"my s3cret", b"-value\n"], ["", "my [masked: MY_TOKEN]\n"]),
        (
            SECRET,
            [FAR + b"no secret, s3cret", b"-valu\n"],
            ["far before it, ", f"{FAR.decode()}no secret, s3cret-valu\n"],
        ),
    ],
    ids=["at once", "a secret in pieces", "nearly a secret"],
)
def test_output_is_shown_as_it_comes_but_never_a_part_of_a_secret(
    tmp_path: Path, mask: StructMask, pieces: list[bytes], shown: list[str]
) -> None:
    stream = Stream()
    log = GateLog(streams_in(tmp_path)("log"), mask, Echo(stream))
    seen = []
    for piece in pieces:
        log.feed(piece)
        seen.append(stream.shown)
    log.close()
    assert seen == shown


def test_the_end_of_the_output_is_shown_though_its_line_has_none(tmp_path: Path) -> None:
    stream = Stream()
    log = GateLog(streams_in(tmp_path)("log"), SECRET, Echo(stream))
    log.feed(b"bye")
    log.close()
    assert stream.shown == "bye"
