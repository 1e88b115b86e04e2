"""Versions of the tools in a gate's environment, read from the metadata on disk: no process is started for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gates.discover import Gate
    from gates.run.inbox import PytestProcess

_DISTRIBUTION = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)\.dist-info$")


def tool_versions(root: Path, gate: Gate, processes: Iterable[PytestProcess]) -> dict[str, str]:
    """Name → version of every distribution in the gate's own environment, and of what ran its tests."""
    found = {}
    if gate.kind == "nox":
        folder = root / ".nox" / re.sub(r"[^a-zA-Z0-9_.-]", "-", gate.signature)
        for path in folder.glob("lib/python*/site-packages/*.dist-info"):
            match = _DISTRIBUTION.match(path.name)
            if match:
                found[match["name"].lower().replace("_", "-")] = match["version"]
    for process in processes:
        for name in ("python", "pytest", "xdist"):
            version = process.start.get(name)
            if version:
                found["pytest-xdist" if name == "xdist" else name] = str(version)
    return dict(sorted(found.items()))
