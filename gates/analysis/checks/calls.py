"""Calls that check something: unittest's, NumPy's and pandas' assertions, mocks, and any function that is called `assert…`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from gates.analysis.checks.claims import CLOSE, EQUAL, EXISTS, PART
from gates.analysis.checks.parts import Inline, Part, arguments, compared, parts_of
from gates.analysis.checks.trees import constant, keyword, last_name, text_of

_COMPARING: dict[str, type[ast.cmpop]] = {
    **dict.fromkeys(
        ["assertEqual", "assertEquals", "assertListEqual", "assertDictEqual", "assertSetEqual", "assertTupleEqual", "assertSequenceEqual", "assertMultiLineEqual", "assertIs", "assert_equal", "assert_array_equal", "assert_string_equal", "assert_frame_equal", "assert_series_equal", "assert_index_equal", "assert_extension_array_equal", "eq_", "assert_equals", "assertQuerySetEqual"],
        ast.Eq,
    ),
    **dict.fromkeys(["assertNotEqual", "assertNotEquals", "assertIsNot"], ast.NotEq),
    "assertIn": ast.In, "assertNotIn": ast.NotIn, "assertGreater": ast.Gt, "assertGreaterEqual": ast.GtE,
    "assertLess": ast.Lt, "assertLessEqual": ast.LtE, "assert_array_less": ast.Lt,
}  # fmt: skip

_CLOSE: dict[str, tuple[str, ...]] = {
    "assertAlmostEqual": ("places", "msg", "delta"), "assertAlmostEquals": ("places", "msg", "delta"),
    "assert_allclose": ("rtol", "atol"), "assert_almost_equal": ("decimal",), "assert_array_almost_equal": ("decimal",),
    "assert_approx_equal": ("significant",), "assert_array_almost_equal_nulp": ("nulp",), "assert_array_max_ulp": ("maxulp",),
}  # fmt: skip

_MOCKED = {
    "assert_called_once_with": EQUAL, "assert_called_with": EQUAL, "assert_has_calls": EQUAL, "assert_any_call": CLOSE,
    "assert_not_called": EQUAL, "assert_called_once": PART, "assert_called": EXISTS, "assert_awaited": EXISTS,
    "assert_awaited_once": PART, "assert_awaited_with": EQUAL, "assert_awaited_once_with": EQUAL,
    "assert_any_await": CLOSE, "assert_has_awaits": EQUAL, "assert_not_awaited": EQUAL,
}  # fmt: skip

RAISING = frozenset({"raises", "assertRaises", "assertRaisesRegex", "assertRaisesRegexp", "RaisesGroup", "assert_raises", "assert_raises_regex"})  # fmt: skip
WARNING = frozenset({"warns", "deprecated_call", "assertWarns", "assertWarnsRegex", "assertLogs", "assertNoLogs", "assert_warns"})  # fmt: skip
EXPECTING = RAISING | WARNING

_OTHERS = frozenset({"assert_not_called", "assert_not_awaited", "assert_has_calls", "assert_has_awaits"})
_SUBJECTS = frozenset({"assert_that", "assertThat", "expect", "ensure", "that", "should"})
_CHECKING = ("assert", "expect", "check", "verify", "validate", "should", "raise_for_status")
_WEAK = ("true", "truthy", "not_none", "exist", "is_instance", "isnotnone", "ok_", "called", "defined")


def is_mock_assertion(name: str) -> bool:
    """Whether a mock has a method with this name that checks something."""
    return name in _MOCKED


def checked_by_call(call: ast.Call, inline: Inline) -> Iterator[Part] | None:
    """The claims of a call; None if it is not one that is known to check something."""
    name, args = last_name(call.func), call.args
    if name in _MOCKED and isinstance(call.func, ast.Attribute):
        level = _MOCKED[name]
        expected = arguments(call, inline) if args or call.keywords or level == EQUAL else None
        said = name if name in _OTHERS else ""
        loss = {"ANY"} if expected is not None and any(last_name(one) == "ANY" for one in ast.walk(expected)) else set()
        kept = [one for one in call.keywords if one.arg != "any_order"]
        if len(kept) < len(call.keywords):
            loss.add("any_order")
            expected = arguments(ast.Call(call.func, call.args, kept), inline)
        return iter(
            [Part("mock", level, inline(call.func.value), call.func.value, expected, sign=said, loss=frozenset(loss))]
        )
    if not isinstance(call.func, ast.Attribute) and name.startswith("assert") and name[6:7].isupper():
        pass  # `from somewhere import assertEqual` is as good as the method
    if name in _COMPARING and len(args) >= 2:
        made = compared(args[0], _COMPARING[name](), args[1], inline)
        loose = frozenset(
            f"{one.arg}={text_of(one.value)}" for one in call.keywords
            if one.arg and ((one.arg.startswith("check_") and text_of(one.value) == "False") or one.arg in {"rtol", "atol", "check_like"})
        )  # fmt: skip
        return (replace(part, loss=part.loss | loose) for part in made)
    if name in _CLOSE and len(args) >= 2:
        tolerance = [(one.arg or "", text_of(one.value)) for one in call.keywords if one.arg not in {"msg", "err_msg"}]
        tolerance += zip(_CLOSE[name], map(text_of, args[2:]), strict=False)
        told = tuple((which, value) for which, value in tolerance if which != "msg")
        return iter([Part("close", CLOSE, inline(args[0]), args[0], inline(args[1]), tolerance=told or ((name, "default"),))])  # fmt: skip
    return _by_name(call, name, args, inline)


def _by_name(call: ast.Call, name: str, args: list[ast.expr], inline: Inline) -> Iterator[Part] | None:
    none = ast.Constant(None)
    match name, args:
        case (("assertTrue" | "assert_" | "ok_"), [test, *_]):
            return parts_of(test, inline)
        case "assertFalse", [test, *_]:
            return parts_of(test, inline, negated=True)
        case "assertIsNone", [test, *_]:
            return compared(test, ast.Is(), none, inline)
        case "assertIsNotNone", [test, *_]:
            return compared(test, ast.IsNot(), none, inline)
        case "assertIsInstance", [test, kind, *_]:
            return iter([Part("type", EXISTS, inline(test), test, inline(kind))])
        case "assertCountEqual", [one, other, *_]:
            return (replace(part, loss=part.loss | {"sorted"}) for part in compared(one, ast.Eq(), other, inline))
        case (("assertRegex" | "assertRegexpMatches"), [text, pattern, *_]):
            return iter([Part("matches", PART, inline(text), text, inline(pattern), sign="search", match=constant(inline(pattern)))])  # fmt: skip
    return _unknown(call, name, inline)


def _unknown(call: ast.Call, name: str, inline: Inline) -> Iterator[Part] | None:
    """`assert_that(x, equal_to(3))`, `expect(x).to_equal(3)`, `assert_valid(x)`."""
    for inner in ast.walk(call.func):
        if isinstance(inner, ast.Call) and last_name(inner.func) in _SUBJECTS and inner.args:
            subject = inner.args[0]
            expected = ast.Tuple([ast.Constant(name), *map(inline, call.args)], ast.Load())
            return iter([Part("call", _strength(name), inline(subject), subject, expected, sign=name)])
    if name.startswith(_CHECKING) or name in _SUBJECTS:
        subject = call.args[0] if call.args else call.func
        rest = [inline(one) for one in call.args[1:]] + [inline(one.value) for one in call.keywords]
        weak = " ".join((name, *(last_name(one.func) if isinstance(one, ast.Call) else "" for one in rest)))
        return iter([Part("call", _strength(weak), inline(subject), subject, ast.Tuple(rest, ast.Load()), sign=name)])
    return None


def _strength(name: str) -> int:
    return EXISTS if any(word in name.lower() for word in _WEAK) else CLOSE


def expectation(call: ast.Call, inline: Inline) -> tuple[str, tuple[str, ...], str | None, list[ast.expr]]:
    """Of `raises(E, match=…)` and the like: kind, exceptions, pattern, and the call that it makes itself."""
    name, args = last_name(call.func), list(call.args)
    pattern = keyword(call, "match") or keyword(call, "expected_regex")
    if name.endswith(("Regex", "Regexp", "_regex")) and len(args) > 1:
        pattern = args.pop(1)
    wanted = args.pop(0) if args else keyword(call, "expected_exception")
    if name == "deprecated_call":
        wanted, args = ast.Name("DeprecationWarning", ast.Load()), []
    if name in {"assertLogs", "assertNoLogs"}:
        args = []
    names: tuple[str, ...] = ()
    if wanted is not None:
        inlined = inline(wanted)
        each = inlined.elts if isinstance(inlined, ast.Tuple) else [inlined]
        names = tuple(sorted({text_of(one) for one in each}))
    check = keyword(call, "check")
    found = constant(inline(pattern)) if pattern is not None else None
    if found is None and check is not None:
        found = f"<{text_of(check)}>"
    return ("warns" if name in WARNING else "raises"), names, found, args
