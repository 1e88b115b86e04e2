"""Classes that compare less than before: two objects that differ are equal, for their tests as well."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from gates.analysis.checks.reading import Function, Side, is_test_code
from gates.analysis.checks.trees import keyword, last_name, truth
from gates.results.weakening import Strength, Weakening

_DATA = frozenset({"dataclass", "define", "frozen", "mutable", "attrs", "attrib", "s", "dataclasses"})
_ALL = frozenset({"__dict__", "__slots__"})
_ALWAYS = {"__eq__": "two of {} are equal now, whatever they hold", "__contains__": "anything is in a {} now"}
_ASKED = frozenset({"__class__", "__name__", "__qualname__"})


def weaker_equality(changed: Collection[str], base: Side, head: Side) -> Iterator[Weakening]:
    """A finding for each class that compares fewer of its fields on the head, or is equal to everything.

    Args:
        changed: paths of files that differ.
        base: the files of the base.
        head: the files of the head.
    """
    for path in changed:
        was, now = base.module(path), head.module(path)
        for name, owner in now.classes.items() if now is not None and was is not None else ():
            before = was.classes.get(name) if was is not None else None
            if before is None or ast.dump(before) == ast.dump(owner):
                continue
            for method in ("__contains__", "__eq__"):
                was_so, is_so = _method(before, method), _method(owner, method)
                if is_so is not None and _always(is_so) and was_so is not None and not _always(was_so):
                    wide = _ALWAYS[method]
                    yield Weakening(
                        rule="equality-of-less", what=wide.format(name), path=path, line=is_so.lineno,
                        before=_told(was_so), after=_told(is_so), strength=_strength(name, method, changed, base, head),
                    )  # fmt: skip
            said = _judge(before, owner)
            if said is not None:
                what, old, new = said
                yield Weakening(
                    rule="equality-of-less", what=f"two of {name} are equal now {what}", path=path, line=_line(owner),
                    before=old, after=new, strength=_strength(name, "__eq__", changed, base, head),
                )  # fmt: skip


def _judge(before: ast.ClassDef, after: ast.ClassDef) -> tuple[str, str, str] | None:
    """What became weaker, with both texts."""
    eq, now = _method(before, "__eq__"), _method(after, "__eq__")
    if now is not None and _always(now):
        return ("whatever they hold", "", _told(now)) if eq is None else None
    was, still = _compared(before), _compared(after)
    if was is None or still is None:
        return None
    lost = sorted((was - still) & _fields(after))
    return (f"if only {', '.join(lost)} differ", _named(was), _named(still)) if lost else None


def _told(method: Function) -> str:
    return ast.unparse(method.body[-1])


def _named(fields: frozenset[str]) -> str:
    return f"compares {', '.join(sorted(fields)) or 'nothing'}"


def _method(owner: ast.ClassDef, name: str) -> Function | None:
    return next((one for one in owner.body if isinstance(one, Function) and one.name == name), None)


def _always(method: Function) -> bool:
    """Whether a method gives a true value, and nothing else."""
    given = [one.value for one in ast.walk(method) if isinstance(one, ast.Return)]
    return bool(given) and all(one is not None and truth(one) is True for one in given)


def _compared(owner: ast.ClassDef) -> frozenset[str] | None:
    """The fields that decide whether two objects are equal; None if that is not known."""
    method = _method(owner, "__eq__")
    if method is not None:
        return _read_by(method, owner, set())
    made = next((one for one in owner.decorator_list if _is_data(one)), None)
    if made is None:
        return None
    off = keyword(made, "eq") if isinstance(made, ast.Call) else None
    if off is not None and truth(off) is False:
        return None
    return frozenset(
        one.target.id
        for one in owner.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and not _left_out(one.value)
    )


def _is_data(node: ast.expr) -> bool:
    return last_name(node.func if isinstance(node, ast.Call) else node) in _DATA


def _left_out(value: ast.expr | None) -> bool:
    """Whether `field(compare=False)` leaves a field out."""
    if not isinstance(value, ast.Call):
        return False
    said = keyword(value, "compare") or keyword(value, "eq")
    return said is not None and truth(said) is False


def _read_by(method: Function, owner: ast.ClassDef, seen: set[str]) -> frozenset[str] | None:
    """The fields of itself that a method looks at, also through other methods of its class."""
    seen.add(method.name)
    me = method.args.args[0].arg if method.args.args else "self"
    found: set[str] = set()
    for part in ast.walk(method):
        if isinstance(part, ast.Call) and last_name(part.func) in {"super", "vars", "astuple", "asdict"}:
            return None
        if not (isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == me):
            continue
        other = _method(owner, part.attr)
        if part.attr in _ALL:
            return None
        if other is not None and part.attr not in seen:
            more = _read_by(other, owner, seen)
            if more is None:
                return None
            found |= more
        elif other is None and part.attr not in _ASKED:
            found.add(part.attr)
    return frozenset(found)


def _fields(owner: ast.ClassDef) -> set[str]:
    """What objects of a class hold."""
    found = {one.target.id for one in owner.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)}
    for part in ast.walk(owner):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) and last_name(part.value) == "self":
            found.add(part.attr)
    return found


def _line(owner: ast.ClassDef) -> int:
    method = _method(owner, "__eq__")
    return method.lineno if method is not None else owner.lineno


def _strength(name: str, method: str, changed: Collection[str], base: Side, head: Side) -> Strength:
    """It is certain if tests compare objects of the class, or use it at all, and none of these lines changed with it."""
    used = (
        re.compile(rf"\b{re.escape(name)}\b")
        if method == "__contains__"
        else re.compile(
            rf"\b{re.escape(name)}\b.*[=!]=|[=!]=.*\b{re.escape(name)}\b|assert\w*\(.*\b{re.escape(name)}\b"
        )
    )
    there = False
    for path in head.texts:
        if not path.endswith(".py") or not is_test_code(path):
            continue
        text = head.texts.get(path) or ""
        lines = {line.strip() for line in text.split("\n") if used.search(line)} if name in text else set()
        there = there or bool(lines)
        if path in changed and lines != {
            line.strip() for line in (base.texts.get(path) or "").split("\n") if used.search(line)
        }:
            return "hint"
    return "certain" if there else "hint"
