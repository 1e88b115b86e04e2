"""Measure the cost of keeping secrets out of the log of a gate."""

from __future__ import annotations

import random
import string
import time
from typing import TYPE_CHECKING

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds
from gates.run.log import GateLog
from gates.run.masking import StructMask
from gates.storage.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRETS, MEGABYTES, PIECE = 10, 16, 1 << 16
EVERY = 1000
LETTERS = f"{string.ascii_letters}{string.digits}+/_-"
SEED = 20_261_129
MASKED = Claim(
    name="masking-log",
    what=f"writing a log of {MEGABYTES} MB with {SECRETS} secrets to mask, one in {EVERY:,} lines, against the same log "
    "without secrets",
    goal=3.0,
)


def secrets() -> dict[str, str]:
    """Variables with random tokens of 20 to 38 characters."""
    source = random.Random(SEED)
    return {f"SERVICE_{number}_TOKEN": "".join(source.choices(LETTERS, k=20 + 2 * number)) for number in range(SECRETS)}


def write_output() -> bytes:
    """The output of a chatty test run."""
    values = list(secrets().values())
    lines = []
    size = number = 0
    while size < MEGABYTES * 1_000_000:
        secret = f" Authorization: Bearer {values[number // EVERY % SECRETS]}" if number % EVERY == 0 else ""
        line = (
            f"tests/unit/test_module_{number % 97:03}.py::test_behaves[{number}] PASSED in 0.0{number % 89} s{secret}\n"
        )
        lines.append(line)
        size += len(line)
        number += 1
    return "".join(lines).encode()


def logging(folder: Path, output: bytes, mask: StructMask) -> Callable[[], float]:
    """Seconds of processor time to write the output to a log, in pieces as from a pipe."""
    path = folder / "gate.log"

    def write() -> float:
        began = time.process_time()
        log = GateLog(Stream(path), mask)
        for start in range(0, len(output), PIECE):
            log.feed(output[start : start + PIECE])
        log.close()
        return time.process_time() - began

    return write


def measure(place: Workplace) -> dict[str, Figures]:
    """The same output with and without anything to mask."""
    output = write_output()
    sides = {
        "ours": logging(place.folder, output, StructMask(secrets())),
        "plain": logging(place.folder, output, StructMask()),
    }
    return {MASKED.name: figures(rounds(sides, place.patience), "plain")}


SUBJECT = Subject(name="masking", claims=(MASKED,), measure=measure)
