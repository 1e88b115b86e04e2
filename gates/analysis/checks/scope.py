"""What names mean at one place in a test: values put in place of variables, and what happened to each of them."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass, field

from gates.analysis.checks.reading import Function, Module
from gates.analysis.checks.trees import rebuilt, text_of

LARGE = 160
"""Maximum number of nodes of a value that is put in place of its name."""


@dataclass(frozen=True)
class Binder:
    """Names that stand for one of several cases.

    Attributes:
        names: as they stand in claims.
        cases: the distinct values, as text, in order.
    """

    names: tuple[str, ...]
    cases: tuple[tuple[str, ...], ...]


@dataclass
class History:
    """What happened to each value, in order: the text of a root → texts of statements."""

    events: dict[str, list[str]] = field(default_factory=dict)

    def add(self, keys: set[str], text: str) -> None:
        """Note that something happened to these values."""
        for key in keys:
            self.events.setdefault(key, []).append(text)

    def of(self, keys: set[str]) -> str:
        """What happened to any of these values."""
        return "; ".join(dict.fromkeys(event for key in sorted(keys) for event in self.events.get(key, ())))


@dataclass
class Scope:
    """The names of one function that is being read.

    Attributes:
        module: the file that it is in.
        names: local name (or `self.name`) → its value.
        functions: local functions.
        family: the classes whose methods `self` has, the nearest first.
        guards: conditions for what is read now.
        flaw: why what is read now checks nothing.
        used: keys of the values that were put in place since it was cleared.
        results: id of a call → what the helper gave back.
        keys: local name → text of its value.
        opaque: local names whose values are not known.
        homes: local function that a fixture gave → the scope that it was defined in.
        growing: local names of lists and the like, which may hold more than they began with.
    """

    module: Module
    names: dict[str, ast.expr] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    family: tuple[ast.ClassDef, ...] = ()
    guards: tuple[str, ...] = ()
    flaw: str = ""
    used: set[str] = field(default_factory=set)
    results: dict[int, ast.expr] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    opaque: set[str] = field(default_factory=set)
    homes: dict[str, Scope] = field(default_factory=dict)
    growing: set[str] = field(default_factory=set)

    def inline(self, node: ast.expr) -> ast.expr:
        """An expression with the values of local names put in place."""
        return rebuilt(node, self._value)

    def _value(self, node: ast.AST) -> ast.expr | None:
        match node:
            case ast.Name(id=name):
                return self._named(name)
            case ast.Attribute(value=ast.Name(id=("self" | "cls" | "request") as owner), attr=attr):
                return self._named(f"{owner}.{attr}")
            case ast.Call() if id(node) in self.results:
                return self.results[id(node)]
            case ast.Await(value=inner) | ast.NamedExpr(value=inner):
                return self.inline(inner)
            case ast.FormattedValue() | ast.Lambda():
                return None
            case _:
                return None

    def _named(self, name: str) -> ast.expr | None:
        value = self.names.get(name)
        if value is not None:
            self.used.add(self.keys[name])
        elif name in self.opaque:
            self.used.add(name)
        return value

    def bind(self, name: str, value: ast.expr) -> None:
        """Give a name a value; what is too large is replaced by a digest of it."""
        text = text_of(value)
        if sum(1 for _ in ast.walk(value)) > LARGE:
            digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]
            value = ast.Name(f"{name.rpartition('.')[2]}≈{digest}", ast.Load())
            text = value.id
        self.names[name] = value
        self.keys[name] = text
        self.growing.discard(name)
        if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp) or (
            isinstance(value, ast.Call) and text.rstrip("()") in {"list", "dict", "set", "bytearray"}
        ):
            self.growing.add(name)
        self.growing.discard(name)
        if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp) or (
            isinstance(value, ast.Call) and text.rstrip("()") in {"list", "dict", "set", "bytearray"}
        ):
            self.growing.add(name)

    def hide(self, name: str) -> None:
        """Make a name local whose value is not known."""
        self.names.pop(name, None)
        self.opaque.add(name)

    def anonymous(self, node: ast.expr) -> str:
        """An expression as the test writes it, with `_` for local names."""

        def change(part: ast.AST) -> ast.expr | None:
            match part:
                case ast.Name(id=name) if name in self.names or name in self.opaque:
                    return ast.Name("_", ast.Load())
                case ast.Attribute(value=ast.Name(id=("self" | "cls")), attr=attr) if f"self.{attr}" in self.names:
                    return ast.Name("_", ast.Load())
                case ast.Await(value=inner):
                    return rebuilt(inner, change)
                case _:
                    return None

        return text_of(rebuilt(node, change))
