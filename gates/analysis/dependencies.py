"""The dependencies of a project, from pyproject.toml and lock files. Reads text; queries no index."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from gates.portable.patterns import lazy_pattern
from gates.portable.regular import read_text
from gates.readers.toml import table_at

LOCKS = {"uv.lock": "package", "poetry.lock": "package", "pdm.lock": "package", "pylock.toml": "packages"}
"""Lock file → its array of packages."""

FILES = ("pyproject.toml", *LOCKS, ":(glob)*requirements*.txt", ":(glob)requirements/*.txt")
"""The files to read, as git pathspecs from the project's folder."""

_PINNED = lazy_pattern(r"(?<![A-Za-z0-9._-])([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*==\s*([^\s;\\]+)")


class Dependencies(msgspec.Struct, frozen=True, kw_only=True):
    """What a project depends on.

    Attributes:
        direct: where it is declared (`project`, `extra NAME`, `group NAME`, `build-system`) → requirement → its versions.
        locked: lock file → distribution → its version.
        requires_python: the versions of Python; empty if not given.
        unreadable: files that could not be read, with the reason.
    """

    direct: dict[str, dict[str, str]] = {}
    locked: dict[str, dict[str, str]] = {}
    requires_python: str = ""
    unreadable: tuple[str, ...] = ()


def dependencies_of(root: Path) -> Dependencies:
    """Read the project in a folder; without a pyproject.toml there are no direct dependencies."""
    unreadable: list[str] = []
    project = _toml(root / "pyproject.toml", unreadable)
    about = table_at(project, "project")
    locked = {name: _packages(_toml(root / name, unreadable), array) for name, array in LOCKS.items()}
    for path in sorted([*root.glob("*requirements*.txt"), *root.glob("requirements/*.txt")]):
        try:
            pinned = _PINNED.findall(read_text(path, errors="replace"))
        except OSError as error:
            unreadable.append(f"{path.name}: {error.strerror}")
            continue
        locked[path.relative_to(root).as_posix()] = {normal(name): version for name, version in pinned}
    return Dependencies(
        direct=_direct(project, about),
        locked={name: packages for name, packages in locked.items() if packages},
        requires_python=str(about.get("requires-python", "")),
        unreadable=tuple(unreadable),
    )


def normal(name: str) -> str:
    """The normalised name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _direct(project: dict[str, Any], about: dict[str, Any]) -> dict[str, dict[str, str]]:
    found = {"project": _requirements(about.get("dependencies"))}
    for name, words in table_at(about, "optional-dependencies").items():
        found[f"extra {normal(name)}"] = _requirements(words)
    groups = {normal(name): words for name, words in table_at(project, "dependency-groups").items()}
    for name in groups:
        found[f"group {name}"] = _requirements(_group(name, groups, ()))
    found["build-system"] = _requirements(table_at(project, "build-system").get("requires"))
    return {where: requirements for where, requirements in found.items() if requirements}


def _group(name: str, groups: dict[str, Any], above: tuple[str, ...]) -> list[Any]:
    """The requirements of a group, including those of included groups (PEP 735)."""
    found: list[Any] = []
    for entry in groups.get(name, ()) if isinstance(groups.get(name), list) else ():
        included = normal(str(entry["include-group"])) if isinstance(entry, dict) and "include-group" in entry else ""
        if included and included not in above:
            found += _group(included, groups, (*above, name))
        elif isinstance(entry, str):
            found.append(entry)
    return found


def _requirements(words: Any) -> dict[str, str]:
    """Requirement, with extras and marker → its versions; their order does not matter."""
    from packaging.requirements import InvalidRequirement, Requirement

    found = {}
    for text in map(str, words if isinstance(words, list) else ()):
        try:
            asked = Requirement(text)
        except InvalidRequirement:
            found[text] = ""
            continue
        extras = f"[{','.join(sorted(map(normal, asked.extras)))}]" if asked.extras else ""
        marker = f"; {asked.marker}" if asked.marker else ""
        found[f"{normal(asked.name)}{extras}{marker}"] = f"@{asked.url}" if asked.url else str(asked.specifier)
    return found


def _packages(lock: dict[str, Any], array: str) -> dict[str, str]:
    packages = lock.get(array)
    rows: Iterable[Any] = packages if isinstance(packages, list) else ()
    return {normal(str(row["name"])): str(row["version"]) for row in rows if isinstance(row, dict) and "version" in row}


def _toml(path: Path, unreadable: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        unreadable.append(f"{path.name}: {error}")
        return {}
