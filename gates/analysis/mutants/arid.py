"""Which code is not worth a fault: a test of it is not worth writing, or a fault in it has no effect.

Google calls such nodes arid ("Practical Mutation Testing at Scale", 2021): a survivor in a log message only teaches
people to ignore survivors. Each pattern below has its reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

Function = ast.FunctionDef | ast.AsyncFunctionDef

SHOWING = frozenset({"__repr__", "__str__", "__format__", "__rich_repr__", "__rich__", "__del__", "__sizeof__"})
"""Methods for people and the interpreter: their texts are no behaviour."""

_TALKING = re.compile(r"(^|_)(log|logger|logging|warnings?|debug|trace|print|echo|secho)$", re.IGNORECASE)
_TALK = frozenset(
    {"debug", "info", "warn", "warning", "error", "exception", "critical", "log", "print", "echo", "secho"}
)
_COSTS = re.compile(
    r"(^|_)(time_?outs?|delay|sleep|interval|patience|grace|poll|tick|backoff|jitter|deadline|"
    r"buf(fer)?(_?size)?|buffering|chunk(_?size)?|block_?size|max_?size|cache_?size|capacity_hint|stack_?level|indent|width)$",
    re.IGNORECASE,
)
"""Names of numbers that decide only how fast, how long or how wide something is: another value has the same result."""
_CACHES = re.compile(r"cache|memo(ized?|ised?)?$|_seen_before$|_known$", re.IGNORECASE)
_TIDYING = frozenset(
    {"close", "flush", "cache_clear", "collect", "join", "shutdown", "unlink", "cleanup", "freeze", "fsync"}
)
"""Calls that tidy up: without them the result is the same, mostly."""
_NO_COVER = re.compile(r"#\s*pragma:\s*no (cover|mutate)", re.IGNORECASE)


def called(node: ast.AST) -> str:
    """The last name of what a call calls."""
    if isinstance(node, ast.Call):
        return called(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def talks(node: ast.AST) -> bool:
    """Whether a call only tells people something: logging, warnings, printing."""
    if not isinstance(node, ast.Call):
        return False
    name, owner = called(node.func), node.func.value if isinstance(node.func, ast.Attribute) else None
    if owner is None:
        return name in _TALK and name not in ("error", "exception", "log")
    return name in {*_TALK, "warn_explicit", "write"} and bool(_TALKING.search(called(owner)) or _is_stream(owner))


def _is_stream(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr", "__stdout__", "__stderr__")


def only_costs(name: str) -> bool:
    """Whether a name means a duration, a size of a buffer, or another number without an effect on results."""
    return bool(_COSTS.search(name))


def keeps(node: ast.AST) -> bool:
    """Whether something is a cache: a value that is missing there is computed again."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        if isinstance(node, ast.Attribute) and _CACHES.search(node.attr):
            return True
        node = node.value
    return isinstance(node, ast.Name) and bool(_CACHES.search(node.id))


def tidies(call: ast.Call) -> bool:
    """Whether a call only tidies up, or calls the same method of the class above."""
    return called(call) in _TIDYING or (
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Call)
        and called(call.func.value) == "super"
    )


def skipped_function(node: Function) -> bool:
    """Whether no fault in a function is worth a test: it shows something, is abstract, or only declares types."""
    names = {called(decorator) for decorator in node.decorator_list}
    return node.name in SHOWING or bool(names & {"abstractmethod", "overload", "abstractproperty"}) or is_stub(node)


def is_stub(node: Function) -> bool:
    """Whether a function has no body: `...`, `pass`, a docstring, `raise NotImplementedError`."""
    return all(_does_nothing(statement) for statement in node.body)


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Raise):
        return statement.exc is not None and called(statement.exc) == "NotImplementedError"
    return isinstance(statement, ast.Pass)


def skipped_class(node: ast.ClassDef) -> bool:
    """Whether a class only declares types."""
    return any(
        called(base.value if isinstance(base, ast.Subscript) else base) in ("Protocol", "TypedDict")
        for base in node.bases
    )


def skipped_condition(test: ast.expr) -> bool:
    """Whether a condition depends on the environment, not on the code: types, platform, `__main__`, always true."""
    if isinstance(test, ast.Constant):
        return True
    text = ast.unparse(test)
    return bool(
        re.search(
            r"\bTYPE_CHECKING\b|\b__name__\b|\bsys\.(platform|version_info|flags)\b|\bos\.name\b|\b__debug__\b", text
        )
    )


def reachable(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block before the first that leaves it, and that one."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue):
            return


def left_out_lines(lines: Sequence[str]) -> frozenset[int]:
    """Lines with a comment that asks tools to leave them out."""
    return frozenset(number for number, line in enumerate(lines, 1) if "#" in line and _NO_COVER.search(line))
