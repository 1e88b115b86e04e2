"""A test as a filter sees it: what is known about it without running it.

What follows from the id is known for every test. The rest (markers, fixtures, …) depends on the source: pytest knows it for
its items, a JUnit file does not. Unknown parts are None, and make the predicates that need them unknown.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from typing import Any, Optional

from ..originals import os
from ..originals import platform as system
from ..quick_dataclass import dataclass

GROUP_MARK = "xdist_group"
"""The marker that puts tests into a group; pytest-xdist defined it."""


@dataclass(frozen=True)
class Mark:
    """A marker of a test; values are strings: a `str` itself, the `repr` of anything else."""

    name: str
    args: tuple[str, ...] = ()
    kwargs: Mapping[str, str] = field(default_factory=dict)

    def value(self, key: str) -> Optional[str]:
        """The value of a keyword, or of a position (`0`, `1`, …); None if there is none."""
        if key.isdigit():
            return self.args[int(key)] if int(key) < len(self.args) else None
        return self.kwargs.get(key)


@dataclass(frozen=True)
class NodeParts:
    """The parts of a node id `path::Class::name[param]`."""

    file: str
    classes: tuple[str, ...]
    name: str
    param: str
    function: str


def split_id(nodeid: str) -> NodeParts:
    """Split a node id. A parameter may contain anything, so nothing after the first `[` of the name is split."""
    file, separator, rest = nodeid.partition("::")
    head, _bracket, param = rest.partition("[")
    *classes, name = head.split("::")
    if not separator:
        return NodeParts(file, (), file.rpartition("/")[2], "", file)
    param = param.partition("]#")[0] if "]#" in param else param
    return NodeParts(file, tuple(classes), name, param.removesuffix("]"), f"{file}::{head}")


class Candidate:
    """A test of which only the id is known.

    Attributes:
        id: pytest's node id.
        file: path relative to the root of the tests, with `/`.
        above: path of that root below the project's, with `/` at its end; empty if they are the same.
        recorded: its id in results; empty if that is the same.
        placed: whether the file is known; else `file` is only the part before `::`.
        module: dotted name under which the file was imported; empty if it is not a module.
    """

    above: str = ""
    recorded: str = ""
    placed: bool = True
    module: Optional[str] = None
    kind: Optional[str] = None
    marks: Optional[tuple[Mark, ...]] = None
    fixtures: Optional[tuple[str, ...]] = None
    params: Optional[Mapping[str, str]] = None
    docstring: Optional[str] = None
    platform: Optional[tuple[str, ...]] = None

    def __init__(self, nodeid: str, file: str = "") -> None:
        self.id = nodeid
        self.file = file or nodeid.partition("::")[0]

    @property
    def path(self) -> str:
        """Path of the file below the project's root, as git, owners and the import graph use it."""
        return self.above + self.file

    @property
    def names(self) -> NodeParts:
        """The parts of the id."""
        return split_id(self.id)

    @property
    def group(self) -> Optional[tuple[str, ...]]:
        """Names of the groups that the test belongs to."""
        if self.marks is None:
            return None
        named = (mark.value("name") or mark.value("0") or "default" for mark in self.marks if mark.name == GROUP_MARK)
        return tuple(named)

    def to_json(self) -> dict[str, Any]:
        """Everything that is known, as JSON."""
        marks = None if self.marks is None else [[mark.name, list(mark.args), dict(mark.kwargs)] for mark in self.marks]
        return {
            "id": self.id,
            "file": self.file,
            "above": self.above,
            "module": self.module,
            "kind": self.kind,
            "marks": marks,
            "fixtures": None if self.fixtures is None else list(self.fixtures),
            "params": None if self.params is None else dict(self.params),
            "docstring": self.docstring,
            "platform": None if self.platform is None else list(self.platform),
        }


class Described(Candidate):
    """A test from the output of `Candidate.to_json`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(str(data["id"]), str(data.get("file") or ""))
        self.above = str(data.get("above") or "")
        self.module = data.get("module")
        self.kind = data.get("kind")
        marks = data.get("marks")
        self.marks = None if marks is None else tuple(Mark(name, tuple(args), kwargs) for name, args, kwargs in marks)
        self.params = data.get("params")
        self.fixtures = _tuple(data.get("fixtures"))
        self.docstring = data.get("docstring")
        self.platform = _tuple(data.get("platform"))

    def twin(self, nodeid: str, params: Optional[Mapping[str, str]]) -> Described:
        """A test of the same function with other parameters; everything else is shared."""
        other = Described.__new__(Described)
        other.__dict__.update(self.__dict__, id=nodeid, params=params)
        return other


def _tuple(value: Any) -> Optional[tuple[str, ...]]:
    return None if value is None else tuple(map(str, value))


@lru_cache(maxsize=1)
def here() -> tuple[str, ...]:
    """The names of this platform: system, family, machine, interpreter, its version, and all of them joined."""
    implementation, version = sys.implementation.name, f"{sys.version_info[0]}.{sys.version_info[1]}"
    machine = system.machine().lower()
    whole = f"{implementation}-{version}-{sys.platform}-{machine}"
    return (sys.platform, os.name, machine, implementation, f"python{version}", whole)
