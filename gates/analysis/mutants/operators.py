"""The operators: one place per kind of fault, each a function from a node to its replacements.

A table of our own: mutmut (3.x) and cosmic-ray (8.x) have such tables, but not as libraries; see
docs/explanation/mutants.md.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gates.analysis.mutants.arid import called, keeps, only_costs, skipped_condition, talks, tidies
from gates.analysis.mutants.source import Edit, Source
from gates.analysis.mutants.walk import Place


class Replacement(NamedTuple):
    """One way to replace a piece.

    Attributes:
        edit: the replacement.
        what: what was changed, for people.
    """

    edit: Edit
    what: str


Operator = Callable[[Source, Place], Iterator[Replacement]]


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        name: of the operator.
        make: makes the replacements.
        weight: how often a survivor of this kind shows a missing test rather than an equal program; the highest first.
    """

    name: str
    make: Operator
    weight: int


_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "+"),
    ast.Pow: ("**", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.BitXor: ("^", "&"),
}


def _between(source: Source, left: ast.expr, right: ast.expr, old: str, new: str) -> Iterator[Replacement]:
    """Replace the operator between two operands."""
    start, end = source.span(left)[1], source.span(right)[0]
    gap = source.data[start:end]
    pattern = rb"\s+".join(map(re.escape, old.encode().split()))
    found = re.search((rb"\b%s\b" if old.isidentifier() or " " in old else rb"%s") % pattern, gap)
    if found is not None and b"#" not in gap[: found.start()]:
        yield Replacement(source.replaced(start + found.start(), start + found.end(), new), f"{old} became {new}")


def comparison(source: Source, place: Place) -> Iterator[Replacement]:
    """`<` becomes `<=`, `==` becomes `!=`, `in` becomes `not in`."""
    node = place.node
    if not isinstance(node, ast.Compare) or _is_best_so_far(place):
        return
    left = node.left
    for op, right in zip(node.ops, node.comparators, strict=True):
        yield from _between(source, left, right, *_COMPARISONS[type(op)])
        left = right


def _is_best_so_far(place: Place) -> bool:
    """`if value > best: best = value`: with `>=` the result is the same."""
    node, around = place.node, place.parent
    return (
        isinstance(node, ast.Compare)
        and isinstance(around, ast.If)
        and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        and any(
            isinstance(statement, ast.Assign)
            and ast.unparse(statement.targets[0]) in (ast.unparse(node.left), ast.unparse(node.comparators[0]))
            for statement in around.body
        )
    )


def boolean(source: Source, place: Place) -> Iterator[Replacement]:
    """`and` becomes `or`, and the other way."""
    node = place.node
    if isinstance(node, ast.BoolOp):
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            yield from _between(source, left, right, old, new)


def condition(source: Source, place: Place) -> Iterator[Replacement]:
    """The condition of `if`, of a choice, or of a comprehension is negated."""
    node = place.node
    tests = [node.test] if isinstance(node, ast.If | ast.IfExp) else []
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        tests = [test for generator in node.generators for test in generator.ifs]
    for test in tests:
        if (
            skipped_condition(test)
            or keeps(test)
            or any(keeps(part) for part in ast.walk(test) if isinstance(part, ast.expr))
        ):
            continue
        start, end = source.span(test)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            operand = source.span(test.operand)
            text = source.data[operand[0] : operand[1]].decode()
            yield Replacement(source.replaced(start, end, f"({text})"), "the condition lost its not")
        else:
            text = source.data[start:end].decode()
            yield Replacement(source.replaced(start, end, f"(not ({text}))"), "the condition is negated")


def negation(source: Source, place: Place) -> Iterator[Replacement]:
    """`not x` becomes `x` outside of conditions, and `-x` becomes `x`."""
    node = place.node
    if not isinstance(node, ast.UnaryOp) or isinstance(place.parent, ast.If | ast.IfExp):
        return
    if isinstance(node.op, ast.Not | ast.USub) and not isinstance(node.operand, ast.Constant):
        start, end = source.span(node)
        inner = source.span(node.operand)
        text = source.data[inner[0] : inner[1]].decode()
        word = "not" if isinstance(node.op, ast.Not) else "-"
        yield Replacement(source.replaced(start, end, f"({text})"), f"{word} is gone")


