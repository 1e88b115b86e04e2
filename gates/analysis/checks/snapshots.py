"""Expected output that was updated: a reviewer must look at it, because no source can tell whether it is right."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from gates.analysis.checks.reading import is_test_code
from gates.results.weakening import Weakening

_NAME = re.compile(r".*\.(ambr|snap|approved\.\w+|golden|expected|expect|out)", re.IGNORECASE)
_FOLDER = re.compile(r"__snapshots__|snapshots?|goldens?|golden_files|expected|approvals?", re.IGNORECASE)


def is_snapshot(path: str) -> bool:
    """Whether a file holds what tests expect."""
    folders = posixpath.dirname(path).split("/")
    return not path.endswith(".py") and bool(
        (_NAME.fullmatch(path) and is_test_code(path)) or any(map(_FOLDER.fullmatch, folders))
    )


def updated_snapshots(changed: Iterable[str], base: Mapping[str, str], head: Mapping[str, str]) -> Iterator[Weakening]:
    """A hint for each changed file of expected output: the source cannot tell whether the new output is right."""
    paths = list(changed)
    code = any(path.endswith(".py") and not is_test_code(path) for path in paths)
    del base, head
    for path in paths:
        if is_snapshot(path):
            together = "together with the code" if code else "without a change of the code"
            yield Weakening(
                rule="snapshot-updated", what=f"expected output was updated {together}; look at its differences", path=path,
                strength="hint",
            )  # fmt: skip
