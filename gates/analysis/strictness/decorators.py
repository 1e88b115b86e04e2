"""Decorators that take code from the type checker: `@no_type_check` is a `# type: ignore` for a whole function. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gates.analysis.reading import parse
from gates.results import SettingChange

_NAME = "no_type_check"
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class _Place(NamedTuple):
    path: str
    line: int
    text: str


def decorator_changes(base: Mapping[str, str], head: Mapping[str, str]) -> Iterator[SettingChange]:
    """New decorators are weaker, and those that are gone are stronger; one that moved with its function is none.

    Args:
        base: path → text of the base, of the files that changed.
        head: path → text of the head.
    """
    if not any(_NAME in text for side in (base, head) for text in side.values()):
        return
    (was, plain), (now, typed) = (_definitions(side) for side in (base, head))
    for name in sorted(now.keys() - was.keys()):
        # On code that was checked before it is certain; new code was never checked.
        yield _change("weaker", now[name], f"{name} is not type-checked any more" if name in plain else f"{name} is not type-checked",
                      certain=name in plain)  # fmt: skip
    for name in sorted(was.keys() - now.keys()):
        if name in typed:
            yield _change("stronger", was[name], f"{name} is type-checked now", certain=True)


def _definitions(texts: Mapping[str, str]) -> tuple[dict[str, _Place], set[str]]:
    """What has the decorator, by its dotted name, and the names of what has not."""
    marked: dict[str, _Place] = {}
    others: set[str] = set()
    for path, text in texts.items():
        tree = parse(text)
        for name, node in _defined(tree, "") if tree is not None else ():
            found = [one for one in node.decorator_list if _last(one) == _NAME]
            if found:
                marked[name] = _Place(path, found[0].lineno, f"@{ast.unparse(found[0])}")
            else:
                others.add(name)
    return marked, others - marked.keys()


def _defined(node: ast.AST, front: str) -> Iterator[tuple[str, _Definition]]:
    for one in ast.iter_child_nodes(node):
        if isinstance(one, _Definition):
            yield f"{front}{one.name}", one
            yield from _defined(one, f"{front}{one.name}.")


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _change(direction: str, place: _Place, what: str, *, certain: bool) -> SettingChange:
    weaker = direction == "weaker"
    return SettingChange(
        tool="comment",
        key=f"@{_NAME}",
        path=place.path,
        line=place.line if weaker else 0,
        before="" if weaker else place.text,
        after=place.text if weaker else "",
        direction="weaker" if weaker else "stronger",
        what=what,
        strength="certain" if certain or not weaker else "hint",
    )