def arithmetic(source: Source, place: Place) -> Iterator[Replacement]:
    """`+` becomes `-`, `*` becomes `+`, and so on; not for texts, lists and types, where any test would notice."""
    node = place.node
    if isinstance(node, ast.BinOp):
        if not (_is_text(node.left) or _is_text(node.right)):
            yield from _between(source, node.left, node.right, *_ARITHMETIC.get(type(node.op), ("@", "*")))
    elif isinstance(node, ast.AugAssign) and not _is_text(node.value):
        old, new = _ARITHMETIC.get(type(node.op), ("@", "*"))
        yield from _between(source, node.target, node.value, f"{old}=", f"{new}=")


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr | ast.List | ast.Tuple | ast.ListComp | ast.Dict)


def constant(source: Source, place: Place) -> Iterator[Replacement]:
    """A number grows by one, `True` becomes `False`, a text becomes empty."""
    node = place.node
    if not isinstance(node, ast.Constant) or _is_arid_constant(place):
        return
    value, (start, end) = node.value, source.span(node)
    if isinstance(value, bool):
        yield Replacement(source.replaced(start, end, str(not value)), f"{value} became {not value}")
    elif isinstance(value, int | float):
        new = repr(value + 1)
        yield Replacement(source.replaced(start, end, new), f"{source.piece(node)} became {new}")
    elif isinstance(value, str | bytes):
        if value:
            text = "''" if isinstance(value, str) else "b''"
            yield Replacement(source.replaced(start, end, text), f"a text became {text}")
        elif len(source.piece(node)) == 2:
            yield Replacement(source.replaced(start, end, "'gates'"), "'' became 'gates'")


def _is_arid_constant(place: Place) -> bool:
    """Whether a constant is the name of something, a part of a message, or already the subject of another operator."""
    around, node = place.parent, place.node
    if any(
        talks(part) or (isinstance(part, ast.Call) and re.search(r"(Error|Exception|Warning|Problem)$", called(part)))
        for part in place.inside
    ):
        return True
    if isinstance(around, ast.Call) and called(around) in (
        "getattr",
        "hasattr",
        "setattr",
        "__import__",
        "import_module",
    ):
        return True
    if isinstance(around, ast.Subscript | ast.Dict) and isinstance(node, ast.Constant) and isinstance(node.value, str):
        return True  # a key: without it, everything fails
    # Texts beside an f-string or `%` are parts of a message.
    return isinstance(around, ast.BinOp) and _is_text(around)


def returned(source: Source, place: Place) -> Iterator[Replacement]:
    """`return x` becomes `return None`, or `return not x` where the result is a bool."""
    node = place.node
    if not isinstance(node, ast.Return) or node.value is None or isinstance(node.value, ast.Constant):
        return
    start, end = source.span(node.value)
    text = source.data[start:end].decode()
    told = place.returns
    if isinstance(told, ast.Name) and told.id == "bool":
        yield Replacement(source.replaced(start, end, f"(not ({text}))"), "the result is negated")
    elif not (isinstance(told, ast.Name) and told.id == "NoReturn"):
        yield Replacement(source.replaced(start, end, "None"), "the result became None")


def deletion(source: Source, place: Place) -> Iterator[Replacement]:
    """A call whose result is not used, an assignment to an attribute or an item, or `raise` is gone."""
    node = place.node
    if isinstance(node, ast.Expr):
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        deleted = isinstance(call, ast.Call) and not (
            tidies(call) or talks(call) or keeps(call.func) or only_costs(called(call))
        )
    elif isinstance(node, ast.Assign):
        deleted = all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets)
    elif isinstance(node, ast.AugAssign):
        deleted = not keeps(node.target)
    else:
        deleted = isinstance(node, ast.Raise) and node.exc is not None
    if deleted:
        start, end = source.span(node)
        text = source.data[start:end].decode().split("\n")[0]
        yield Replacement(source.replaced(start, end, "pass"), f"`{text[:60]}` is gone")


