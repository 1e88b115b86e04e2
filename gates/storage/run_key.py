"""The key under which a run is kept: everything that affects its result."""

from __future__ import annotations

import hashlib
import os
import platform
import sys

import msgspec

from gates import __version__
from gates.config.request import Request
from gates.portable.settings.declare import replace
from gates.results.files import encoded

VARIABLES = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONHASHSEED", "PYTHONPATH", "PYTHONWARNINGS")
"""Variables that affect tests in every tree."""


class RunKey(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a run. Locked dependencies, filters of the config and the checklist are part of the tree.

    Attributes:
        tree: what was run.
        prefix: the project's folder in it.
        asked: the request.
        heard: variables that affect tests in every tree.
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


def key_of(tree: str, prefix: str, request: Request, *more: str) -> RunKey:
    """The key of a run that is made here and now.

    Args:
        tree: what is run.
        prefix: the project's folder in it.
        request: what the user asked for.
        more: what else affects the result.
    """
    return RunKey(
        tree=tree,
        prefix=prefix,
        asked=repr(replace(request, variables=frozenset(), seed=None, no_install=False)),
        heard=tuple((name, os.environ.get(name)) for name in VARIABLES),
        python=sys.version,
        executable=sys.executable,
        system=platform.platform(),
        gates=__version__,
        more=more,
    )
