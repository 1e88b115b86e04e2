"""Read a noxfile as a syntax tree: its sessions, and the commands that each of them runs. Runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gates.analysis.strictness.command import Command, commands_of
from gates.analysis.strictness.words import Scope, functions_in, names_at_top, text_at

TAG = "gate"
_RUNS = frozenset({"run", "run_always", "run_install"})
_SWALLOWS = frozenset({"suppress"})
_CATCHES = frozenset({"Exception", "BaseException", "CommandFailed", "RuntimeError"})
DEPTH = 6
"""How deep helpers of a noxfile are followed."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_of(node: Function | None) -> str:
    """The code of a function without its name and its layout; empty for none."""
    return ast.dump(ast.Module(body=_without_docstring(node.body), type_ignores=[])) if node is not None else ""


@dataclass(frozen=True)
class Session:
    """A session of a noxfile.

    Attributes:
        name: as nox calls it, without its interpreter or parameters.
        line: of its function.
        tags: its tags; None if they cannot be read.
        pythons: interpreters that it is run on; empty for one that is not named.
        commands: what it runs, in order.
        skips: how many calls in it end it as skipped.
        node: its function, for finding it again under another name.
    """

    name: str
    line: int
    tags: frozenset[str] | None
    pythons: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    skips: int = 0
    node: Function | None = None


@dataclass(frozen=True)
class Noxfile:
    """What a noxfile says.

    Attributes:
        sessions: name → session.
        options: settings of `nox.options` that are constants.
    """

    sessions: Mapping[str, Session] = field(default_factory=dict)
    options: Mapping[str, tuple[Any, int]] = field(default_factory=dict)


def read_noxfile(tree: ast.Module, adopted: Mapping[str, str], worded: Collection[str] = ()) -> Noxfile:
    """The sessions that functions with a decorator declare; others are not seen.

    Args:
        tree: of the file.
        adopted: names of sessions that are gates without a tag → names of the gates; of others without it, no commands are read.
        worded: gates that give their session words (`args` of the config).
    """
    scope = names_at_top(tree)
    found = {}
    for node in functions_in(tree.body):
        for decorator in node.decorator_list:
            keywords = _declared(decorator)
            if keywords is not None:
                session = _session(node, keywords, scope, adopted, worded)
                found[session.name] = session
    return Noxfile(found, dict(_options(tree)))


def _declared(decorator: ast.expr) -> dict[str, ast.expr] | None:
    """The keywords of `@nox.session(...)`; None for another decorator."""
    call = decorator if isinstance(decorator, ast.Call) else None
    function = call.func if call else decorator
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name != "session":
        return None
    return {word.arg: word.value for word in call.keywords if word.arg} if call else {}


def _session(
    node: Function, keywords: Mapping[str, ast.expr], scope: Scope, adopted: Mapping[str, str], worded: Collection[str]
) -> Session:
    names = scope.words(keywords["name"]) if "name" in keywords else []
    tags = None
    if "tags" not in keywords:
        tags = frozenset[str]()
    elif scope.is_list(keywords["tags"]):
        tags = frozenset(scope.spread(keywords["tags"]))
    name = names[0] if names else node.name
    if tags is not None and TAG not in tags and name not in adopted:
        return Session(name, node.lineno, tags)
    pythons = scope.spread(keywords["python"]) if "python" in keywords else []
    has_words = adopted.get(name, name) in worded
    runner = _Runner(node.args.args[0].arg if node.args.args else "session", scope, has_words=has_words)
    commands = tuple(runner.block(node.body, scope.inside()))
    return Session(name, node.lineno, tags, tuple(pythons), commands, runner.skips, node)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return body[1:] if told else body


def _options(tree: ast.Module) -> Iterator[tuple[str, tuple[Any, int]]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Attribute(attr="options"), attr=name)], value=ast.Constant(value=value)):  # fmt: skip
                yield name, (value, node.lineno)
            case _:
                pass


