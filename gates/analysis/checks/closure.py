"""Everything that a test may use, as a digest: a test whose own is the same on both sides checks the same."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from gates.analysis.checks.around import OF_FILES
from gates.analysis.checks.reading import Function, Module, Side, digest_of

Place = tuple[str, str]
"""The path of a module, and a name that it defines."""


class Closures:
    """Digests of tests of one side; each definition is looked at once."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._known: dict[Place, tuple[str, frozenset[str]]] = {}
        self._places: dict[Place, tuple[Place, ...]] = {}
        self._always: dict[str, tuple[str, ...]] = {}

    def of(self, module: Module, nodes: Iterable[ast.AST]) -> str:
        """The digest of some code of a module, with all that it names there, in helpers and in fixtures."""
        parts = set()
        names: set[str] = {*self._around(module)}
        for node in nodes:
            digest, words = digest_of(node)
            parts.add(digest)
            names |= words
        parts |= {digest_of(one)[0] for one in _replacing(module)}
        waiting = [place for name in names for place in self._defined(module, name)]
        seen: set[Place] = set()
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            digest, words = self._definition(place)
            parts.add(digest)
            there = self._side.module(place[0])
            if there is not None:
                waiting += [one for name in words for one in self._defined(there, name)]
        return "".join(sorted(parts))

    def _around(self, module: Module) -> tuple[str, ...]:
        """What applies to every test of a module without being named."""
        if module.path not in self._always:
            found = ["pytestmark", *OF_FILES]
            for one in (module, *self._side.conftests(module.path)):
                found += [name for name, node in one.functions.items() if is_autouse(node) and _checks(node)]
            self._always[module.path] = tuple(found)
        return self._always[module.path]

    def _defined(self, module: Module, name: str) -> tuple[Place, ...]:
        """Where a name of a module is defined in test code."""
        key = module.path, name
        if key not in self._places:
            self._places[key] = tuple(self._look_for(module, name))
        return self._places[key]

    def _look_for(self, module: Module, name: str) -> Iterator[Place]:
        for one in (module, *self._side.conftests(module.path)):
            if name in one.functions or name in one.classes or name in one.constants:
                yield one.path, name
                return
            if name in one.imports:
                found = self._side.found(one.imports[name])
                if found is not None:
                    yield found[0].path, found[1]
                else:
                    yield one.path, name
                return

    def _definition(self, place: Place) -> tuple[str, frozenset[str]]:
        if place not in self._known:
            path, name = place
            module = self._side.module(path)
            node = module and (module.functions.get(name) or module.classes.get(name) or module.constants.get(name))
            if node:
                self._known[place] = digest_of(node)
            elif module is not None and name in module.imports:
                self._known[place] = f"{name}={module.imports[name]}", frozenset()
            else:
                # A module of helpers that is named as a whole: all of it may be used.
                self._known[place] = (digest_of(module.tree)[0] if module and module.tree else "", frozenset())
        return self._known[place]


def _replacing(module: Module) -> Iterator[ast.stmt]:
    """Statements that replace something for all tests of a file, when it is imported."""
    for statement in module.tree.body if module.tree is not None else ():
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute):
            yield statement


def is_autouse(node: Function) -> bool:
    """Whether a fixture runs for every test without being named."""
    return any(
        isinstance(one, ast.Call) and any(word.arg == "autouse" for word in one.keywords) for one in node.decorator_list
    )


def _checks(node: Function) -> bool:
    return any(isinstance(one, ast.Assert) for one in ast.walk(node))
