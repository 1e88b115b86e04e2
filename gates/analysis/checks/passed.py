"""Functions that a test passes on, to be called later, in a thread or once for each of several values."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gates.analysis.checks.trees import dotted, keyword, last_name, truth

_CALLING = {
    "addCleanup": 0, "addClassCleanup": 0, "addModuleCleanup": 0, "addAsyncCleanup": 0, "addfinalizer": 0, "callback": 0,
    "submit": 0, "apply": 0, "apply_async": 0, "to_thread": 0, "start_soon": 0, "run_in_executor": 1,
}  # fmt: skip
"""Name of what calls a function → where that stands among its arguments; the rest is passed to it."""

_MAPPING = frozenset({"map", "imap", "imap_unordered"})
_KEEPING = frozenset({"submit", "apply_async"})
"""What keeps a failure until someone asks for the result."""

OTHER_THREADS = frozenset({"Thread", "Timer"})
"""What runs a function where its failure does not reach the test."""


def calls_later(call: ast.Call) -> Iterator[ast.expr]:
    """What a call of `addCleanup`, `submit`, `map` and the like calls."""
    name = last_name(call.func)
    at = _CALLING.get(name)
    if at is not None and len(call.args) > at:
        yield _called(call.args[at], call.args[at + 1 :], call.keywords)
    elif name in _MAPPING and len(call.args) > 1:
        each = [ast.Call(ast.Name("each", ast.Load()), [one], []) for one in call.args[1:]]
        yield _called(call.args[0], [*each], [])
    elif name in OTHER_THREADS:
        target, given = keyword(call, "target"), keyword(call, "args")
        if target is not None:
            yield _called(target, given.elts if isinstance(given, ast.Tuple | ast.List) else [], [])


def _called(function: ast.expr, args: list[ast.expr], keywords: list[ast.keyword]) -> ast.expr:
    if isinstance(function, ast.Lambda):
        return function.body
    return ast.copy_location(ast.Call(function, args, keywords), function)


def keeps_failures(call: ast.Call) -> bool:
    """Whether a failure in what a call runs is lost, unless the test reads its result."""
    if last_name(call.func) == "gather":
        kept = keyword(call, "return_exceptions")
        return kept is not None and truth(kept) is True
    return last_name(call.func) in _KEEPING or dotted(call.func) == "asyncio.wait"
