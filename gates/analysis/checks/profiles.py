"""Profiles of Hypothesis in test code: how many examples each property is tried with."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gates.analysis.checks.reading import Module, Side, is_test_code
from gates.analysis.checks.rules.hypothesis import USUAL, few
from gates.analysis.checks.trees import calls_in, keyword, last_name
from gates.results.weakening import Weakening


class _Profile(NamedTuple):
    examples: int
    line: int
    chosen: bool
    most: int


def weaker_profiles(changed: Iterable[str], base: Side, head: Side) -> Iterator[Weakening]:
    """A finding for each file whose profile tries fewer examples than before.

    Args:
        changed: paths of files that differ.
        base: the files of the base.
        head: the files of the head.
    """
    for path in changed:
        module = head.module(path) if is_test_code(path) else None
        now = _loaded(module)
        if now is None:
            continue
        was = _loaded(base.module(path))
        many = was.examples if was is not None else USUAL
        if now.examples < many:
            # A variable may choose a profile that tries as much as before.
            elsewhere = now.chosen and now.most >= many
            yield Weakening(
                rule="fewer-examples", what="Hypothesis tries each property with fewer examples", path=path, line=now.line,
                before=f"max_examples={many}", after=f"max_examples={now.examples}",
                strength="certain" if few(many, now.examples) and not elsewhere else "hint",
            )  # fmt: skip


def _loaded(module: Module | None) -> _Profile | None:
    """The profile that a file loads last; None if it loads none."""
    if (
        module is None
        or module.tree is None
        or "hypothesis" not in {one.partition(".")[0] for one in module.imports.values()}
    ):
        return None
    known: dict[str, int] = {}
    loaded: tuple[str, int, bool] | None = None
    for call in sorted(calls_in(module.tree), key=lambda one: one.lineno):
        name, first = last_name(call.func), call.args[0] if call.args else None
        if name == "register_profile" and isinstance(first, ast.Constant):
            known[str(first.value)] = _examples(call, known)
        elif name == "load_profile" and first is not None:
            chosen = not isinstance(first, ast.Constant)
            texts = [
                one.value for one in ast.walk(first) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
            if texts:  # the last is the default of a variable
                loaded = texts[-1], call.lineno, chosen
    if loaded is None or loaded[0] not in known:
        return None
    return _Profile(known[loaded[0]], loaded[1], loaded[2], max(known.values()))


def _examples(call: ast.Call, known: dict[str, int]) -> int:
    """How many examples a profile tries."""
    for one in (call, *(part for part in calls_in(call) if last_name(part.func) == "settings")):
        said = keyword(one, "max_examples")
        if isinstance(said, ast.Constant) and isinstance(said.value, int):
            return said.value
    parent = keyword(call, "parent")
    names = [part.value for part in ast.walk(parent) if isinstance(part, ast.Constant)] if parent is not None else []
    return next((known[name] for name in names if isinstance(name, str) and name in known), USUAL)
