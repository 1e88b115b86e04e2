"""Imports every module of the packages named: `python -m gates.noxtools.modules PACKAGE... [without NAME...]`.

`without` names packages that may be missing; a module that needs one of them is then not imported, and that is printed.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator


def failures(packages: Iterable[str], optional: Iterable[str] = ()) -> tuple[str, ...]:
    """One line for each module that cannot be imported; `__main__` modules are programs and are skipped.

    Args:
        packages: names.
        optional: packages that may be missing.
    """
    may_miss = frozenset(optional)
    return tuple(line for package in packages for name in _names(package) if (line := _attempt(name, may_miss)))


def _names(package: str) -> Iterator[str]:
    yield package
    if package not in sys.modules:
        return
    # _attempt reports a subpackage that cannot be imported; the walk only has to go on.
    path = sys.modules[package].__path__
    for found in pkgutil.walk_packages(path, package + ".", onerror=lambda _: None):
        if not found.name.endswith(".__main__"):
            yield found.name


def _attempt(name: str, may_miss: frozenset[str]) -> str:
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - anything that a module raises is the finding
        if isinstance(error, ModuleNotFoundError) and error.name in may_miss:
            sys.stderr.write(f"{name}: not imported, because {error.name} is not installed\n")
            return ""
        return f"{name}: {type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    words = sys.argv[1:]
    end = words.index("without") if "without" in words else len(words)
    lines = failures(words[:end], words[end + 1 :])
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(lines))
