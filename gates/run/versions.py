"""Read the versions of tools in a gate's environment from the metadata on disk, without starting a process."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gates.planning.discover import Gate
from gates.portable.patterns import lazy_pattern
from gates.portable.regular import read_text

if TYPE_CHECKING:
    from gates.run.test_process import PytestProcess

_DISTRIBUTION = lazy_pattern(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)\.dist-info$")


def distributions(folders: Iterable[Path]) -> dict[str, str]:
    """Name → version of what is installed in folders, of the first one that has it."""
    found: dict[str, str] = {}
    for folder in folders:
        for path in folder.glob("*.dist-info"):
            match = _DISTRIBUTION.match(path.name)
            if match:
                found.setdefault(match["name"].lower().replace("_", "-"), match["version"])
    return found


def tool_versions(root: Path, gate: Gate, processes: Iterable[PytestProcess]) -> dict[str, str]:
    """Name → version of every distribution in the gate's own environment, and of its test runner."""
    found = {}
    if gate.kind == "nox":
        folder = environment_folder(root, gate.signature)
        python = _python(folder / "pyvenv.cfg")
        if python:
            found["python"] = python
        found |= distributions(folder.glob("lib/python*/site-packages"))
    started = [process.start for process in processes]
    for name in ("python", "pytest", "xdist"):
        # A gate may run pytest in several environments.
        versions = {str(start[name]) for start in started if start.get(name)}
        if versions:
            found["pytest-xdist" if name == "xdist" else name] = ", ".join(sorted(versions))
    return dict(sorted(found.items()))


def environment_folder(root: Path, signature: str) -> Path:
    """The path of a session's environment, by nox's rule (`nox.sessions._normalize_path`), which it does not export."""
    parent = root / os.environ.get("NOX_ENVDIR", ".nox")
    name = unicodedata.normalize("NFKD", signature).encode("ascii", "ignore").decode("ascii")
    name = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "-", name).strip().lower()).strip("-")
    short = parent / hashlib.sha1(name.encode("ascii"), usedforsecurity=False).hexdigest()[:8]
    return short if short.is_dir() else parent / name


def _python(config: Path) -> str:
    """The interpreter's version, as recorded by uv (`version_info`), virtualenv and venv (`version`)."""
    try:
        lines = read_text(config, errors="replace").splitlines()
    except OSError:
        return ""
    values = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    # virtualenv adds the release level: 3.11.7.final.0
    return re.sub(r"\.(final|candidate|beta|alpha).*", "", values.get("version_info") or values.get("version") or "")
