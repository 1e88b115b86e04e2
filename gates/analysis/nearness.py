"""How close test files are to some files of production code: the closest test most probably notices a fault there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from gates.analysis.imports import Imports

NAMED, FAR = 0, 90
"""The place of a test file that is named after the file, and of one that may need everything."""


def nearness(imports: Imports, files: Iterable[str]) -> dict[str, int]:
    """Test file → its place, the closest first: named after one of the files, imports it, imports what imports it, and so on.

    Test files that may run anything come last; those that need none of the files are missing.
    """
    wanted = set(files)
    stems = {posixpath.basename(path).removesuffix(".py") for path in wanted}
    found: dict[str, int] = {}
    step, border = 1, wanted
    seen = set(wanted)
    while border:
        border = {file for path in border for file in imports.needed_by.get(path, ())} - seen
        seen |= border
        found |= dict.fromkeys(border & imports.layout.tests, step)
        step += 1
    found |= {file: NAMED for file in found if _subject(file) in stems}
    may_need = imports.needing(wanted) & imports.layout.tests
    return {**dict.fromkeys(may_need, FAR), **found}


def _subject(test: str) -> str:
    """The name of the module that a test file is named after."""
    stem = posixpath.basename(test).removesuffix(".py")
    return stem.removeprefix("test_") if stem.startswith("test_") else stem.removesuffix("_test")
