"""Imports every module of the packages named: `python -m gates.noxtools.modules PACKAGE...`."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator


def failures(packages: Iterable[str]) -> tuple[str, ...]:
    """One line for each module that cannot be imported; `__main__` modules are programs and are skipped."""
    return tuple(line for package in packages for name in _names(package) if (line := _attempt(name)))


def _names(package: str) -> Iterator[str]:
    yield package
    if package not in sys.modules:
        return
    # _attempt reports a subpackage that cannot be imported; the walk only has to go on.
    path = sys.modules[package].__path__
    for found in pkgutil.walk_packages(path, package + ".", onerror=lambda _: None):
        if not found.name.endswith(".__main__"):
            yield found.name


def _attempt(name: str) -> str:
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - whatever a module raises is the finding
        return f"{name}: {type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    lines = failures(sys.argv[1:])
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(lines))