def argument(source: Source, place: Place) -> Iterator[Replacement]:
    """Two neighbouring arguments are swapped, or one that has a name is gone."""
    node = place.node
    if not isinstance(node, ast.Call) or talks(node):
        return
    for left, right in zip(node.args, node.args[1:], strict=False):
        simple = all(isinstance(one, ast.Name | ast.Attribute) for one in (left, right))
        if (
            simple
            and ast.unparse(left) != ast.unparse(right)
            and called(node) not in ("max", "min", "isinstance", "zip")
        ):
            (start, middle), (begin, end) = source.span(left), source.span(right)
            first, gap, second = (
                source.data[a:b].decode() for a, b in ((start, middle), (middle, begin), (begin, end))
            )
            yield Replacement(source.replaced(start, end, f"{second}{gap}{first}"), f"{first} and {second} are swapped")
    for word in node.keywords:
        if word.arg is not None and not only_costs(word.arg) and not _is_default(word.value):
            yield from _without(source, node, word)


def _is_default(value: ast.expr) -> bool:
    """Whether a value is likely to be the default anyway."""
    return isinstance(value, ast.Constant) and value.value in (None, False, "", 0)


def _without(source: Source, call: ast.Call, word: ast.keyword) -> Iterator[Replacement]:
    start, end = source.span(word)
    rest = source.data[end : source.span(call)[1]]
    comma = re.match(rb"\s*,[ \t]*", rest)
    if comma is not None:
        end += comma.end()
    else:
        before = re.search(rb",\s*$", source.data[:start])
        if before is not None and before.start() > source.span(call.func)[1]:
            start = before.start()
    yield Replacement(source.replaced(start, end, ""), f"the argument {word.arg}= is gone")


def jump(source: Source, place: Place) -> Iterator[Replacement]:
    """`break` becomes `continue`, and the other way; in `while` that would never end."""
    node = place.node
    if isinstance(node, ast.Break | ast.Continue) and isinstance(place.loop, ast.For | ast.AsyncFor):
        old, new = ("break", "continue") if isinstance(node, ast.Break) else ("continue", "break")
        yield Replacement(source.replaced(*source.span(node), new), f"{old} became {new}")


def exception(source: Source, place: Place) -> Iterator[Replacement]:
    """A handler catches nothing, or one kind less; `raise` raises a plain Exception."""
    node = place.node
    if isinstance(node, ast.ExceptHandler) and node.type is not None:
        start, end = source.span(node.type)
        if isinstance(node.type, ast.Tuple) and len(node.type.elts) > 1:
            last = node.type.elts[-1]
            kept = ", ".join(source.piece(one) for one in node.type.elts[:-1])
            yield Replacement(source.replaced(start, end, f"({kept},)"), f"{source.piece(last)} is not caught")
        else:
            yield Replacement(source.replaced(start, end, "()"), f"{source.piece(node.type)} is not caught")
    elif (
        isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and called(node.exc) not in ("Exception", "SystemExit")
    ):
        start, end = source.span(node.exc.func)
        yield Replacement(source.replaced(start, end, "Exception"), f"{source.piece(node.exc.func)} became Exception")


def slice_bounds(source: Source, place: Place) -> Iterator[Replacement]:
    """A bound of a slice moves by one."""
    node = place.node
    if not isinstance(node, ast.Slice):
        return
    for bound, word, sign in ((node.lower, "begins", "+"), (node.upper, "ends", "-")):
        if bound is not None:
            start, end = source.span(bound)
            text = source.data[start:end].decode()
            way = "one later" if sign == "+" else "one earlier"
            yield Replacement(source.replaced(start, end, f"({text}) {sign} 1"), f"the slice {word} {way}")


TABLE = (
    Row("comparison", comparison, 90),
    Row("boolean", boolean, 88),
    Row("condition", condition, 84),
    Row("exception", exception, 76),
    Row("slice", slice_bounds, 74),
    Row("arithmetic", arithmetic, 72),
    Row("argument", argument, 70),
    Row("negation", negation, 66),
    Row("deletion", deletion, 64),
    Row("jump", jump, 60),
    Row("return", returned, 56),
    Row("constant", constant, 50),
)
"""All operators, the most promising first."""
