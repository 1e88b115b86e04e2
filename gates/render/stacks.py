"""Shorten the stack dump of a test that hung or crashed: where it is, and the project's own frames; the rest is counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from gates.portable.patterns import lazy_pattern
from gates.portable.values import plural

LEAD_IN_HEAD = "most recent call first"
"""A dump of `faulthandler` has these words; its useful part is at the top."""

_FRAME = lazy_pattern(r'^ *File "(?P<path>[^"]+)", line (?P<line>\d+) in (?P<function>.+)$')
_LIBRARY = lazy_pattern(
    r"(?:site|dist)-packages/(?P<package>\w+)|lib(?:64)?/python\d[\d.]*/(?!(?:site|dist)-packages)(?P<module>\w+)|<frozen (?P<frozen>\w+)"
)


def folded(lines: Iterable[str], file: str = "") -> Iterator[str]:
    """The lines of a dump, without frames of libraries below the first frame of each thread.

    Args:
        lines: of the dump.
        file: of the test, relative to the project: its frames show where the project is, and paths become relative to it.
    """
    lines = list(lines)
    root = next((found for line in lines if (found := _root(line, file))), "")
    top = True
    for foreign, group in groupby(lines, _is_foreign):
        members = list(group)
        if foreign and top:
            yield _short(members.pop(0), root)
        if foreign and members:
            packages = ", ".join(dict.fromkeys(name for line in members if (name := _library(line))))
            yield f"  … {plural(len(members), 'frame')} of {packages} …"
        elif not foreign:
            yield from (_short(line, root) for line in members)
        top = not foreign and not _FRAME.match(members[-1])


def _root(line: str, file: str) -> str:
    frame = _FRAME.match(line)
    return frame["path"][: -len(file)] if frame and file and frame["path"].endswith(f"/{file}") else ""


def _is_foreign(line: str) -> bool:
    frame = _FRAME.match(line)
    return frame is not None and _LIBRARY.search(frame["path"]) is not None


def _library(line: str) -> str:
    found = _LIBRARY.search(line)
    return (found["package"] or found["module"] or found["frozen"]).removeprefix("_") if found else ""


def _short(line: str, root: str) -> str:
    return line.replace(f'"{root}', '"', 1) if root else line
