"""Answers of tests that production code has written out: it gives them without computing anything."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.reading import Function, Module, Side, holds_tests, is_test_code
from gates.analysis.checks.trees import is_literal, last_name, text_of
from gates.results.weakening import Weakening

_USUAL = frozenset({"None", "True", "False", "0", "1", "-1", "''", "[]", "{}", "()", "0.0", "1.0", "b''"})
"""What many functions give without having been told by a test."""


class Answer(NamedTuple):
    """What a function gives for one value, as it is written out there."""

    given: str
    result: str
    line: int


Reading = Callable[[Side, str], Iterable[Claim]]
"""The claims of the tests of a file."""


def answers_written_out(changed: Collection[str], base: Side, head: Side, claims_in: Reading) -> Iterator[Weakening]:
    """A finding for each function that has the answers of its tests written out on the head, and not on the base.

    Args:
        changed: paths of files that differ.
        base: the files of the base.
        head: the files of the head.
        claims_in: reads the tests of a file.
    """
    for path in changed:
        was, now = (side.module(path) if not is_test_code(path) else None for side in (base, head))
        if was is None or now is None:
            continue
        known = _literals(was)
        for name, function in _functions(now).items():
            new = [one for one in _answers(function, now) if one.result not in known | _USUAL]
            if name not in _functions(was) or not new:
                continue
            asked = [_asked(name, one, base, head, claims_in) for one in new]
            if any(asked):
                # The base answered what its tests asked without it, so nothing else needs it.
                certain = all(one == "base" for one in asked)
                told = ", ".join(f"{one.given} → {one.result}" for one in new[:3])
                yield Weakening(
                    rule="answer-written-out", what=f"{name} has what a test expects of it written out",
                    path=path, line=new[0].line, after=told, strength="certain" if certain else "hint",
                )  # fmt: skip


def _functions(module: Module) -> dict[str, Function]:
    found = dict(module.functions)
    for owner in module.classes.values():
        found |= {one.name: one for one in owner.body if isinstance(one, Function)}
    return found


def _literals(module: Module) -> set[str]:
    assert module.tree is not None
    return {text_of(one) for one in ast.walk(module.tree) if isinstance(one, ast.expr) and is_literal(one)}


def _answers(function: Function, module: Module) -> Iterator[Answer]:
    """The values that a function compares an argument with, and gives a written result for."""
    ordered = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    names = set(ordered)
    for part in ast.walk(function):
        match part:
            case ast.If(test=test, body=[ast.Return(value=ast.expr() as result)]) | ast.IfExp(test=test, body=result):
                given = _all_equal(test, names)
                if given and is_literal(result):
                    told = ", ".join(text_of(given[name]) for name in ordered if name in given)
                    yield Answer(told, text_of(result), part.lineno)
            case ast.Match(subject=ast.Name(id=name), cases=cases) if name in names:
                for case in cases:
                    if isinstance(case.pattern, ast.MatchValue) and isinstance(case.body[0], ast.Return):
                        given_back = case.body[0].value
                        if given_back is not None and is_literal(given_back):
                            yield Answer(text_of(case.pattern.value), text_of(given_back), case.body[0].lineno)
            case ast.Subscript(value=table, slice=ast.Name(id=name)) if name in names:
                yield from _of_table(table, module, part.lineno)
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[ast.Name(id=name), *_]) if name in names:
                yield from _of_table(table, module, part.lineno)


def _all_equal(test: ast.expr, names: set[str]) -> dict[str, ast.expr]:
    """The written values that a condition compares arguments with, if it does nothing else."""
    found: dict[str, ast.expr] = {}
    for part in test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else [test]:
        match part:
            case ast.Compare(left=ast.Name(id=name), ops=[ast.Eq()], comparators=[value]) if name in names:
                pass
            case ast.Compare(left=value, ops=[ast.Eq()], comparators=[ast.Name(id=name)]) if name in names:
                pass
            case _:
                return {}
        if not is_literal(value):
            return {}
        found[name] = value
    return found


def _of_table(table: ast.expr, module: Module, line: int) -> Iterator[Answer]:
    if isinstance(table, ast.Name):
        table = module.constants.get(last_name(table), table)
    for key, value in zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ():
        if key is not None and is_literal(key) and is_literal(value):
            yield Answer(text_of(key), text_of(value), line)


def _asked(name: str, answer: Answer, base: Side, head: Side, claims_in: Reading) -> str:
    """Which side's tests ask for an answer: the base's, only the head's, or none."""
    asking = re.compile(rf"(.*\.)?{re.escape(name)}\((\w+=)?{re.escape(answer.given)}\)")
    for side, which in ((base, "base"), (head, "head")):
        for path in side.texts:
            text = (side.texts.get(path) or "").replace('"', "'") if path.endswith(".py") and holds_tests(path) else ""
            if name in text and answer.given in text and answer.result in text:
                for claim in claims_in(side, path):
                    if claim.expected == answer.result and asking.fullmatch(claim.subject) and claim.counts:
                        return which
    return ""
