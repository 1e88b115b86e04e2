"""The import graph of a project: which test files depend on a module, and on which ones a module depends.

It is a graph of files, and it errs on the safe side: an edge too many runs a test, an edge too few hides a failure.
What it cannot see: a test that reads a file of the project by a computed path, and what a process runs that is
started from production code.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gates.analysis.modules import Modules
from gates.analysis.packages import package_imports
from gates.analysis.processes import StarterSearch, starts_python
from gates.analysis.project import Layout, project_files
from gates.analysis.reach import Reach
from gates.analysis.reading import NOTEWORTHY, Reading, parse, read_imports
from gates.portable.filters.nearest import nearest
from gates.portable.values import plural

__all__ = ["Imports", "build_imports", "project_files"]


@dataclass(frozen=True)
class Imports:
    """The import graph.

    Attributes:
        layout: where the project keeps its files.
        modules: its modules by name.
        edges: the files that each file needs. A test file needs the conftest.py of its folder and of those above, and
            each file the `__init__.py` of the packages around it.
        guessing: files that import computed names, start Python, or cannot be read: they may need
            everything.
        starting: test-side files that start processes, which may run everything.
    """

    layout: Layout
    modules: Modules
    edges: Mapping[str, AbstractSet[str]]
    guessing: frozenset[str]
    starting: frozenset[str]

    @cached_property
    def wide(self) -> frozenset[str]:
        """The files that may need every other."""
        return self.guessing | self.starting

    @cached_property
    def needed_by(self) -> Mapping[str, AbstractSet[str]]:
        """The files that need each file: `edges` the other way."""
        found: dict[str, set[str]] = defaultdict(set)
        for path, needed in self.edges.items():
            for file in needed:
                found[file].add(path)
        return found

    def importers(self, match: Callable[[str], bool], wanted: str = "") -> Reach:
        """The test files that importa module whose dotted name matches, through any path; including those modules.

        Args:
            match: whether a dotted name matches.
            wanted: how the user wrote it, to suggest the nearest module if nothing matches.
        """
        found = self._matching(match)
        return self.reach(found) if found else self._missing(wanted)

    def dependencies(self, match: Callable[[str], bool], wanted: str = "") -> Reach:
        """The test files among the modules that matching ones import through any path, including those modules.

        Args:
            match: whether a dotted name matches.
            wanted: how the user wrote it, to suggest the nearest module if nothing matches.
        """
        found = self._matching(match)
        if not found:
            return self._missing(wanted)
        needed = _closure(found, self.edges)
        # A test file that needs a starting one other than through the conftest.py above it is a starting one itself.
        production = {path for path in found if not self.layout.test_side(path)}
        wide = sorted(needed & self.guessing | (found | _closure(production, self.edges)) & self.starting)
        if wide:
            why = (
                "import or run something that its source does not name"
                if wide[0] in self.guessing
                else "start processes"
            )
            return Reach(self.layout.tests, everything=f"{wide[0]} may {why}, and so depend on everything")
        return Reach(needed & self.layout.tests)

    def reach(self, files: Iterable[str]) -> Reach:
        """The test files that need any of these files, including themselves and all files that may need everything."""
        return Reach(self.needing(files) & self.layout.tests, notes=self.notes())

    def needing(self, files: Iterable[str]) -> frozenset[str]:
        """All files that need any of these files, including themselves and all files that may need everything."""
        # `starting` already follows imports, in its own way: see `processes`.
        return _closure(self.guessing.union(files), self.needed_by) | self.starting

    def notes(self) -> tuple[str, ...]:
        """How many test files every query selects, and why, a sentence each."""
        by_import = _closure(self.guessing, self.needed_by) & self.layout.tests
        guessing = [file for file in sorted(self.guessing) if by_import & _closure({file}, self.needed_by)]
        by_process = sorted(self.starting & self.layout.tests)
        return tuple(
            f"{plural(len(tests), 'test file')} may {what}, and so may depend on everything; an example is {example[0]}"
            for tests, what, example in (
                (by_import, "import something that the source does not name", guessing),
                (by_process, "start processes that run anything", by_process),
            )
            if tests
        )

    def _matching(self, match: Callable[[str], bool]) -> set[str]:
        return {path for path, names in self.modules.names.items() if any(map(match, names))}

    def _missing(self, wanted: str) -> Reach:
        near = nearest(wanted, (names[0] for names in self.modules.names.values() if names)) if wanted else ""
        name = f" {wanted!r}" if wanted else ""
        return Reach(missing=f"the project has no module{name}" + (f"; the nearest is {near}" if near else ""))


def _closure(start: AbstractSet[str], edges: Mapping[str, AbstractSet[str]]) -> frozenset[str]:
    found, waiting = set(start), list(start)
    while waiting:
        fresh = edges.get(waiting.pop(), frozenset()) - found
        found |= fresh
        waiting.extend(fresh)
    return frozenset(found)


def build_imports(root: Path, files: Sequence[str]) -> Imports:
    """Read the import graph of a project without running any of it.

    Args:
        root: the project's folder.
        files: its files, see `project_files`.
    """
    layout = Layout.of(root, files)
    modules = Modules(layout)
    texts = {path: layout.text(path) for path in sorted(layout.python)}
    edges = _edges_in_packages(modules)
    readings = _readings(texts, covered=edges.keys())
    for path in texts:
        edges.setdefault(path, set()).update(modules.parents(path))
        if path in readings:
            edges[path] |= _meant(modules, readings[path], path)
    side = {path: text for path, text in texts.items() if layout.test_side(path)}
    starting = StarterSearch(modules, side, edges, readings).found()
    for path in layout.tests:
        edges[path] |= modules.conftests(path)
    starting_python = (path for path in texts.keys() - side.keys() if starts_python(texts[path]))
    return Imports(
        layout=layout,
        modules=modules,
        edges=edges,
        guessing=frozenset(path for path, reading in readings.items() if reading.anything).union(starting_python),
        starting=starting,
    )


def _readings(texts: Mapping[str, bytes], covered: AbstractSet[str]) -> dict[str, Reading]:
    """Read the files whose imports grimp did not find, or not all of them."""
    return {
        path: read_imports(parse(text), path)
        for path, text in texts.items()
        if path not in covered or NOTEWORTHY.search(text) or posixpath.basename(path) == "conftest.py"
    }


def _meant(modules: Modules, reading: Reading, path: str) -> set[str]:
    """The files that a reading's names stand for."""
    found: set[str] = set()
    for name in reading.names:
        found |= modules.meant(name, path)
    for name in reading.below:
        found |= modules.meant(name, path) | modules.under(name)
    return found - {path}


