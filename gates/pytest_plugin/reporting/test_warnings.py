"""Records pytest's warnings, in the controller or in the only process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ...portable.failure_signature import normalise
from ...portable.frames import in_project
from ...portable.stream import RecordStream
from ..text import first_line

if TYPE_CHECKING:
    import warnings


MOST = 2000
"""Maximum number of warnings that are written one by one; others are counted, and written at the end."""

GROUPS = 1000
"""Maximum number of different ones among these others."""

_INSTALLED = re.compile(r"\A(?:.*/(?=(?:site|dist)-packages/)|.*/lib/(?=python[\d.]+/))", re.IGNORECASE)


class WarningWriter:
    """Each warning becomes a `warning` record at once, so that a dying process does not lose them."""

    def __init__(self, stream: RecordStream, root: Path) -> None:
        self._stream, self._root = stream, str(root)
        self._written = 0
        self._once: set[tuple[Any, ...]] = set()
        self._rest: dict[tuple[str, str, str], dict[str, Any]] = {}

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: object = None
    ) -> None:
        """Process a warning; `location` is where pytest received it, not where it came from."""
        del location
        record = self._record(warning_message, when, nodeid)
        if when != "runtest":  # every worker collects, so each of them reports the same
            place = (record["category"], record["message"], record["file"], record["line"], nodeid)
            if place in self._once:
                return
            self._once.add(place)
        if self._written < MOST:
            self._written += 1
            self._stream.write("warning", **record)
            return
        key = (record["category"], normalise(record["message"]), record["file"])
        if key not in self._rest and len(self._rest) >= GROUPS:
            key = ("", "", "")
            record.update(
                category="", message="further warnings, too many to list separately", file="", line=0, test=""
            )
        self._rest.setdefault(key, {**record, "count": 0})["count"] += 1

    @pytest.hookimpl(tryfirst=True)  # the recorder closes the stream
    def pytest_unconfigure(self) -> None:
        """Write the counted ones."""
        for record in self._rest.values():
            self._stream.write("warning", **record)
        self._rest.clear()

    def _record(self, warning: warnings.WarningMessage, when: str, nodeid: str) -> dict[str, Any]:
        kind = warning.category
        module = getattr(kind, "__module__", "builtins")
        return {
            "category": kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}",
            "message": first_line(str(warning.message)),
            "file": self._file(str(warning.filename)),
            "line": warning.lineno,
            "test": nodeid if when == "runtest" else "",
            "when": when,
            "count": 1,
        }

    def _file(self, name: str) -> str:
        """The path in a form that is the same on every machine."""
        own = in_project(name, self._root)
        if own:
            return own
        name = name.replace("\\", "/")
        installed = _INSTALLED.sub("", name, count=1)
        return installed if installed != name else name.rpartition("/")[2]
