"""Brings the environment of a session up to date, or does nothing if it already is.

A stamp inside the environment records what was installed; a warm session reads one small file instead of
starting uv twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STAMP = "gates-stamp"
"""Name of the stamp in the environment's folder."""


def stamp(root: Path, files: Iterable[Path], words: Iterable[str] = ()) -> str:
    """What an environment was made from, in one line.

    Args:
        root: the project's folder: an editable install of another working tree counts as another environment.
        files: the files whose contents decide what is installed.
        words: anything else that decides it, such as the interpreter.
    """
    digest = hashlib.sha256(str(root).encode())
    for word in words:
        digest.update(b"\0" + word.encode())
    for path in files:
        digest.update(b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest() + "\n"


def is_current(environment: Path, wanted: str) -> bool:
    """Whether the environment was made from `wanted`."""
    try:
        return (environment / STAMP).read_text(encoding="utf-8") == wanted
    except (OSError, UnicodeDecodeError):
        return False


def python_of(environment: Path) -> tuple[int, ...]:
    """The version of the interpreter that the environment was made with; empty if unknown."""
    settings = _settings(environment)
    text = settings.get("version_info") or settings.get("version", "")
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())


def _settings(environment: Path) -> Mapping[str, str]:
    try:
        lines = (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}
