"""Which names production code no longer has: a check of one of them has lost its subject, and is not a weaker check."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.reading import Function, Module, Side, digest_of, is_test_code
from gates.analysis.checks.trees import calls_in, dotted, keyword, last_name

_QUOTED = re.compile(r"""(?P<mark>['"])(?P<text>(?:(?!(?P=mark)).){8,})(?P=mark)""")
_ATTRIBUTE = re.compile(r"(?<![\w.])(\w+)\.(\w+)")
Definition = Function | ast.ClassDef


class Production:
    """The production code that changed."""

    def __init__(self, base: Side, head: Side, changed: Iterable[str]) -> None:
        self._paths = [path for path in changed if path.endswith(".py") and not is_test_code(path)]
        self._base, self._head = base, head
        self._counted: dict[tuple[int, str], Counter[str]] = {}

    @cached_property
    def gone(self) -> frozenset[str]:
        """Names that changed files defined or used, and no longer do; a text that is a name counts, a docstring does not.

        What only has another name now is not gone.
        """
        was, now = ({word for module in self._modules(side) for word in _defined(module)} for side in self._sides)
        return frozenset(was - now - self.renamed.keys())

    @cached_property
    def renamed(self) -> Mapping[str, str]:
        """Functions, methods and classes that only have another name now: old name → new name, which nothing had before."""
        was, now = self._definitions
        new = {_body(one): name for name, each in sorted(now.items()) if name not in was for one in each}
        found = {name: {new.get(_body(one), "") for one in each} for name, each in was.items() if name not in now}
        return {name: names.pop() for name, names in found.items() if len(names) == 1 and "" not in names}

    def in_new_names(self, claim: Claim) -> Claim:
        """A claim of the base as it would be written with the names that things have now."""
        if not self._paths or not claim.words & self.renamed.keys():
            return claim
        old = re.compile(rf"\b({'|'.join(map(re.escape, self.renamed))})\b")

        def new(text: str) -> str:
            return old.sub(lambda found: self.renamed[found[1]], text)

        return replace(
            claim, subject=new(claim.subject), expected=new(claim.expected), told=new(claim.told), root=new(claim.root),
            state=new(claim.state), words=frozenset(self.renamed.get(word, word) for word in claim.words),
        )  # fmt: skip

    @cached_property
    def _gone_phrases(self) -> tuple[str, ...]:
        """Texts of several words that changed files said, and no longer say."""
        was, now = ({text for module in self._modules(side) for text in _phrases(module)} for side in self._sides)
        rest = "\n".join(now)
        return tuple(sorted(text for text in was - now if text not in rest))

    @cached_property
    def gone_definitions(self) -> frozenset[str]:
        """Functions, methods and classes that no changed file has in any way, nor under another name."""
        return self.gone.intersection(self._definitions[0])

    @cached_property
    def gone_fields(self) -> frozenset[str]:
        """Attributes that classes of changed files had, and that no changed file has in any way."""
        each = (one for nodes in self._definitions[0].values() for one in nodes if isinstance(one, ast.ClassDef))
        return self.gone.intersection(name for one in each for name in _fields(one))

    @cached_property
    def handed_on(self) -> frozenset[str]:
        """Functions that call one of the same name in another package on the head alone."""
        was, now = (set(self._handing_on(side)) for side in self._sides)
        return frozenset(now - was)

    def _handing_on(self, side: Side) -> Iterator[str]:
        for module in self._modules(side):
            for name, node in module.functions.items():
                for call in calls_in(node):
                    first, dot, _ = dotted(call.func).partition(".")
                    there = module.imports.get(first, "")
                    if dot and last_name(call.func) == name and there and not side.holds(there):
                        yield name

    @cached_property
    def other_code(self) -> frozenset[str]:
        """Functions, methods and classes of changed files whose code is not the same, and those that name them there."""
        was, now = self._definitions
        digests = [{name: sorted(digest_of(one)[0] for one in each) for name, each in side.items()} for side in (was, now)]  # fmt: skip
        found = {name for name in was if digests[0][name] != digests[1].get(name)}
        before = -1
        while len(found) > before:
            before = len(found)
            found |= {name for name, each in was.items() if any(found & _names_in(one) for one in each)}
        return frozenset(found)

    def raises_less(self, claim: Claim) -> bool:
        """Whether the code raises, or warns, at fewer places than before: what was refused may be accepted now.

        The places are counted in all changed files, and in each definition that the claim names, with what that calls.
        """
        warned = claim.kind == "warns" or claim.subject.startswith("recwarn")
        if not self._paths or not (warned or claim.kind == "raises"):
            return False
        names = {name.rpartition(".")[2] for name in claim.exceptions} | ({"warn"} if warned else set())
        named = claim.words | ({"__getattr__"} if "." in claim.subject else set())
        places = ["", *sorted(named.intersection(self._definitions[0]))]
        return any(
            now[name] < was[name]
            for place in places
            for was, now in (tuple(self._raised(at, place) for at in (0, 1)),)
            for name in names
        )

    def _raised(self, at: int, place: str) -> Counter[str]:
        """What is raised on a side, and how often: in a definition and what it calls, or everywhere without one."""
        if (at, place) not in self._counted:
            nodes: list[ast.AST] = [*self._reached(at, place)] if place else [
                module.tree for module in self._modules(self._sides[at]) if module.tree is not None
            ]  # fmt: skip
            self._counted[at, place] = Counter(name for node in nodes for name in _raised_in(node))
        return self._counted[at, place]

    def _reached(self, at: int, name: str) -> Iterator[ast.AST]:
        """The definitions with a name, and those that they call, as far as changed files have them."""
        waiting, seen = [name], {name}
        for one in waiting:  # grows while it is walked
            for node in self._definitions[at].get(one, ()):
                yield node
                called = {last_name(call.func) for call in calls_in(node)} & self._definitions[at].keys()
                waiting += sorted(called - seen)
                seen |= called

    def missing(self, module: Module) -> frozenset[str]:
        """Names that a test file imports from production code, and that are not there on the head, nor moved."""
        found = set()
        for name, where in module.imports.items():
            was = self._base.production(where) if self._paths else None
            if was is None or not _has(*was):
                continue
            now = self._head.production(where)
            if (now is None or not _has(*now)) and was[1] not in self._come | self.renamed.keys():
                found.add(name)
        return frozenset(found)

    def missing_in(self, module: Module, text: str) -> str:
        """What a text takes from a module of production code that a test file imports, and is there on the base alone."""
        for name, attribute in _ATTRIBUTE.findall(text) if self._paths else ():
            where = module.imports.get(name, "")
            was = self._base.production(f"{where}.{attribute}") if where else None
            now = self._head.production(f"{where}.{attribute}") if was is not None and _has(*was) else None
            if now is not None and not _has(*now) and attribute not in self._come | self.renamed.keys():
                return f"{name}.{attribute}"
        return ""

    @cached_property
    def _come(self) -> frozenset[str]:
        """Names that a changed file defines only on the head."""
        found = set()
        for path in self._paths:
            was, now = self._base.module(path), self._head.module(path)
            if now is not None:
                found |= {name for name in (*now.functions, *now.classes) if was is None or not _has(was, name)}
        return frozenset(found)

    @cached_property
    def other_signatures(self) -> frozenset[str]:
        """Functions and classes that are called in another way on the head."""
        sides = [dict(pair for module in self._modules(side) for pair in _signatures(module)) for side in self._sides]
        return frozenset(name for name in sides[0].keys() & sides[1].keys() if sides[0][name] != sides[1][name])

    @property
    def _sides(self) -> tuple[Side, Side]:
        return self._base, self._head

    @cached_property
    def _definitions(self) -> tuple[Mapping[str, list[Definition]], Mapping[str, list[Definition]]]:
        """By side: name → functions, methods and classes of changed files with this name."""
        made: list[dict[str, list[Definition]]] = [{}, {}]
        for found, side in zip(made, self._sides, strict=True):
            for module in self._modules(side):
                for node in ast.walk(module.tree) if module.tree is not None else ():
                    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                        found.setdefault(node.name, []).append(node)
        return made[0], made[1]

    def _modules(self, side: Side) -> Iterator[Module]:
        for path in self._paths:
            module = side.module(path)
            if module is not None:
                yield module

    def is_gone(self, claim: Claim) -> str:
        """The name or text that a claim is about and production no longer has; empty if it still has all of them."""
        return (self.gone_of(claim.words) or self._unsaid(claim)) if self._paths else ""

    def gone_of(self, words: Collection[str]) -> str:
        """The same, for the words of a test."""
        lost = self.gone.intersection(words) if self._paths else frozenset()
        return min(lost) if lost else ""

    def _unsaid(self, claim: Claim) -> str:
        """The text that a claim expects and that the code no longer says; that of an error may only be worded anew."""
        if claim.kind in {"raises", "warns"} or "raised(" in claim.subject or " " not in claim.expected:
            return ""
        told = [found["text"] for found in _QUOTED.finditer(claim.expected) if " " in found["text"]]
        return next((text for text in self._gone_phrases if any(text in one or one in text for one in told)), "")


def _raised_in(node: ast.AST) -> Iterator[str]:
    """Names of the exceptions and categories of warnings, and `warn` for each of these."""
    for part in ast.walk(node):
        match part:
            case ast.Raise(exc=ast.Call(func=func)) | ast.Raise(exc=(ast.Name() | ast.Attribute()) as func):
                yield last_name(func)
            case ast.Call(func=func, args=args) if last_name(func) in {"warn", "warn_explicit", "deprecated"}:
                yield "warn"
                category = keyword(part, "category") or (args[1] if len(args) > 1 else args[0] if args else None)
                name = last_name(category.func if isinstance(category, ast.Call) else category) if category else ""
                yield name if name.endswith("Warning") else "UserWarning"
            case _:
                pass


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for part in ast.walk(node):
        match part:
            case ast.AnnAssign(target=ast.Name(id=name)) if part in node.body:
                yield name
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                yield name
            case _:
                pass


def _body(node: Definition) -> str:
    """What a definition does, whatever its name is."""
    return "".join(ast.dump(one) for one in node.body)


def _names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _has(module: Module, name: str) -> bool:
    return name in module.functions or name in module.classes or name in module.constants or name in module.imports


def _signatures(module: Module) -> Iterator[tuple[str, str]]:
    assert module.tree is not None
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, ast.dump(node.args)
        elif isinstance(node, ast.ClassDef):
            made = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
            yield node.name, ast.dump(made[0].args) if made else ""


def _texts(module: Module) -> Iterator[str]:
    """The texts of a file without its docstrings."""
    assert module.tree is not None
    told = {
        id(node.value) for node in ast.walk(module.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }  # fmt: skip
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def _phrases(module: Module) -> Iterator[str]:
    return (text.strip() for text in _texts(module) if len(text.strip()) >= 8 and " " in text.strip())


def _defined(module: Module) -> Iterator[str]:
    assert module.tree is not None
    for node in ast.walk(module.tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.Attribute(attr=name):
                yield name
            case ast.keyword(arg=str() as name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.alias(name=name, asname=other):
                yield (other or name).rpartition(".")[2]
            case _:
                pass
    yield from (text for text in _texts(module) if text.isidentifier())
