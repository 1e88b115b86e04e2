"""Frames of tracebacks, and the one that a reader wants: the innermost in the project's own code.

Frames come from an exception object, from the text of a traceback, or from a stack dump. A failure's *place* is
`path/in/project.py:LINE` of that frame: the line that failed, not the line where the test begins. It changes when lines
move; what stays the same is a signature (see `signatures`).

Pure. Standard library only, Python 3.9 syntax, relative imports: it is loaded inside foreign test environments too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from .originals import os
from .patterns import lazy_pattern

_DEEP = 10
"""Maximum nesting of groups and causes."""

_FOREIGN = frozenset({"site-packages", "dist-packages", ".venv", ".nox", ".tox"})
"""Folders inside a project with third-party code."""


class Frame(NamedTuple):
    """The place of a call."""

    file: str
    function: str
    line: int = 0

    @property
    def place(self) -> str:
        """`file:line`; only the file if the line is unknown."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Own(NamedTuple):
    """The test's own file, which counts as part of the project wherever it is: absolute, and relative to the root."""

    file: str = ""
    name: str = ""


_STACK_FRAME = lazy_pattern(r'^\s*File "(?P<file>[^"\n]+)", line (?P<line>\d+),? in (?P<function>\S+)', re.MULTILINE)
_TEXT_FRAME = lazy_pattern(
    r'^\s*File "(?P<file>[^"\n]+)", line (?P<line>\d+),? in (?P<function>\S+)'
    r"|^(?P<short>[^\s:][^:\n]*):(?P<at>\d+): in (?P<in>\S+)"
    r"|^(?P<long>[^\s:][^:\n]*\.py):(?P<foot>\d+):(?: [A-Za-z_]\w*)?$",
    re.MULTILINE,
)
_SYNTAX = lazy_pattern(r'^E? *File "(?P<file>[^"\n]+)", line (?P<line>\d+)$', re.MULTILINE)
"""The file that Python could not parse: no frame shows it."""
_DOCTEST = lazy_pattern(
    r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+): (?:DocTestFailure|UnexpectedException)$", re.MULTILINE
)
_OTHERS = lazy_pattern(
    r"panicked at (?:'[^'\n]*', )?(?P<rust>[^\s:'][^:'\n]*\.rs):(?P<panic>\d+)|^ +(?P<go>[\w./-]+_test\.go):(?P<said>\d+): ",
    re.MULTILINE,
)
"""How Rust and Go name the line that failed."""
_NUMBERED = lazy_pattern(r":\d")
"""Besides `", line `, what each pattern needs: many texts contain neither, which is much faster to check."""
_THREAD = lazy_pattern(r"^(?P<current>Current thread|Thread) .*\(most recent call first\):?", re.MULTILINE)


def innermost(frames: Iterable[Frame], root: str, own: Own = Own()) -> Frame | None:  # noqa: B008 (frozen)
    """The last frame in the project, its file relative to the root; None if there is none.

    Args:
        frames: outermost first.
        root: of the project, absolute.
        own: the test's own file.
    """
    for frame in reversed(list(frames)):
        name = own.name if frame.file == own.file and frame.file else in_project(frame.file, root)
        if name:
            return frame._replace(file=name)
    return None


def in_project(file: str, root: str) -> str:
    """The path from the root, with `/`; empty for a file outside the project."""
    if not file or file.startswith("<"):
        return ""
    if Path(file).is_absolute():
        start = root.rstrip(os.sep) + os.sep
        if not root or not file.startswith(start):
            return ""
        file = file[len(start) :]
    parts = os.path.normpath(file).replace(os.sep, "/").split("/")
    return "" if parts[0] == ".." or not _FOREIGN.isdisjoint(parts) else "/".join(parts)


