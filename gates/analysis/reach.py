"""How far something reaches: the test files that it affects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """The test files that a query about imports or changes selects.

    Attributes:
        files: test files below the project's root, with `/`.
        everything: why every test is selected, in a sentence; `files` then holds all of them. Empty otherwise.
        notes: caveats of a known answer, a sentence each.
        missing: what the query names but the project lacks, with the nearest that exists; empty if nothing is missing.
    """

    files: frozenset[str] = frozenset()
    everything: str = ""
    notes: tuple[str, ...] = ()
    missing: str = ""
