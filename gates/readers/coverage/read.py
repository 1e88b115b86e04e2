"""Read the lines that ran from a coverage file, whose content shows its format.

- coverage.py's JSON: `files` → `executed_lines`, `missing_lines`;
- Cobertura's XML (`coverage xml`, gcovr, coverlet, …): `<class filename>` with `<line number hits>`; paths begin at one
  of the `<source>` folders;
- LCOV's tracefile (geninfo(1)): `SF:path`, `DA:line,hits[,checksum]`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from gates.portable.regular import open_text
from gates.readers.formats import beginning_of, unexpected, whole
from gates.readers.safexml import read_xml

COBERTURA = "a Cobertura report"


class LineHits(msgspec.Struct, frozen=True):
    """A coverage file.

    Attributes:
        files: path, as the tool wrote it → line → whether it ran.
        folders: possible bases of relative paths.
    """

    files: dict[str, dict[int, bool]]
    folders: tuple[str, ...] = ()


def read_coverage(path: Path) -> LineHits:
    """Read a file.

    Raises:
        ValueError: it is empty, cut off, malformed, or has another format; the message tells which.
        OSError: it cannot be read.
    """
    head = beginning_of(path)
    if head.startswith(b"<"):
        return _cobertura(path)
    if head.startswith(b"{"):
        return _json(path)
    if head.startswith((b"TN:", b"SF:")):
        with open_text(path, errors="surrogateescape") as file:
            return _lcov(file)
    raise unexpected(head, "JSON of coverage.py, Cobertura XML or LCOV")


def _json(path: Path) -> LineHits:
    data = whole(path)
    try:
        found: Any = msgspec.json.decode(data)
        files = found["files"]
        return LineHits(
            {
                name: dict.fromkeys(map(int, about["missing_lines"]), False)
                | dict.fromkeys(map(int, about["executed_lines"]), True)
                for name, about in files.items()
            }
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError("is JSON, but not the JSON of `coverage json`") from None


def _cobertura(path: Path) -> LineHits:
    files: dict[str, dict[int, bool]] = {}
    folders: list[str] = []
    lines: dict[int, bool] = {}
    text, inside = "", False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal lines, text, inside
        # Clover's root has the same name, but different counts.
        if name == "coverage" and "clover" in attributes:
            raise ValueError(f"is a Clover report, not {COBERTURA}")
        if name == "class":
            lines = files.setdefault(attributes.get("filename", ""), {})
        elif name == "line":
            number, hits = attributes.get("number", ""), attributes.get("hits", "")
            if not number.isdigit() or not hits.lstrip("-").isdigit():
                raise ValueError("is malformed: a <line> has no number or no hits")
            lines[int(number)] = lines.get(int(number), False) or int(hits) > 0
        elif name == "source":
            text, inside = "", True

    def end(name: str) -> None:
        nonlocal inside
        if name == "source":
            inside = False
            if text.strip():
                folders.append(text.strip())

    def add(piece: str) -> None:
        nonlocal text
        if inside:
            text += piece

    read_xml(path, "coverage", COBERTURA, start, end, add)
    return LineHits(files, tuple(folders))


def _lcov(text: Iterable[str]) -> LineHits:
    files: dict[str, dict[int, bool]] = {}
    lines: dict[int, bool] | None = None
    for place, raw in enumerate(text, 1):
        kind, _, rest = raw.strip().partition(":")
        if kind == "SF":
            lines = files.setdefault(rest, {})
        elif kind == "end_of_record":
            lines = None
        elif kind == "DA":
            number, _, hits = rest.partition(",")
            count = hits.partition(",")[0]
            if lines is None or not number.isdigit() or not count.lstrip("-").isdigit():
                raise ValueError(f"is malformed LCOV: line {place}")
            lines[int(number)] = lines.get(int(number), False) or int(count) > 0
    if lines is not None:
        raise ValueError("is cut off: its last record has no end")
    return LineHits(files)