def _edges_in_packages(modules: Modules) -> dict[str, set[str]]:
    """What the modules of packages on the search path import, by files; empty when grimp cannot tell."""
    layout = modules.layout
    packages: dict[str, str] = {}
    for path in layout.paths:
        for folder in sorted(layout.packages - {""}):
            if posixpath.dirname(folder) == path:
                packages.setdefault(posixpath.basename(folder), folder)
    answer = package_imports(layout.root, packages)
    files = {module: _files_of(layout, packages, module) for module in answer}
    edges: dict[str, set[str]] = {}
    for module, imported in answer.items():
        for path in files[module]:
            needed = edges.setdefault(path, set())
            for name in imported:
                # A name from outside is cut to its first part: it may mean anything below that.
                needed |= files.get(name) or modules.exactly(name, path) | modules.under(name)
            needed.discard(path)
    return edges


def _files_of(layout: Layout, packages: Mapping[str, str], module: str) -> set[str]:
    """The files of a module in one of the packages, including generated ones that git ignores."""
    top, _, rest = module.partition(".")
    stem = posixpath.join(packages[top], *rest.split(".")) if rest else packages[top]
    places = (f"{stem}.py", f"{stem}/__init__.py")
    return {path for path in places if path in layout.python} or {
        path for path in places if (layout.root / path).is_file()
    }