def leaf_of(error: BaseException) -> tuple[BaseException, list[BaseException]]:
    """The first leaf of a group, and the groups that contain it, the outermost first: a group does not show the cause."""
    groups: list[BaseException] = []
    for _ in range(_DEEP):
        members = getattr(error, "exceptions", None)
        if not isinstance(members, tuple) or not members or not isinstance(members[0], BaseException):
            break
        groups.append(error)
        error = members[0]
    return error, groups


def frames_of_exception(error: BaseException) -> list[Frame]:
    """Its frames, outermost first, without helpers that hide themselves."""
    frames = []
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if "__tracebackhide__" not in code.co_varnames:
            frames.append(Frame(code.co_filename, code.co_name, step.tb_lineno))
        step = step.tb_next
    return frames


def frames_of_text(text: str) -> list[Frame]:
    """The frames that a traceback shows, as pytest or Python prints it."""
    return [
        Frame(
            match["file"] or match["short"] or match["long"],
            match["function"] or match["in"] or "",
            int(match["line"] or match["at"] or match["foot"]),
        )
        for match in _TEXT_FRAME.finditer(text)
    ]


def frames_of_dump(dump: str) -> list[Frame]:
    """The frames of the main thread: the one marked as current, else the last one of the dump."""
    threads = list(_THREAD.finditer(dump))
    if not threads:
        return []
    chosen = next((match for match in threads if match["current"] == "Current thread"), threads[-1])
    following = [match.start() for match in threads if match.start() > chosen.start()]
    stack = dump[chosen.end() : following[0] if following else len(dump)]
    found = [Frame(match["file"], match["function"], int(match["line"])) for match in _STACK_FRAME.finditer(stack)]
    return found[::-1]


def place_of_exception(error: BaseException, root: str, own: Own = Own()) -> str:  # noqa: B008 (as above)
    """The place of a failure from its exception; empty if it has no frame in the project.

    The exception itself comes first, then the first leaf of a group, then the groups that contain it, then what it was raised
    from: pytest wraps what a module raises while it is imported.
    """
    for _ in range(_DEEP):
        leaf, groups = leaf_of(error)
        for one in (leaf, *reversed(groups)):
            told = _named_by(one, root, own) or innermost(frames_of_exception(one), root, own)
            if told is not None:
                return told.place
        following = error.__cause__ or error.__context__
        if following is None:
            return ""
        error = following
    return ""


def place_of_text(text: str, root: str) -> str:
    """The place from text only: a traceback, a file that cannot be parsed, an example of a doctest."""
    if '", line ' not in text and not _NUMBERED.search(text):
        return ""
    told = [Frame(match["file"], "", int(match["line"])) for one in (_SYNTAX, _DOCTEST) for match in one.finditer(text)]
    other = [Frame(one["rust"] or one["go"], "", int(one["panic"] or one["said"])) for one in _OTHERS.finditer(text)]
    found = innermost(told, root) or innermost(frames_of_text(text), root) or innermost(other[:1], root)
    return found.place if found is not None else ""


def place_of_dump(dump: str, root: str) -> str:
    """The place of the main thread."""
    found = innermost(frames_of_dump(dump), root)
    return found.place if found is not None else ""


def _named_by(error: BaseException, root: str, own: Own) -> Frame | None:
    """The place that an exception itself names: there is no frame in a file that Python cannot parse, or in a doctest."""
    return innermost(_own_words(error), root, own)


def _own_words(error: BaseException) -> Iterator[Frame]:
    if isinstance(error, SyntaxError) and error.filename:
        yield Frame(str(error.filename), "", error.lineno or 0)
    failures = getattr(error, "failures", None)  # pytest's exception for several examples
    one = failures[0] if isinstance(failures, (list, tuple)) and failures else error
    test, example = getattr(one, "test", None), getattr(one, "example", None)
    file, start, offset = (
        getattr(test, "filename", None),
        getattr(test, "lineno", None),
        getattr(example, "lineno", None),
    )
    if isinstance(file, str) and isinstance(start, int) and isinstance(offset, int):
        yield Frame(file, "", start + offset + 1)
