"""`python -m benchmarks.junit_sides OUTPUT SIDE FILE...`: one side of `junit`, which keeps its own time."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 1 << 18


def bare(file: Path) -> int:
    """Count the elements."""
    number = 0

    def start(_tag: str, _attributes: dict[str, str]) -> None:
        nonlocal number
        number += 1

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            parser.Parse(piece, False)
    parser.Parse(b"", True)
    return number


def side(name: str, files: list[Path]) -> Callable[[], object]:
    """What is timed, with everything imported that it needs."""
    if name == "expat":
        return lambda: bare(files[0])
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
    kept = action()
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    Path(output).write_text(json.dumps({"seconds": seconds, "peak": peak}), encoding="utf-8")
    del kept


if __name__ == "__main__":
    main()
