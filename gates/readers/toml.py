"""TOML files of a project, as far as they can be read: what is not there, or is something else, is empty."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from gates.portable.regular import read_text


def read_toml(path: Path) -> dict[str, Any]:
    """What a file says; empty where there is none, or none that can be read."""
    try:
        return tomllib.loads(read_text(path))
    except (OSError, ValueError, RecursionError):
        return {}


def table_at(value: Any, *keys: str) -> dict[str, Any]:
    """The table below these keys; empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
