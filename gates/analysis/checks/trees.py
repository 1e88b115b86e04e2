"""Small questions about expressions, and copies of them with parts replaced."""

from __future__ import annotations

import ast
import builtins
import json
from collections.abc import Callable, Iterator

BUILTINS = frozenset(dir(builtins))
VALUES = BUILTINS | {
    *(
        "date",
        "datetime",
        "time",
        "timedelta",
        "timezone",
        "Decimal",
        "Fraction",
        "UUID",
        "Path",
        "PurePath",
        "PurePosixPath",
    ),
    *("deque", "Counter", "OrderedDict", "defaultdict", "array", "SimpleNamespace", "each"),
}
"""Functions of Python that write a value out: an expected value that they make is not computed by what is tested."""

LITERALS = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict)

_INWARD = frozenset(
    [
        "len",
        "sorted",
        "list",
        "tuple",
        "set",
        "frozenset",
        "dict",
        "str",
        "repr",
        "vars",
        "type",
        "sum",
        "max",
        "min",
        "any",
        "all",
        "abs",
        "round",
        "next",
        "iter",
        "bool",
        "int",
        "float",
        "getattr",
        "hasattr",
        "isinstance",
        "issubclass",
        "callable",
        "asdict",
        "astuple",
        "bytes",
        "reversed",
        "enumerate",
        "Counter",
    ]
)


def text_of(node: ast.AST) -> str:
    """The expression as text, without its layout."""
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError, AttributeError):
        return f"<{type(node).__name__}>"


def rebuilt(node: ast.expr, change: Callable[[ast.AST], ast.expr | None]) -> ast.expr:
    """A copy with parts replaced; `change` gives None for what stays."""
    made = _rebuilt(node, change)
    assert isinstance(made, ast.expr)
    return made


def _rebuilt(node: ast.AST, change: Callable[[ast.AST], ast.expr | None]) -> ast.AST:
    new = change(node)
    if new is not None:
        return new
    fields: dict[str, object] = {}
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            fields[name] = _rebuilt(value, change)
        elif isinstance(value, list):
            fields[name] = [_rebuilt(one, change) if isinstance(one, ast.AST) else one for one in value]
        else:
            fields[name] = value
    return type(node)(**fields)


def last_name(node: ast.AST) -> str:
    """`f` of `a.b.f` and of `f`; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def dotted(node: ast.AST) -> str:
    """`a.b.f`; empty if it is not only names."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument."""
    return next((one.value for one in call.keywords if one.arg == name), None)


def is_literal(node: ast.AST) -> bool:
    """Whether a value is written out: constants, and displays of such."""
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(operand=ast.Constant()):
            return True
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            return all(map(is_literal, elts))
        case ast.Dict(keys=keys, values=values):
            return all(key is None or is_literal(key) for key in keys) and all(map(is_literal, values))
        case _:
            return False


def is_filled_in(node: ast.expr) -> bool:
    """Whether a value is a text with gaps that the test fills in: it is what is expected."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()), attr="format")):
            return True
        case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod()) | ast.JoinedStr():
            return True
        case _:
            return False


def written_out(node: ast.expr) -> ast.expr:
    """The value that `json.loads` makes of a text, if that is written; anything else as it is."""
    match node:
        case ast.Call(func=func, args=[ast.Constant(value=str() as text)]) if dotted(func) in {"json.loads", "loads"}:
            try:
                return ast.parse(repr(json.loads(text)), mode="eval").body
            except (ValueError, SyntaxError, RecursionError):
                return node
        case _:
            return node


def size_of(node: ast.AST) -> int:
    """How many values a written value holds; at least 1."""
    match node:
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            return max(1, sum(map(size_of, elts)))
        case ast.Dict(values=values):
            return max(1, sum(map(size_of, values)))
        case ast.Call(args=args, keywords=words):
            return max(1, sum(map(size_of, args)) + sum(size_of(one.value) for one in words))
        case ast.Constant(value=str() as text):
            return 1 + text.strip().count("\n")
        case _:
            return 1


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    """Calls in an expression."""
    return (part for part in ast.walk(node) if isinstance(part, ast.Call))


def root_of(node: ast.AST) -> ast.AST:
    """What a chain of attributes, items and methods begins with: its first call, or its name."""
    first: ast.AST | None = None
    while True:
        match node:
            case ast.Call(func=ast.Name(id=name), args=[inner, *_]) if name in _INWARD:
                node = inner
            case ast.Call(func=func):
                first, node = node, func
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
                node = inner
            case ast.Starred(value=inner) | ast.BinOp(left=inner) | ast.Compare(left=inner):
                node = inner
            case ast.UnaryOp(operand=inner) | ast.BoolOp(values=[inner, *_]):
                node = inner
            case ast.List(elts=[inner, *_]) | ast.Tuple(elts=[inner, *_]) | ast.Set(elts=[inner, *_]):
                node = inner
            case ast.ListComp(generators=[one, *_]) | ast.SetComp(generators=[one, *_]):
                node = one.iter
            case ast.GeneratorExp(generators=[one, *_]) | ast.DictComp(generators=[one, *_]):
                node = one.iter
            case ast.Dict(values=[inner, *_]):
                node = inner
            case _:
                return first if first is not None else node


def truth(node: ast.AST) -> bool | None:
    """Whether an expression is true wherever it runs; None if that depends on something."""
    match node:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            return bool(elts)
        case ast.JoinedStr():
            return True
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            known = truth(inner)
            return None if known is None else not known
        case ast.BoolOp(op=op, values=values):
            each = [truth(value) for value in values]
            decides = isinstance(op, ast.Or)
            if decides in each:
                return decides
            return None if None in each else not decides
        case ast.Compare(left=left, ops=[op], comparators=[right]) if is_literal(left) and is_literal(right):
            return _compared(left, op, right)
        case ast.Lambda() | ast.GeneratorExp():
            return True
        case _:
            return None


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr) -> bool | None:
    try:
        one, other = ast.literal_eval(left), ast.literal_eval(right)
        match op:
            case ast.Eq():
                return bool(one == other)
            case ast.NotEq():
                return bool(one != other)
            case ast.Is():
                return one is other if one is None or other is None or isinstance(one, bool) else bool(one == other)
            case ast.IsNot():
                return one is not other if one is None or other is None or isinstance(one, bool) else bool(one != other)
            case ast.In():
                return one in other
            case ast.NotIn():
                return one not in other
            case ast.Lt():
                return bool(one < other)
            case ast.LtE():
                return bool(one <= other)
            case ast.Gt():
                return bool(one > other)
            case _:
                return bool(one >= other)
    except (TypeError, ValueError, RecursionError):
        return None


def run(node: ast.expr) -> ast.expr:
    """What `(lambda: x)()` gives; anything else as it is."""
    match node:
        case ast.Call(func=ast.Lambda(args=ast.arguments(posonlyargs=[], args=[]), body=body), args=[], keywords=[]):
            return body
        case _:
            return node


def constant(node: ast.expr | None) -> str | None:
    """The text of a pattern; as written if it is computed."""
    if node is None:
        return None
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Call(func=func, args=[inner, *_]) if last_name(func) == "compile":
            return constant(inner)
        case ast.JoinedStr(values=values):
            told = [part.value if isinstance(part, ast.FormattedValue) else part for part in values]
            known = [part.value for part in told if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            return "".join(known) if len(known) == len(told) else f"<{text_of(node)}>"
        case _:
            return f"<{text_of(node)}>"
