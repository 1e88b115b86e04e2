"""What the runner wants tried, and what the session tells it: two files in the run's temporary folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...portable.originals import json, os
from ...portable.regular import read_text


class Planted(NamedTuple):
    """A fault that may be planted.

    Attributes:
        id: its name.
        path: the file.
        line: where it is.
        start: the first replaced byte of the file's text.
        end: the byte after the last.
        text: what stands there instead.
        probe: line and column of the statement around it.
    """

    id: str
    path: str
    line: int
    start: int
    end: int
    text: str
    probe: tuple[int, int]


class Order(NamedTuple):
    """What the runner wants tried.

    Attributes:
        root: the folder that paths begin at.
        answers: file for the records.
        scratch: folder for temporary files.
        seconds: the budget, from the end of the collection.
        at_a_time: how many mutants of a file are tried before those of other files.
        texts: path → text of each file with faults.
        near: test file → how close it is to the faults, the closest first; other files are left out. None for all files.
        faults: in the order in which they are worth trying.
        known: ids of tests that another gate has run: they are left out.
        only: ids of the tests that run, without parameters; None for all.
        slow: ids of tests that are known to take long: they come last.
        every: try every fault, not only one per line.
        of_each_test: try so many faults with each test alone, for what only this test can show; 0 for the usual way.
    """

    root: str
    answers: str
    scratch: str
    seconds: float
    at_a_time: int
    texts: Mapping[str, str]
    near: Mapping[str, int] | None
    faults: Sequence[Planted]
    known: Sequence[str] = ()
    only: Sequence[str] | None = None
    slow: Sequence[str] = ()
    every: bool = False
    of_each_test: int = 0


def read_order(path: str) -> Order:
    """Read the runner's file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not of this form.
    """
    told = json.loads(read_text(path))
    faults = [Planted(*fields)._replace(probe=(fields[6][0], fields[6][1])) for fields in told.pop("faults")]
    return Order(**told, faults=faults)


class Answers:
    """Appends records to the file of answers; each is one write, so a killed session leaves whole lines.

    Records, by `kind`:
        tests     of: how many tests may reach the faults
        test      id, failed, seconds: a test without any fault
        recorded  left: tests that did not fit into the budget
        unreached ids: faults in statements that no test runs
        untried   ids: faults in statements that only tests run which did not fit into the budget, if any test does
        mutant    id, finding, tests, killed_by, reason, seconds; asserted: an assertion of that test failed
        unable    why: nothing can be tried
        end       left: faults that did not fit into the budget; seconds: of the budget that were spent
    """

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, kind: str, **fields: object) -> None:
        """Append one record."""
        line = json.dumps({"kind": kind, **fields}).encode("ascii") + b"\n"
        while line:
            line = line[os.write(self._file, line) :]
