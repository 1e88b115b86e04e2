"""What runs before and after a test without being named: set-up and tear-down of its class and of its file."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gates.analysis.checks.found import Found
from gates.analysis.checks.reading import Function, Module, Side
from gates.analysis.checks.scope import Scope
from gates.analysis.checks.walk import Walker

_SET_UP = ("setUpClass", "setup_class", "setUp", "asyncSetUp", "setup_method", "setup")
_TEAR_DOWN = ("tearDown", "asyncTearDown", "teardown_method", "teardown", "tearDownClass", "teardown_class")
_OF_FILES = (("setUpModule", "setup_module"), ("tearDownModule", "teardown_module"))
_OF_FUNCTIONS = ("setup_function", "teardown_function")

OF_FILES = (*_OF_FILES[0], *_OF_FILES[1], *_OF_FUNCTIONS)
"""Names of the functions of a file that apply to its tests."""


def read_before(walker: Walker, side: Side, module: Module, test: Found, scope: Scope) -> None:
    """Read what runs before a test: its names have values then."""
    _of_file(walker, module, test, after=False)
    for owner in reversed(test.family):
        for node in owner.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    scope.bind(f"self.{name}", value)
                case _:
                    pass
        _methods(walker, side, owner, _SET_UP, scope)


def read_after(walker: Walker, side: Side, module: Module, test: Found, scope: Scope) -> None:
    """Read what runs after a test; its checks are checks of the test."""
    scope.guards, scope.flaw = (), ""
    for owner in test.family:
        _methods(walker, side, owner, _TEAR_DOWN, scope)
    _of_file(walker, module, test, after=True)


def _methods(walker: Walker, side: Side, owner: ast.ClassDef, names: tuple[str, ...], scope: Scope) -> None:
    here = scope.module
    scope.module = side.home(owner, here)
    for node in _called(owner, names):
        walker.body(node.body, scope)
        scope.guards, scope.flaw = (), ""
    scope.module = here


def _called(owner: ast.ClassDef, names: tuple[str, ...]) -> Iterator[Function]:
    for name in names:
        for node in owner.body:
            if isinstance(node, Function) and node.name == name:
                yield node


def _of_file(walker: Walker, module: Module, test: Found, *, after: bool) -> None:
    names = [*_OF_FILES[after], *(() if test.family else _OF_FUNCTIONS[after : after + 1])]
    for name in names:
        if name in module.functions:
            walker.body(module.functions[name].body, Scope(module))
