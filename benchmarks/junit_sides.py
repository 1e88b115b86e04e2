"""`python -m benchmarks.junit_sides OUTPUT SIDE FILE...`: one side of `junit`, which keeps its own time."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers import expat

from gates.portable.peak_memory import peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 1 << 18


def bare(file: Path) -> int:
    """Count the elements."""
    number = 0

    def start(_tag: str, _attributes: dict[str, str]) -> None:
        nonlocal number
        number += 1

    _parse(file, start)
    return number


def kept(file: Path) -> list[dict[str, str]]:
    """Keep the attributes of every case, as they come."""
    cases: list[dict[str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "testcase":
            cases.append(attributes)

    _parse(file, start)
    return cases


def _parse(file: Path, start: Callable[[str, dict[str, str]], None]) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            parser.Parse(piece, False)
    parser.Parse(b"", True)


def side(name: str, files: list[Path]) -> Callable[[], object]:
    """What is timed, with everything imported that it needs."""
    if name == "expat":
        return lambda: bare(files[0])
    if name == "kept":
        return lambda: kept(files[0])
    if name == "junitparser":
        from junitparser import JUnitXml

        # Its cases are views of a tree; a record needs what is asked of each here.
        return lambda: [
            (case.name, case.classname, case.time, [(result.message, result.text) for result in case.result])
            for suite in JUnitXml.fromfile(str(files[0]))
            for case in suite
        ]
    if name == "read":
        from gates.readers.junit.read import read_junit

        return lambda: read_junit(files[0])
    from gates.commands.compare_files import compare_files
    from gates.pipeline.result_files import results_of

    if name == "both":
        return lambda: [results_of(file) for file in files]
    return lambda: compare_files(str(files[0]), str(files[1]))


def main() -> None:
    """Do it once and write the figures."""
    output, name, *files = sys.argv[1:]
    action = side(name, [Path(file) for file in files])
    began = time.process_time()
    result = action()
    seconds = time.process_time() - began
    Path(output).write_text(json.dumps({"seconds": seconds, "peak": peak_memory()}), encoding="utf-8")
    del result


if __name__ == "__main__":
    main()
