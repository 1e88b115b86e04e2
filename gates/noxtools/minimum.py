"""Decides how the lowest supported Python is checked: for real, or, where it is not installed, by reading the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .interpreters import Interpreter, launch, lowest, verified

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .interpreters import Launch


@dataclass(frozen=True)
class FullCheck:
    """Install, import and test on the lowest interpreter itself."""

    interpreter: Interpreter


@dataclass(frozen=True)
class StaticCheck:
    """Only tools that read the source can answer; the gate ends could-not-run.

    Attributes:
        version: the version to check for.
        reason: what to tell the user.
    """

    version: tuple[int, int]
    reason: str


def decide(requires_python: str, found: Iterable[Interpreter], ask: Launch = launch) -> FullCheck | StaticCheck:
    """The best check that this machine can do: the lowest interpreter that really runs, or none.

    Raises:
        ValueError: `requires_python` has no lower bound.
    """
    version = lowest(requires_python)
    running = (verified(each, ask) for each in sorted(found) if each.minor == version)
    usable = sorted(each for each in running if each is not None)
    if usable:
        return FullCheck(usable[0])
    return StaticCheck(version, "static check only")
