"""Checks a built wheel: what must be in it, and what must not."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def wheel_problems(wheel: Path, packages: Iterable[str], entry_points: Iterable[str]) -> tuple[str, ...]:
    """Problems in the contents of `wheel`, one sentence each.

    Args:
        wheel: the file.
        packages: import packages that it must contain, each with `py.typed`, and nothing else.
        entry_points: lines that its `entry_points.txt` must contain.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = {name.rpartition("/")[2]: archive.read(name).decode() for name in names if ".dist-info/" in name}
    return (
        *_missing(set(names), tuple(packages)),
        *_surplus(names, tuple(packages)),
        *_entries(metadata, entry_points),
    )


def _missing(names: set[str], packages: tuple[str, ...]) -> Iterable[str]:
    wanted = [f"{package}/{name}" for package in packages for name in ("__init__.py", "py.typed")]
    return [f"{name} is missing" for name in wanted if name not in names]


def _surplus(names: list[str], packages: tuple[str, ...]) -> Iterable[str]:
    for name in names:
        top, _, rest = name.partition("/")
        if top not in packages and not top.endswith(".dist-info"):
            yield f"{name} does not belong in the wheel"
        elif "tests" in rest.split("/")[:-1] or name.endswith((".pyc", ".pyo")):
            yield f"{name} is not part of the package"


def _entries(metadata: Mapping[str, str], wanted: Iterable[str]) -> Iterable[str]:
    given = {line.strip() for line in metadata.get("entry_points.txt", "").splitlines()}
    missing = [f"the entry point {line!r} is missing" for line in wanted if line not in given]
    licence = [] if "LICENSE" in metadata else ["the licence is missing"]
    return [*missing, *licence]