class _Runner:
    """Follows the statements of a session, and of the helpers that it calls."""

    def __init__(self, session: str, scope: Scope, *, has_words: bool) -> None:
        self.skips = 0
        self._session, self._top, self._has_words = session, scope, has_words
        self._variables: dict[str, str | None] = {}
        self._inside: list[str] = []

    def block(self, body: Sequence[ast.stmt], scope: Scope, *, ignored: bool = False) -> Iterator[Command]:
        """The commands of some statements, up to the first that ends them."""
        for node in body:
            yield from self._statement(node, scope, ignored=ignored)
            if isinstance(node, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
                return

    def _statement(self, node: ast.stmt, scope: Scope, *, ignored: bool) -> Iterator[Command]:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                scope.define(node)
            case ast.If(test=test, body=body, orelse=orelse):
                yield from self._calls(test, scope, ignored=ignored)
                known = _known(test, has_words=self._has_words)
                first = list(self.block(body, scope, ignored=ignored)) if known is None or known else []
                second = list(self.block(orelse, scope, ignored=ignored)) if not known else []
                yield from first + second if known is not None else _on_condition(test, first, second)
            case ast.For(target=target, iter=what, body=body, orelse=orelse):
                yield from self._calls(what, scope, ignored=ignored)
                for value in scope.elements(what) or (None,):
                    scope.assign(target, value)
                    yield from self.block(body, scope, ignored=ignored)
                yield from self.block(orelse, scope, ignored=ignored)
            case ast.While(body=body):
                yield from self.block(body, scope, ignored=ignored)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    yield from self._calls(item.context_expr, scope, ignored=ignored)
                swallows = any(_name(item.context_expr) in _SWALLOWS for item in items)
                yield from self.block(body, scope, ignored=ignored or swallows)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                yield from self.block(body, scope, ignored=ignored or any(map(self._swallows, handlers)))
                for handler in handlers:
                    yield from self.block(handler.body, scope, ignored=ignored)
                yield from self.block([*orelse, *final], scope, ignored=ignored)
            case _:
                yield from self._calls(node, scope, ignored=ignored)
                self._remember(node, scope)

    def _swallows(self, handler: ast.ExceptHandler) -> bool:
        """Whether a handler lets the session go on after a command failed."""
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if not any(kind is None or _name(kind) in _CATCHES for kind in kinds):
            return False
        inside = [part for node in handler.body for part in ast.walk(node)]
        ends = any(isinstance(part, ast.Call) and _name(part) in ("error", "exit", "fail") for part in inside)
        return not ends and not any(isinstance(part, ast.Raise) for part in inside)

    def _remember(self, node: ast.stmt, scope: Scope) -> None:
        match node:
            case ast.Assign(targets=[ast.Subscript(value=ast.Attribute(attr="env"), slice=ast.Constant(value=str(name)))], value=value):  # fmt: skip
                self._variables[name] = text_at(scope, value)
            case _:
                scope.remember(node)

    def _calls(self, node: ast.AST, scope: Scope, *, ignored: bool) -> Iterator[Command]:
        for part in ast.walk(node):
            if isinstance(part, ast.Call):
                yield from self._call(part, scope, ignored=ignored)

    def _call(self, call: ast.Call, scope: Scope, *, ignored: bool) -> Iterator[Command]:
        match call.func:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if scope.original(owner) in (
                self._session,
                "session",
            ):
                if name == "skip":
                    self.skips += 1
                elif name in _RUNS and call.args:
                    yield from self._run(call, scope, ignored=ignored)
            case ast.Name(id=name) if name not in self._inside and len(self._inside) < DEPTH:
                helper = scope.function(name)
                if helper is not None and self._takes_session(call, scope):
                    self._inside.append(name)
                    yield from self.block(helper.body, scope.called(helper, call), ignored=ignored)
                    self._inside.pop()
            case _:
                pass

    def _takes_session(self, call: ast.Call, scope: Scope) -> bool:
        given = (*call.args, *(word.value for word in call.keywords))
        return any(
            isinstance(value, ast.Name) and scope.original(value.id) in (self._session, "session") for value in given
        )

    def _run(self, call: ast.Call, scope: Scope, *, ignored: bool) -> Iterator[Command]:
        keywords = {word.arg: word.value for word in call.keywords if word.arg}
        codes = _codes(keywords["success_codes"], scope) if "success_codes" in keywords else frozenset({"0"})
        variables = {**self._variables, **scope.table(keywords["env"])} if "env" in keywords else self._variables
        words = [word for argument in call.args for word in scope.words(argument)]
        yield from commands_of(words, codes=codes, ignored=ignored, variables=variables, line=call.lineno)


def _known(test: ast.expr, *, has_words: bool) -> object:
    """The truth of a condition where a gate runs the session; None if it is open.

    Args:
        test: the condition.
        has_words: the gate gives its session words; else only a person does, by hand.
    """
    match test:
        case ast.Constant(value=value):
            return value
        case ast.Attribute(attr="posargs"):
            return has_words
        case ast.UnaryOp(op=ast.Not(), operand=ast.Attribute(attr="posargs")):
            return not has_words
        case _:
            return None


def _on_condition(test: ast.expr, first: Sequence[Command], second: Sequence[Command]) -> Iterator[Command]:
    """The commands of two branches; one whose program only one of them runs depends on the condition."""
    condition = ast.unparse(test)
    if "posargs" in condition:  # what a person adds is not what the gate runs
        yield from (*first, *second)
        return
    for commands, others, words in ((first, second, condition), (second, first, f"not ({condition})")):
        programs = {other.program for other in others}
        for one in commands:
            yield one if one.condition or one.program in programs else one._replace(condition=words)


def _codes(node: ast.expr, scope: Scope) -> frozenset[str]:
    words = scope.spread(node)
    return frozenset(word if word.lstrip("-").isdigit() else "any other" for word in words) | {"0"}


def _name(node: ast.AST | None) -> str:
    """The last part of the name of what is called, or named."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
