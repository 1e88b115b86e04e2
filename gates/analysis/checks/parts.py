"""Take one assertion apart: what is its subject, what is expected, and how strictly is that said."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gates.analysis.checks.cases import putting, unrolled
from gates.analysis.checks.claims import CLOSE, EQUAL, EXISTS, NOTHING, PART
from gates.analysis.checks.fallbacks import without_fallback
from gates.analysis.checks.trees import (
    BUILTINS,
    LITERALS,
    constant,
    is_filled_in,
    is_literal,
    last_name,
    rebuilt,
    text_of,
    truth,
    written_out,
)

SORTING = frozenset({"sorted", "set", "frozenset", "Counter"})
SMOOTHING = frozenset({"lower", "upper", "casefold", "strip", "lstrip", "rstrip", "round", "title", "capitalize"})
_SAME = frozenset({"list", "tuple", "dict"})
_ANYTHING = frozenset({"ANY", "anything", "Anything"})
_FLIPPED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
_NEGATED = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
}  # fmt: skip
_SIGNS = {ast.Lt: "<", ast.Gt: ">", ast.LtE: "<=", ast.GtE: ">="}

Inline = Callable[[ast.expr], ast.expr]


@dataclass(frozen=True)
class Part:
    """What one claim says, as expressions; fields as in `Claim`.

    Attributes:
        subject: with local variables put in place.
        written: the same as the test writes it.
    """

    kind: str
    level: int
    subject: ast.expr
    written: ast.expr
    expected: ast.expr | None = None
    sign: str = ""
    loss: frozenset[str] = frozenset()
    tolerance: tuple[tuple[str, str], ...] = ()
    flaw: str = ""
    exceptions: tuple[str, ...] = ()
    match: str | None = None


def parts_of(test: ast.expr, inline: Inline, negated: bool = False) -> Iterator[Part]:
    """The claims of `assert test`."""
    whole = inline(test)
    known = truth(whole)
    if known is not None and known != negated:
        if not isinstance(test, ast.BoolOp):
            yield Part("true", NOTHING, whole, test, flaw="constant")
            return
        for one in test.values:
            if truth(inline(one)) is None:
                yield from (replace(part, level=NOTHING, flaw="constant") for part in parts_of(one, inline))
        return
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            yield from parts_of(inner, inline, not negated)
        case ast.NamedExpr(value=inner) | ast.Await(value=ast.NamedExpr(value=inner)):
            yield from parts_of(inner, inline, negated)
        case ast.BoolOp(op=op, values=values) if isinstance(op, ast.And) != negated:
            for one in values:
                yield from parts_of(one, inline, negated)
        case ast.BoolOp(values=values):
            yield from _either(values, inline, negated)
        case ast.Compare(ops=ops) if not negated or len(ops) == 1:
            yield from chained(test, inline, negated)
        case ast.Call(func=ast.Name(id="all"), args=[ast.GeneratorExp() as each]) if not negated:
            yield from parts_of(each.elt, inline)
        case ast.Call(func=ast.Name(id="any"), args=[ast.GeneratorExp() as each]) if not negated:
            for part in parts_of(each.elt, _in_each(each, inline)):
                yield replace(part, kind="either", level=EXISTS, expected=inline(test))
        case ast.Call(func=ast.Name(id="any"), args=[ast.GeneratorExp(generators=[loop]) as each]) if not loop.ifs:
            yield from parts_of(each.elt, _in_each(each, inline), negated=True)
        case ast.Call(func=ast.Name(id="bool"), args=[inner]):
            yield from parts_of(inner, inline, negated)
        case ast.Call() if isinstance(whole, ast.BoolOp):  # what a helper answers
            yield from parts_of(whole, lambda node: node, negated)
        case ast.Call():
            yield from _called(test, inline, negated)
        case _:
            yield _plain(test, inline, negated)


def _in_each(loop: ast.GeneratorExp, inline: Inline) -> Inline:
    """What puts values in place, in a comprehension: its name stands for each of what it goes through."""
    one = loop.generators[0]
    if len(loop.generators) > 1 or not isinstance(one.target, ast.Name):
        return inline
    each = ast.Call(ast.Name("each", ast.Load()), [inline(one.iter)], [])
    put = putting({one.target.id: each})
    return lambda node: rebuilt(inline(node), put)


def chained(test: ast.Compare, inline: Inline, negated: bool = False) -> Iterator[Part]:
    """The claims of `a == b == c`, whether or not it is true wherever it runs."""
    left = test.left
    for sign, right in zip(test.ops, test.comparators, strict=True):
        yield from compared(left, _NEGATED[type(sign)]() if negated else sign, right, inline)
        left = right


def _plain(test: ast.expr, inline: Inline, negated: bool) -> Part:
    """`assert x`, or `assert not x`."""
    subject = inline(test)
    if isinstance(subject, ast.Compare | ast.BoolOp) and not isinstance(test, ast.Compare | ast.BoolOp):
        inner = list(parts_of(subject, lambda node: node, negated))  # `ok = a == b`, then `assert ok`
        if len(inner) == 1:
            return replace(inner[0], written=test)
    if isinstance(subject, ast.Attribute) and subject.attr in {"called", "called_once"} and not negated:
        return Part("mock", EXISTS, subject.value, _value(test))
    return Part("false" if negated else "true", CLOSE if negated else EXISTS, subject, test)


def _value(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Attribute) else node


def _either(values: list[ast.expr], inline: Inline, negated: bool) -> Iterator[Part]:
    """One of several is enough: all that is known about the first is a part of the truth."""
    each = [part for one in values for part in parts_of(one, inline, negated)]
    if not each:
        return
    if len({text_of(part.subject) for part in each}) == 1 and all(part.kind == "equal" for part in each):
        options = ast.Tuple([part.expected for part in each if part.expected is not None], ast.Load())
        yield replace(each[0], kind="contains", level=PART, expected=options, sign="in")
        return
    whole = ast.BoolOp(ast.Or(), [inline(one) for one in values])
    yield replace(each[0], kind="either", level=min(PART, *(part.level for part in each)), expected=whole)


def compared(left: ast.expr, op: ast.cmpop, right: ast.expr, inline: Inline) -> Iterator[Part]:
    """The claims of `left op right`."""
    one, other = written_out(inline(left)), written_out(inline(right))
    if isinstance(op, ast.In | ast.NotIn):
        yield _contained(left, op, right, one, other)
        return
    plain = isinstance(one, ast.Name) and one.id in BUILTINS
    same = is_literal(other) or (isinstance(other, ast.Name) and other.id in BUILTINS)
    made = is_filled_in(one) and not is_filled_in(other)
    if ((is_literal(one) or plain or made) and not same) or _approximate(one):
        left, right, one, other = right, left, other, one
        op = _FLIPPED.get(type(op), type(op))()
    if isinstance(op, ast.Eq | ast.Is):
        yield from _equal(left, one, other)
        return
    if isinstance(op, ast.NotEq | ast.IsNot):
        nothing = isinstance(other, ast.Constant) and other.value is None
        subject, loss, _ = peeled(one)
        yield Part("exists" if nothing else "unequal", EXISTS, subject, left, None if nothing else other, loss=loss)
        return
    yield _ordered(left, op, one, other)


def _ordered(left: ast.expr, op: ast.cmpop, one: ast.expr, other: ast.expr) -> Part:
    sign = _SIGNS.get(type(op), "?")
    match one:
        case ast.Call(func=func, args=[ast.BinOp(left=value, op=ast.Sub(), right=wanted)]) if last_name(func) in {
            "abs",
            "fabs",
        } and sign in {"<", "<="}:
            return Part("close", CLOSE, value, left, wanted, tolerance=(("abs", text_of(other)),))
    always = isinstance(one, ast.Call) and last_name(one.func) == "len" and (sign, text_of(other)) in _ALWAYS
    return Part("order", PART, one, left, other, sign=sign, flaw="constant" if always else "")


_ALWAYS = {(">=", "0"), (">", "-1")}


def _contained(left: ast.expr, op: ast.cmpop, right: ast.expr, one: ast.expr, other: ast.expr) -> Part:
    sign = "in" if isinstance(op, ast.In) else "not in"
    either = isinstance(other, ast.IfExp) and is_literal(other.body) and is_literal(other.orelse)
    if is_literal(one) or not (isinstance(other, LITERALS) or either):
        # `"a" in text` is about the text; `x in y` for two variables is about the container, too.
        subject, loss, _ = peeled(other)
        flaw = "constant" if isinstance(one, ast.Constant) and one.value == "" and sign == "in" else ""
        return Part("contains", PART, subject, right, one, sign=sign, loss=loss, flaw=flaw)
    if isinstance(other, ast.List | ast.Tuple | ast.Set):
        options = [text_of(each) for each in other.elts]
        if text_of(one) in options and sign == "in":
            return Part("contains", NOTHING, one, left, other, sign=sign, flaw="itself")
        if len(options) == 1 and sign == "in":
            return Part("equal", EQUAL, one, left, other.elts[0])
    return Part("contains", PART, one, left, other, sign=sign)


def peeled(node: ast.expr) -> tuple[ast.expr, frozenset[str], str]:
    """An expression without what is put around it; the names of what loses something; and `length` or `type`."""
    loss: set[str] = set()
    shape = ""
    while True:
        match node:
            case ast.Call(func=ast.Name(id=name), args=[inner, *rest]) if name in SORTING or (
                name in _SAME and not rest and not node.keywords
            ):
                if name in SORTING:
                    loss.add(name)
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in SMOOTHING:
                loss.add(name)
                node = inner
            case ast.Call(
                func=ast.Attribute(value=inner, attr=("split" | "partition" | "rpartition" | "expandtabs") as name)
            ):
                loss.add(name)
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr="replace"), args=[old, _]) if not _of_platform(old):
                loss.add(f"replace {text_of(old)}")
                node = inner
            case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[inner]):
                node = inner
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr="sub"), args=[old, _, inner]):
                loss.add(f"re.sub {text_of(old)}")
                node = inner
            case ast.Subscript(value=inner, slice=ast.Slice() as piece) if piece.lower or piece.upper or piece.step:
                loss.add(f"[{text_of(piece)}]")
                node = inner
            case ast.Call(func=ast.Name(id="round"), args=[inner, *digits]):
                loss.add(f"round {text_of(digits[0])}" if digits else "round")
                node = inner
            case (
                ast.Call(func=ast.Name(id="len"), args=[inner])
                | ast.Attribute(value=inner, attr=("shape" | "ndim" | "dtype"))
            ):
                shape, node = "length", inner
            case ast.Call(func=ast.Name(id="type"), args=[inner]):
                shape, node = "type", inner
            case _:
                return node, frozenset(loss), shape


def _of_platform(old: ast.expr) -> bool:
    """Whether what is replaced only differs between platforms."""
    return any(word in text_of(old) for word in ("\\\\", "\\r", "sep", "path", "dir", "root", "folder"))


def _both_given_to(one: ast.expr, other: ast.expr) -> tuple[str, ast.expr, ast.expr] | None:
    """The function that both sides are given to, as in `plain(x) == plain("A b")`, with both arguments."""
    match one, other:
        case ast.Call(func=func, args=[first]), ast.Call(func=same, args=[second]) if text_of(func) == text_of(same):
            if not is_literal(first) and is_literal(second) and not last_name(func)[:1].isupper():
                return last_name(func), first, second
        case _:
            pass
    return None


def _equal(left: ast.expr, one: ast.expr, other: ast.expr) -> Iterator[Part]:
    pairs = _pairs(one, other)
    if pairs is not None:
        for mine, theirs in pairs:
            # Of what is the same on both sides, only the name tells whether the test gave it away to be changed.
            yield from _equal(left if text_of(mine) == text_of(theirs) else mine, mine, theirs)
        return
    # Two objects that were made alike are compared: that is about their class.
    made = isinstance(one, ast.Call) and last_name(one.func)[:1].isupper()
    if text_of(one) == text_of(other) and not made:
        yield Part("equal", NOTHING, peeled(one)[0], peeled(left)[0], other, flaw="itself")
        return
    given = _both_given_to(one, other) if not isinstance(one, ast.Call) or last_name(one.func) not in SORTING else None
    if given is not None:
        name, one, other = given
        if name == "list" and isinstance(other, ast.Dict) and None not in other.keys:
            yield from _equal(left, one, ast.List([key for key in other.keys if key is not None], ast.Load()))
            return
        yield from (replace(part, loss=part.loss | {name}) for part in _equal(left, one, other))
        return
    subject, loss, shape = peeled(one)
    written = peeled(left)[0]
    expected, _, _ = peeled(other) if not is_literal(other) else (other, frozenset[str](), "")
    bare = without_fallback(subject, expected)
    if bare is not None:
        subject, loss = bare, loss | {f"or {text_of(expected)}"}
    if last_name(expected.func if isinstance(expected, ast.Call) else expected) in _ANYTHING:
        yield Part("equal", NOTHING, subject, written, expected, flaw="anything")
    elif shape == "length":
        if text_of(other) == "0":
            yield Part("false", CLOSE, subject, written)
        else:
            yield Part("length", PART, subject, written, expected)
    elif shape == "type":
        yield Part("type", EXISTS, subject, written, other)
    elif isinstance(expected, ast.Call) and _approximate(expected):
        tolerance = tuple((one.arg or "", text_of(one.value)) for one in expected.keywords)
        tolerance += tuple(zip(("rel", "abs"), map(text_of, expected.args[1:]), strict=False))
        yield Part("close", CLOSE, subject, written, expected.args[0] if expected.args else None, loss=loss, tolerance=tolerance)  # fmt: skip
    else:
        mock = _of_mock(subject, written, other)
        hole = any(
            last_name(part) == "ANY" for part in ast.walk(expected) if isinstance(part, ast.Name | ast.Attribute)
        )
        yield mock or Part(
            "equal", EQUAL, subject, written, expected, loss=loss | (frozenset({"ANY"}) if hole else frozenset())
        )


def _of_mock(subject: ast.expr, written: ast.expr, expected: ast.expr) -> Part | None:
    if not isinstance(subject, ast.Attribute):
        return None
    if subject.attr in {"call_args", "call_args_list", "mock_calls", "method_calls", "await_args"}:
        if isinstance(expected, ast.Call) and last_name(expected.func) == "call":
            expected = arguments(expected, lambda node: node)
        return Part("mock", EQUAL, subject.value, _value(written), expected)
    if subject.attr in {"call_count", "await_count"}:
        return Part("mock", PART, subject.value, _value(written), expected)
    return None


def arguments(call: ast.Call, inline: Inline) -> ast.Tuple:
    """The arguments of a call as one value."""
    named = [ast.Tuple([ast.Constant(one.arg), inline(one.value)], ast.Load()) for one in call.keywords]
    return ast.Tuple([*map(inline, call.args), *named], ast.Load())


def _approximate(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) == "approx"


def _pairs(one: ast.expr, other: ast.expr) -> list[tuple[ast.expr, ast.expr]] | None:
    """Both sides part by part, if both are written out and have the same shape."""
    one, other = unrolled(one), unrolled(other)
    if isinstance(one, ast.Dict) and isinstance(other, ast.Dict):
        keys = [None if key is None else text_of(key) for key in one.keys]
        theirs = {
            None if key is None else text_of(key): value for key, value in zip(other.keys, other.values, strict=True)
        }
        if None not in keys and set(keys) == theirs.keys() and keys:
            return [(value, theirs[key]) for key, value in zip(keys, one.values, strict=True)]
        return None
    if isinstance(one, ast.List | ast.Tuple) and isinstance(other, ast.List | ast.Tuple):
        starred = any(isinstance(each, ast.Starred) for each in (*one.elts, *other.elts))
        if len(one.elts) == len(other.elts) > 0 and not starred:
            return list(zip(one.elts, other.elts, strict=True))
    return None


def _called(test: ast.Call, inline: Inline, negated: bool) -> Iterator[Part]:
    """`assert isinstance(x, int)` and other calls that say something about an argument."""
    name, args = last_name(test.func), test.args
    method = isinstance(test.func, ast.Attribute)
    if negated:
        yield _plain(test, inline, negated)
    elif name in {"isinstance", "issubclass"} and len(args) == 2:
        flaw = "constant" if last_name(args[1]) == "object" else ""
        yield Part("type", EXISTS, inline(args[0]), args[0], inline(args[1]), flaw=flaw)
    elif name == "callable" and len(args) == 1:
        yield Part("type", EXISTS, inline(args[0]), args[0])
    elif name == "hasattr" and len(args) == 2 and isinstance(args[1], ast.Constant):
        named = ast.Attribute(args[0], str(args[1].value), ast.Load())
        yield Part("exists", EXISTS, inline(named), named)
    elif method and name in {"startswith", "endswith"} and len(args) == 1:
        assert isinstance(test.func, ast.Attribute)
        subject, loss, _ = peeled(inline(test.func.value))
        flaw = "constant" if text_of(args[0]) == "''" else ""
        yield Part("contains", PART, subject, test.func.value, inline(args[0]), sign=name, loss=loss, flaw=flaw)
    elif method and name in {"match", "search", "fullmatch"} and args:
        yield _matched(test, args, inline)
    elif name in {"isclose", "allclose"} and len(args) >= 2:
        tolerance = tuple((one.arg or "", text_of(one.value)) for one in test.keywords)
        yield Part("close", CLOSE, inline(args[0]), args[0], inline(args[1]), tolerance=tolerance)
    elif name in {"array_equal", "array_equiv"} and len(args) >= 2:
        yield from compared(args[0], ast.Eq(), args[1], inline)
    elif method and name == "equals" and len(args) == 1:
        assert isinstance(test.func, ast.Attribute)
        yield from compared(test.func.value, ast.Eq(), args[0], inline)
    else:
        yield _plain(test, inline, negated)


def _matched(test: ast.Call, args: list[ast.expr], inline: Inline) -> Part:
    func = test.func
    assert isinstance(func, ast.Attribute)
    if len(args) >= 2:  # re.match(pattern, text)
        pattern, text = inline(args[0]), args[1]
    else:
        pattern, text = inline(func.value), args[0]
    return Part("matches", PART, inline(text), text, pattern, sign=func.attr, match=constant(pattern))
