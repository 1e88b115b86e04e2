"""Projects to ask about: a table of files in a folder of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.analysis.imports import Imports, build_imports, project_files

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def imports_of(root: Path, files: dict[str, str]) -> Imports:
    """The import graph of a project with these files."""
    write(root, files)
    return build_imports(root, project_files(root, None))


def importers(imports: Imports, *names: str) -> set[str]:
    return set(imports.importers(lambda name: name in names).files)


def dependencies(imports: Imports, *names: str) -> set[str]:
    return set(imports.dependencies(lambda name: name in names).files)
