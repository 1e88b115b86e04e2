"""Describe a failure in one line that stays the same from run to run, from machine to machine, and when lines move.

    ExceptionType: normalised message @ path/in/project.py:function

Missing parts are omitted. The frame is the innermost one inside the project, outside installed packages; a test's
own file always counts as project. Numbers become `#`, even in a failed assertion: `assert 3 == 4` today and
`assert 5 == 4` tomorrow are the same assertion and very likely the same cause. Short quoted words stay, because they
distinguish causes (`KeyError: 'name'`). Only the first line of a message counts: what pytest adds below it depends on
`-v` and on the environment.

Pure. Standard library only, Python 3.9 syntax, relative imports: it is loaded inside foreign test environments too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .frames import Frame, Own, frames_of_dump, frames_of_exception, frames_of_text, innermost, leaf_of
from .patterns import lazy_pattern

LIMIT = 200
"""Characters of a normalised message."""

_READ = 2000
"""How many characters of a line are examined."""

_SIGNALS = {
    "Segmentation fault": "SIGSEGV",
    "Aborted": "SIGABRT",
    "Bus error": "SIGBUS",
    "Illegal instruction": "SIGILL",
    "Floating-point exception": "SIGFPE",
    "Floating point exception": "SIGFPE",
}
"""The text of Python's fault handler for a signal → the signal's name."""

_TEMPORARY = lazy_pattern(r"tmp[a-z0-9_]{6,}\Z")

_NOISE = lazy_pattern("\x1b\\[[0-9;:]*m| at 0x[0-9a-fA-F]+")
_QUOTED_PATH = lazy_pattern(r"""(?P<quote>['"])(?:/|[A-Za-z]:\\)[^'"]*[/\\](?P<name>[^'"/\\]*)(?P=quote)""")
_PATH = lazy_pattern(
    r"""(?<![\w./\\:<>-])(?:/|[A-Za-z]:\\)(?:[^\s/\\'"<>|:,;()\[\]]+[/\\]+)+(?P<name>[^\s/\\'"<>|:,;()\[\]]*)"""
)

_RULES = (
    ("-", lazy_pattern(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<uuid>"),
    (
        "-:",
        lazy_pattern(
            r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[-+]\d\d:?\d\d)?)?(?![\w-])"
            r"|\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"
        ),
        "<time>",
    ),
    ("", lazy_pattern(r"\b0x[0-9a-fA-F]+|\b(?=[a-f]*\d)(?=[0-9e]*[a-df])[0-9a-f]{8,}\b"), "<hex>"),
    # pytest shortens strings to about thirty characters, except with -vv: longer ones must not distinguish causes.
    ("'\"", lazy_pattern(r"""(?<!\w)(?P<quote>['"])(?:(?!(?P=quote)).){26,}(?P=quote)(?!\w)"""), "'…'"),
    (
        "'\"",
        lazy_pattern(r"""(?<!\w)(?P<quote>['"])(?:(?!(?P=quote)).)*\.\.\.(?:(?!(?P=quote)).)*(?P=quote)(?!\w)"""),
        "'…'",
    ),
    (
        "",
        lazy_pattern(
            r"(?:(?<![\w.)\]])[-+])?(?<!\w)\d+(?:[_,]\d+)*(?:\.\d+)*(?:[eE][-+]?\d+)?(?:(?:ns|us|µs|ms|s|m|h)\b)?"
        ),
        "#",
    ),
    (",", lazy_pattern(r"#(?:, ?#)+"), "#…"),
)
"""Patterns of text that changes from run to run, with replacements, in this order: a date is not three numbers. Each is preceded by characters
of which the text must contain one, as a quick check."""

_MODULE = lazy_pattern(r"\A(?:[A-Za-z_]\w*\.)+(?=[A-Z]\w*(?::|\Z))")
_CLASS = lazy_pattern(r"[A-Za-z_$][\w.$:]*\Z")
_BEFORE_NAME = lazy_pattern(r"\A.*[.:$]")
_WORD = lazy_pattern(r"\w")

_FATAL = lazy_pattern(r"^Fatal Python error: (?P<what>[^\n]+)", re.MULTILINE)


def signature(kind: str, message: str, frame: str = "") -> str:
    """Put the parts together; each may be empty."""
    said = ": ".join(part for part in (kind, normalise(message)) if part)
    return " @ ".join(part for part in (said, frame) if part)


def normalise(message: str) -> str:
    """The first line of a message, without the parts that change from run to run."""
    line = next((stripped for each in message.splitlines() if (stripped := each.strip())), "")
    text = " ".join(line[:_READ].split())
    if "\x1b" in text or " at 0x" in text:
        text = _NOISE.sub("", text)
    if "/" in text or "\\" in text:
        # Before the rules: a path is shortened before its quotes are measured.
        text = _QUOTED_PATH.sub(lambda match: match["quote"] + _shortened(match["name"]) + match["quote"], text)
        text = _PATH.sub(lambda match: _shortened(match["name"]), text)
    for needed, pattern, replacement in _RULES:
        if not needed or any(character in text for character in needed):
            text = pattern.sub(replacement, text)
    return text if len(text) <= LIMIT else text[: LIMIT - 1] + "…"


def _shortened(name: str) -> str:
    return "<path>/" + ("<tmp>" if _TEMPORARY.match(name) else name)


def _named(frame: Frame | None) -> str:
    """`file:function`; empty for none."""
    if frame is None:
        return ""
    return f"{frame.file}:{frame.function}" if frame.function else frame.file


def of_exception(
    error: BaseException,
    root: str,
    own: Own = Own(),  # noqa: B008 (frozen)
    hide: Callable[[str], str] = str,
) -> str:
    """The signature of an exception object with its traceback.

    Args:
        error: the exception.
        root: of the project, absolute.
        own: the test's own file.
        hide: removes secrets from the message first: replacing digits here would make them unrecognisable.
    """
    leaf, groups = leaf_of(error)
    kinds = [type(one).__name__ for one in (*groups, leaf)]
    try:
        message = hide(str(leaf))
    except Exception:  # noqa: BLE001 (a test's own exception may do anything)
        message = ""
    return signature(": ".join(kinds), message, _named(innermost(frames_of_exception(leaf), root, own)))


def of_text(message: str, text: str, root: str) -> str:
    """The signature from text only: a message that may begin with its type, and a traceback."""
    return signature("", typed(message), _named(innermost(frames_of_text(text), root)))


def typed(message: str, kind: str = "") -> str:
    """A message that begins with the bare name of its exception's class, if that is known.

    pytest omits the name before `assert`; other runners write it separately.
    """
    name = _BEFORE_NAME.sub("", kind) if kind and _CLASS.match(kind) else ""
    message = _MODULE.sub("", message.strip())
    if message.startswith("assert ") and not name:
        name = "AssertionError"
    # Not followed by a letter: a message about an `ErrorCode` does not name `Error`.
    named = message.startswith(name) and not _WORD.match(message, len(name))
    return message if not name or named else f"{name}: {message}".rstrip(": ")


def of_timeout(dump: str, root: str) -> str:
    """The signature of a test that timed out, from the stacks of all threads."""
    return signature("timeout", "", _named(innermost(frames_of_dump(dump), root)))


def of_crash(dump: str, root: str) -> str:
    """The signature of a test whose process died: the signal and the place, as far as a stack dump shows them."""
    fatal = _FATAL.search(dump)
    if fatal is None:
        return "crashed"
    return signature(f"crashed: {_cause(fatal['what'].strip())}", "", _named(innermost(frames_of_dump(dump), root)))


def _cause(words: str) -> str:
    name = _SIGNALS.get(words, "")
    if not name:
        return normalise(words)
    from .originals import signal

    number = getattr(signal, name, None)
    return name if number is None else f"signal {int(number)} ({name})"
