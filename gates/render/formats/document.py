"""JSON for other programs."""

from __future__ import annotations

from typing import Any

import msgspec


def json_text(value: Any, indent: int = 1) -> str:
    """JSON that every reader accepts: what is no Unicode text (a lone surrogate) is written as an escape, visibly."""
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_readable(value))
    return (msgspec.json.format(data, indent=indent) if indent else data).decode() + "\n"


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_readable(key): _readable(each) for key, each in value.items()}
    return [_readable(each) for each in value] if isinstance(value, list | tuple) else value
