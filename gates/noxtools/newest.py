"""Finds the newest Python of this machine that the tests can run on, beside the one that runs nox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .interpreters import Interpreter, launch, supported, verified

if TYPE_CHECKING:
    from collections.abc import Collection

    from .interpreters import Launch


def newest(
    requires_python: str, found: Collection[Interpreter], running: Interpreter, ask: Launch = launch
) -> Interpreter | None:
    """The newest supported interpreter that really runs and is newer than the running one; None where there is none.

    Raises:
        ValueError: `requires_python` has no lower bound.
    """
    left = set(found)
    while newer := [each for each in supported(requires_python, left) if each.minor > running.minor]:
        known = verified(newer[-1], ask)
        if known is not None:
            return known
        left.remove(newer[-1])
    return None
