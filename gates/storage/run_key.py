"""The key under which a run is kept: everything that affects its result."""

from __future__ import annotations

import hashlib

import msgspec

from gates.results.files import encoded


class RunKey(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a run. Locked dependencies, filters of the config and the checklist are part of the tree.

    Attributes:
        tree: what was run.
        prefix: the project's folder in it.
        asked: the request.
        heard: variables that affect tests, whatever the tree contains.
        python: version of the interpreter.
        executable: of the interpreter.
        system: name, release, machine.
        gates: version of this program.
        more: other inputs, such as a checklist from elsewhere, or files that are in no commit.
    """

    tree: str
    prefix: str
    asked: str
    heard: tuple[tuple[str, str | None], ...]
    python: str
    executable: str
    system: str
    gates: str
    more: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A name of fixed length, unique for each key."""
        return hashlib.sha256(encoded(self)).hexdigest()[:32]
