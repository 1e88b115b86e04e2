"""Find where tests imported the project from, and whether an installed copy belongs to this tree."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from gates.analysis.dependencies import normal
from gates.portable.regular import read_bytes
from gates.readers.toml import read_toml, table_at


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The imports of the project by the tests of a gate.

    Attributes:
        places: package or module → its file, relative to the project's folder if it is in the same checkout.
        stale: packages that are installed elsewhere → one of their files that differs from this tree.
    """

    places: dict[str, str] = {}
    stale: dict[str, str] = {}


def look_at_imports(told: Iterable[Mapping[str, str]], root: Path, checkout: Path) -> Imported:
    """Combine the reports of all test processes of a gate; imports from elsewhere take precedence.

    Args:
        told: for each process, package → real place of its file.
        root: the project's folder.
        checkout: the working tree that contains it.
    """
    root, checkout = root.resolve(), checkout.resolve()
    places: dict[str, str] = {}
    stale: dict[str, str] = {}
    for process in told:
        for name, place in process.items():
            inside = Path(place).is_relative_to(checkout)
            if name in places and inside:
                continue
            places[name] = os.path.relpath(place, root) if inside else place
            if not inside and name not in stale and (file := _stale_file(name, Path(place), root)):
                stale[name] = file
    return Imported(places=places, stale=stale)


def _stale_file(name: str, place: Path, root: Path) -> str:
    """A file of an installed copy that differs from that of the tree; empty if none does, or if unknown."""
    site = next((folder for folder in place.parents if folder.name in ("site-packages", "dist-packages")), None)
    project = _project_name(root)
    # Another project may have a package with the same name, which proves nothing.
    if site is None or not project or not any(_is_of(path.name, project) for path in site.glob("*.dist-info")):
        return ""
    for top in (root, root / "src"):
        for source in _sources(top, name):
            installed = site / source.relative_to(top)
            with suppress(OSError):  # a missing or unreadable file proves nothing
                if _lines(installed) != _lines(source):
                    return str(installed)
    return ""


def _sources(top: Path, name: str) -> Iterator[Path]:
    single = top / f"{name}.py"
    if single.is_file():
        yield single
    yield from sorted((top / name).rglob("*.py"))


def _lines(path: Path) -> list[bytes]:
    """The text to compare: builds write a version into the sources, and git may change line ends."""
    return [line for line in read_bytes(path).splitlines() if b"version" not in line.lower()]


def _is_of(folder: str, project: str) -> bool:
    return normal(folder.removesuffix(".dist-info").rpartition("-")[0]) == project


def _project_name(root: Path) -> str:
    project = read_toml(root / "pyproject.toml")
    for path in (("project",), ("tool", "poetry")):
        found = table_at(project, *path).get("name")
        if isinstance(found, str) and re.fullmatch(r"[\w.-]+", found):
            return normal(found)
    return ""
