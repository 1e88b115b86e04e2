"""Find where the project's own packages were imported from: an editable install imports the tree it was made from."""

from __future__ import annotations

import sys
from pathlib import Path

from ...portable.originals import os

_LIBRARY = Path(os.__file__).resolve().parent
"""Folder of Python's own modules: a script with such a name, say `code.py`, was not imported."""


def origins(*roots: Path) -> dict[str, str]:
    """Imported packages and modules that exist below a root, or its `src`, with their real origin.

    Args:
        roots: of the project, for pytest and for the runner.
    """
    found = {}
    for folder in dict.fromkeys(folder for root in roots for folder in (root, root / "src")):
        for name in _importable(folder):
            place = _place(name) if name not in found and name in sys.modules else ""
            if place and not _is_pythons(place):
                found[name] = place
    return found


def _is_pythons(place: str) -> bool:
    try:
        inside = Path(place).relative_to(_LIBRARY).parts
    except ValueError:
        return False
    return inside[0] not in ("site-packages", "dist-packages")


def _importable(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [
                entry.name.removesuffix(".py")
                for entry in entries
                if entry.name.endswith(".py") or os.path.isfile(os.path.join(entry.path, "__init__.py"))
            ]
    except OSError:
        return []


def _place(name: str) -> str:
    """Without a file it is a namespace, or artificial: its origin is unknown."""
    file = getattr(sys.modules[name], "__file__", None)
    return os.path.realpath(file) if isinstance(file, str) and file else ""
