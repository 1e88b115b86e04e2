"""Find the files that a dotted name refers to."""

from __future__ import annotations

import posixpath
import sys
from collections import defaultdict

from gates.analysis.project import Layout, above


class Modules:
    """The modules of a project by name.

    If a name could mean several files, all of them count: which one Python takes depends on the search path of the process,
    and one file too many costs a test, one too few hides a failure.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.names: dict[str, tuple[str, ...]] = {path: layout.names_of(path) for path in sorted(layout.python)}
        self._named: dict[str, set[str]] = defaultdict(set)
        self._near: dict[str, set[str]] = defaultdict(set)
        self._under: dict[str, set[str]] = defaultdict(set)
        for path, names in self.names.items():
            for name in names:
                (self._near if self._hides(path, name) else self._named)[name].add(path)
                parent = name.rpartition(".")[0]
                while parent:
                    self._under[parent].add(path)
                    parent = parent.rpartition(".")[0]

    def _hides(self, path: str, name: str) -> bool:
        """Whether only scripts and tests next to it find this file by this name: `tests/data/json.py` as `json`."""
        if name.partition(".")[0] not in sys.stdlib_module_names:
            return False
        stem = path.removesuffix(".py").removesuffix("/__init__")
        return stem[: -len(name)].rstrip("/") not in self.layout.paths

    def exactly(self, name: str, importer: str) -> set[str]:
        """The files of the module with this name, for a file that imports it."""
        folder = posixpath.dirname(importer)
        near = {path for path in self._near.get(name, ()) if posixpath.dirname(path) == folder}
        return self._named.get(name, set()) | near

    def under(self, name: str) -> set[str]:
        """The files of all modules in the package with this name."""
        return self._under.get(name, set())

    def meant(self, name: str, importer: str) -> set[str]:
        """The files of the longest module that a name begins with: of `a.b.c`, `c` may be something in `a.b`."""
        while name:
            found = self.exactly(name, importer)
            if found:
                return found
            name = name.rpartition(".")[0]
        return set()

    def parents(self, path: str) -> set[str]:
        """The `__init__.py` of the packages around a file: importing a module runs them."""
        files = (posixpath.join(folder, "__init__.py") for folder in above(path))
        return {file for file in files if file in self.layout.python and file != path}

    def conftests(self, path: str) -> set[str]:
        """Each conftest.py that pytest loads for a test file."""
        files = (posixpath.join(folder, "conftest.py") for folder in above(path))
        return {file for file in files if file in self.layout.python}
