"""Which versions of Python a project claims to support: the classifiers of pyproject.toml or setup.cfg. Reads text only."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gates.portable.patterns import lazy_pattern
from gates.portable.regular import read_text

_CLASSIFIER = lazy_pattern(r"Programming Language :: Python :: (\d+)\.(\d+)")


def claimed_pythons(root: Path) -> tuple[str, ...]:
    """The minor versions (`3.12`) that the project in a folder claims, ascending.

    `requires-python` alone shows where it may be installed, not what it supports: it has no upper end.
    """
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        claims = tomllib.loads(read_text(root / "pyproject.toml"))["project"]["classifiers"]
        return _versions(map(str, claims))
    text = ""
    with suppress(OSError, ValueError):
        text = read_text(root / "setup.cfg")
    if not text:
        return ()
    import configparser

    with suppress(ValueError, configparser.Error):
        setup = configparser.ConfigParser(interpolation=None)
        setup.read_string(text)
        return _versions(setup.get("metadata", "classifiers", fallback="").splitlines())
    return ()


def _versions(classifiers: Iterable[str]) -> tuple[str, ...]:
    found = {(int(match[1]), int(match[2])) for text in classifiers if (match := _CLASSIFIER.fullmatch(text.strip()))}
    return tuple(f"{major}.{minor}" for major, minor in sorted(found))
