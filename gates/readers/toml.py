"""TOML files of a project, as far as they can be read: anything missing or of another type is empty."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from gates.portable.regular import read_text


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a file; empty if it is missing or unreadable."""
    try:
        return tomllib.loads(read_text(path))
    except (OSError, ValueError, RecursionError):
        return {}


def table_at(value: Any, *keys: str) -> dict[str, Any]:
    """The table below these keys; empty if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
