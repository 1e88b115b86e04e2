"""Finds the Python interpreters of this machine: on PATH, among pyenv's versions and among uv's.

The search is cheap (names of files and folders, no process) because a noxfile is loaded for every session; a name is
trusted only after `verified` has asked the interpreter itself. pyenv's shims are skipped: a shim exists for
every version that was ever installed, even if it does not run.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

if TYPE_CHECKING:
    Launch = Callable[[Path], "str | None"]
    """Asks an interpreter for its version, such as `3.12.1`; None if it does not run."""

_PATH_NAME = re.compile(r"python(3)\.(\d+)(?:\.exe)?")
_PYENV_NAME = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_UV_NAME = re.compile(r"cpython-(\d+)\.(\d+)\.(\d+)-.+")
# Pre-releases are not supported: 3.15.0alpha matches no name.
_ASK = "import sys; v = sys.version_info; print('%d.%d.%d' % v[:3] + ('' if v[3] == 'final' else v[3]))"


@dataclass(frozen=True, order=True)
class Interpreter:
    """One Python on this machine.

    Attributes:
        version: major, minor and, if known, micro.
        path: the executable.
        origin: who installed it: `path`, `pyenv`, `uv` or `running` (the one that runs nox).
    """

    version: tuple[int, ...]
    path: Path
    origin: str

    @property
    def minor(self) -> tuple[int, int]:
        """Major and minor, the part that `requires-python` refers to."""
        return self.version[0], self.version[1]

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


def candidates(environ: Mapping[str, str], home: Path, running: Interpreter | None = None) -> tuple[Interpreter, ...]:
    """Every interpreter that names of files and folders suggest, without starting one.

    Args:
        environ: the environment variables (`PATH`, `PYENV_ROOT`, `UV_PYTHON_INSTALL_DIR`, `XDG_DATA_HOME`).
        home: the home folder, where pyenv and uv keep theirs unless told otherwise.
        running: the interpreter that runs nox; it is already known.
    """
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv")
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    managed = Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    found = [] if running is None else [running]
    found += _on_path(environ.get("PATH", ""), skip=pyenv / "shims")
    found += _in_versions_folder(pyenv / "versions", _PYENV_NAME, "pyenv")
    found += _in_versions_folder(managed, _UV_NAME, "uv")
    return tuple({each.path: each for each in reversed(found)}.values())[::-1]


def _on_path(path: str, skip: Path) -> Iterator[Interpreter]:
    for text in dict.fromkeys(path.split(":")):
        folder = Path(text)
        if not text or folder == skip or not folder.is_dir():
            continue
        for entry in sorted(folder.glob("python3.*")):
            match = _PATH_NAME.fullmatch(entry.name)
            if match and entry.is_file():
                yield Interpreter((int(match[1]), int(match[2])), entry, "path")


def _in_versions_folder(folder: Path, name: re.Pattern[str], origin: str) -> Iterator[Interpreter]:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        match = name.fullmatch(entry.name)
        executable = entry / "bin" / "python3"
        if match and executable.is_file():
            yield Interpreter((int(match[1]), int(match[2]), int(match[3])), executable, origin)


def launch(path: Path) -> str | None:
    """The version that the interpreter at `path` reports; None if it does not run."""
    try:
        answer = subprocess.run([path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def verified(interpreter: Interpreter, ask: Launch = launch) -> Interpreter | None:
    """The interpreter with the version that it reports; None if it does not run or its name does not match."""
    match = _PYENV_NAME.fullmatch(ask(interpreter.path) or "")
    if match is None:
        return None
    version = (int(match[1]), int(match[2]), int(match[3]))
    return replace(interpreter, version=version) if version[:2] == interpreter.minor else None


def lowest(requires_python: str) -> tuple[int, int]:
    """The lowest minor version that `requires_python` (`>=3.11`, `>=3.11,<4`, `~=3.11`) allows.

    Raises:
        ValueError: it has no lower bound.
    """
    try:
        parts = [part for part in SpecifierSet(requires_python) if part.operator in {">=", "~=", "=="}]
    except InvalidSpecifier:
        parts = []
    if not parts:
        raise ValueError(f"requires-python has no lower bound: {requires_python!r} (expected for example '>=3.11')")
    bound = max(Version(part.version.removesuffix(".*")) for part in parts)
    return bound.major, bound.minor


def supported(requires_python: str, found: Iterable[Interpreter]) -> tuple[Interpreter, ...]:
    """One interpreter for each minor version that `requires_python` allows, ascending; the newest micro wins."""
    bound = lowest(requires_python)
    best: dict[tuple[int, int], Interpreter] = {}
    for each in found:
        known = best.get(each.minor)
        if each.minor >= bound and (known is None or each.version > known.version):
            best[each.minor] = each
    return tuple(best[minor] for minor in sorted(best))


def oldest(requires_python: str, found: Iterable[Interpreter], ask: Launch = launch) -> Interpreter | None:
    """A working interpreter of the lowest supported version; None if only newer ones are installed.

    Raises:
        ValueError: `requires_python` has no lower bound.
    """
    version = lowest(requires_python)
    running = (verified(each, ask) for each in sorted(found) if each.minor == version)
    return min((each for each in running if each is not None), default=None)


def newest(
    requires_python: str, found: Collection[Interpreter], running: Interpreter, ask: Launch = launch
) -> Interpreter | None:
    """The newest working, supported interpreter that is newer than the running one; None if there is none.

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
