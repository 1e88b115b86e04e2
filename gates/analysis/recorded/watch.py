"""Choose the tests of two versions of a project whose code differs, and the files whose assertions are recorded for them.

A test's code is its function, and what it uses of the test tree by name: helpers, fixtures, cases, classes, data files.
Names are followed as words, without deciding which of several definitions is meant: a test too many costs a little time.
"""

from __future__ import annotations

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from gates.analysis.recorded.definitions import Definitions
from gates.analysis.recorded.sites import Function, Site, functions_in, is_wide, sites_in
from gates.vcs.git import kind_of_file

Name = tuple[str, str]
"""A file, and the name of a definition in it."""


def is_test_code(path: str) -> bool:
    """Whether a file belongs to the tests: it holds some, or helps them."""
    return path.endswith(".py") and kind_of_file(path) == "test"


@dataclass(frozen=True)
class WatchedFile:
    """A file whose assertions are recorded.

    Attributes:
        digest: of its bytes.
        sites: its assertions; of test functions, only of those that are chosen.
        tests: the chosen tests in it, `Class::name`.
        lines: where these functions begin, with their decorators.
        codes: function → its code, without its layout.
    """

    digest: str
    sites: tuple[Site, ...]
    tests: tuple[str, ...]
    lines: tuple[int, ...]
    codes: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """What the test process needs."""
        return {
            "digest": self.digest,
            "places": [[site.line, site.column] for site in self.sites],
            "shared": [at for at, site in enumerate(self.sites) if site.kind == "wide"],
            "tests": list(self.tests),
            "lines": list(self.lines),
        }


@dataclass(frozen=True)
class Watch:
    """What is recorded on one side: path → file, from the project's folder."""

    files: Mapping[str, WatchedFile] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(file.tests for file in self.files.values())

    def to_json(self) -> dict[str, Any]:
        """What the test processes need."""
        return {path: file.to_json() for path, file in self.files.items()}

    @cached_property
    def tests(self) -> frozenset[str]:
        """Ids of the chosen tests."""
        return frozenset(f"{path}::{test}" for path, file in self.files.items() for test in file.tests)


def choose(
    base: Mapping[str, bytes],
    head: Mapping[str, bytes],
    differing: Iterable[str],
    *,
    run: Mapping[str, bytes] | None = None,
    without: AbstractSet[Name] = frozenset(),
) -> tuple[Watch, Watch]:
    """What to record on both sides.

    Args:
        base: path → text of the test code that the head began with.
        head: the same of the head.
        differing: paths of all files that differ between the two, from the same folder.
        run: test code of the base that is run, if that is another.
        without: tests that are not recorded.
    """
    definitions = Definitions(base), Definitions(head)
    chosen = _changed(*definitions, differing) - without
    return _watch(definitions[0] if run is None else Definitions(run), chosen), _watch(definitions[1], chosen)


def changed_tests(base: Mapping[str, bytes], head: Mapping[str, bytes], differing: Iterable[str]) -> set[Name]:
    """The tests whose code differs, and the definitions through which; arguments as in `choose`."""
    return _changed(Definitions(base), Definitions(head), differing)


def _changed(base: Definitions, head: Definitions, differing: Iterable[str]) -> set[Name]:
    """The definitions that differ, that one side lacks, or that use one of these."""
    found: set[Name] = set()
    waiting: list[Name] = []
    for path in differing:
        if is_test_code(path):
            before, after = base.of(path), head.of(path)
            waiting += [(path, name) for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        elif not path.endswith(".py"):
            waiting += [*base.mentioning(path), *head.mentioning(path)]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [*base.using(*one), *head.using(*one)]
    return found


def _watch(side: Definitions, changed: AbstractSet[Name]) -> Watch:
    chosen: dict[str, list[str]] = defaultdict(list)
    for path, name in sorted(changed):
        if name in side.tests(path):
            chosen[path].append(name)
    files = {file for path in chosen for file in _around(side, path)}
    return Watch({path: made for path in sorted(files) if (made := _watched(side, path, chosen.get(path, ())))})


def _around(side: Definitions, path: str) -> set[str]:
    """A test file, the conftest files above it, and the test code that they import."""
    found, waiting = set(), [path, *side.conftests(path)]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += side.imported(one)
    return found


def _watched(side: Definitions, path: str, tests: Iterable[str]) -> WatchedFile | None:
    tree = side.tree(path)
    if tree is None:
        return None
    wanted, functions = frozenset(tests), dict(functions_in(tree))
    sites = sites_in(tree, path, wanted)
    lines = [_first_line(functions[name]) for name in wanted if name in functions]
    digest = hashlib.sha256(side.texts[path]).hexdigest()
    owners = {site.owner for site in sites} | wanted
    return WatchedFile(
        digest=digest,
        sites=tuple(_with_wide(sites, functions)),
        tests=tuple(sorted(wanted)),
        lines=tuple(sorted(lines)),
        codes={name: ast.dump(node) for name, node in functions.items() if name in owners},
    )


def _with_wide(sites: Iterable[Site], functions: Mapping[str, Function]) -> Iterator[Site]:
    """The assertions of helpers that a wide fixture of the file calls are as wide."""
    wide = {name for name, node in functions.items() if is_wide(name.rpartition("::")[2], node)}
    used = {part.id for name in wide for part in ast.walk(functions[name]) if isinstance(part, ast.Name)}
    for site in sites:
        yield replace(site, kind="wide") if site.kind == "helper" and site.owner in used else site


def _first_line(node: Function) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])
