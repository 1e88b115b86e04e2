"""Which names production code no longer has: a check of one of them has lost its subject, and is not a weaker check."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.reading import Module, Side, is_test_code
from gates.analysis.checks.trees import last_name

_WORD = re.compile(r"[^\W\d_]\w{2,}")


class Production:
    """The production code that changed."""

    def __init__(self, base: Side, head: Side, changed: Iterable[str]) -> None:
        self._paths = [path for path in changed if path.endswith(".py") and not is_test_code(path)]
        self._base, self._head = base, head

    @cached_property
    def gone(self) -> frozenset[str]:
        """Names that changed files defined, and words that they said, and no longer do."""
        was = {word for module in self._modules(self._base) for word in _defined(module)}
        now = {word for module in self._modules(self._head) for word in _defined(module)}
        return frozenset(was - now)

    def raises_less(self, claim: Claim) -> bool:
        """Whether the code raises, or warns, at fewer places than before: what was refused may be accepted now."""
        if claim.kind not in {"raises", "warns"} or not self._paths:
            return False
        names = {"warn"} if claim.kind == "warns" else {name.rpartition(".")[2] for name in claim.exceptions}
        was, now = self._raised
        return any(now[name] < was[name] for name in names)

    @cached_property
    def _raised(self) -> tuple[Counter[str], Counter[str]]:
        was, now = (
            Counter(name for module in self._modules(side) for name in _raised_in(module))
            for side in (self._base, self._head)
        )
        return was, now

    def missing(self, module: Module) -> frozenset[str]:
        """Names that a test file imports from production code, and that are not there on the head, nor moved."""
        found = set()
        for name, dotted in module.imports.items():
            was = self._base.production(dotted) if self._paths else None
            if was is None or not _has(*was):
                continue
            now = self._head.production(dotted)
            if (now is None or not _has(*now)) and was[1] not in self._come:
                found.add(name)
        return frozenset(found)

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
        sides = [
            dict(pair for module in self._modules(side) for pair in _signatures(module))
            for side in (self._base, self._head)
        ]
        return frozenset(name for name in sides[0].keys() & sides[1].keys() if sides[0][name] != sides[1][name])

    def _modules(self, side: Side) -> Iterator[Module]:
        for path in self._paths:
            module = side.module(path)
            if module is not None:
                yield module

    def is_gone(self, claim: Claim) -> str:
        """The name that a claim is about and production no longer has; empty if it still has all of them."""
        return self.gone_of(claim.words) if self._paths else ""

    def gone_of(self, words: Collection[str]) -> str:
        """The same, for the words of a test."""
        lost = self.gone.intersection(words) if self._paths else frozenset()
        return min(lost) if lost else ""


def _raised_in(module: Module) -> Iterator[str]:
    assert module.tree is not None
    for node in ast.walk(module.tree):
        match node:
            case ast.Raise(exc=ast.Call(func=func)) | ast.Raise(exc=(ast.Name() | ast.Attribute()) as func):
                yield last_name(func)
            case ast.Call(func=func) if last_name(func) in {"warn", "warn_explicit", "deprecated"}:
                yield "warn"
            case _:
                pass


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
            case ast.Constant(value=str() as text):
                yield from (text,) if text.isidentifier() else _WORD.findall(text[:5000])
            case ast.alias(name=name, asname=other):
                yield (other or name).rpartition(".")[2]
            case _:
                pass
