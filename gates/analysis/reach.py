"""How far something reaches: the test files that it concerns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """The test files that a question about imports or changes selects.

    Attributes:
        files: test files below the project's root, with `/`.
        everything: why every test is selected, in a sentence; empty when it is not so. `files` holds all of them then.
        notes: what the reader must know although the answer is known, a sentence each.
        missing: what the question names and the project has not, with the nearest that exists; empty where all is there.
    """

    files: frozenset[str] = frozenset()
    everything: str = ""
    notes: tuple[str, ...] = ()
    missing: str = ""
