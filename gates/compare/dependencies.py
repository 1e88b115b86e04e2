"""What changed in what a project depends on. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from gates.compare.values import DependencyChange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gates.facts.dependencies import Dependencies

Kind = Literal["added", "removed", "up", "down", "changed"]


def compare_dependencies(base: Dependencies, head: Dependencies) -> tuple[DependencyChange, ...]:
    """Direct ones first, as declared; then those of lock files, by file."""
    found = []
    if base.requires_python != head.requires_python:
        kind = _kind(base.requires_python, head.requires_python)
        found.append(
            DependencyChange(
                kind=kind,
                name="python",
                where="requires-python",
                before=base.requires_python,
                after=head.requires_python,
            )
        )
    found += _changes(base.direct, head.direct)
    found += _changes(base.locked, head.locked, locked=True)
    return tuple(found)


def _changes(
    base: Mapping[str, Mapping[str, str]], head: Mapping[str, Mapping[str, str]], *, locked: bool = False
) -> Iterator[DependencyChange]:
    for where in dict.fromkeys([*head, *base]):
        before, after = base.get(where, {}), head.get(where, {})
        for name in dict.fromkeys([*after, *before]):
            if before.get(name) != after.get(name):
                yield DependencyChange(
                    kind="added"
                    if name not in before
                    else "removed"
                    if name not in after
                    else _kind(before[name], after[name]),
                    name=name,
                    where=where,
                    before=before.get(name, ""),
                    after=after.get(name, ""),
                    locked=locked,
                )


def _kind(before: str, after: str) -> Kind:
    """Whether a version, or the lower bound of a range, went up or down."""
    was, now = _lowest(before), _lowest(after)
    if was is None or now is None or was == now:
        return "changed"
    return "up" if now > was else "down"


def _lowest(text: str) -> tuple[tuple[int, int | str], ...] | None:
    """A version, or the one from which on a range begins, so that two can be compared; None where there is none."""
    found = re.search(r"(?:^|(?:>=|==|~=|>|\^))\s*v?(\d[\w.!+]*)", text)
    if found is None:
        return None
    release = re.match(r"[\d.]+", found[1].rpartition("!")[2])
    parts = [int(part) for part in release[0].split(".") if part] if release else []
    while parts and not parts[-1]:
        parts.pop()
    rest = found[1][release.end() :] if release else ""
    # Of a release come: developments, alphas, betas, candidates, itself, what follows it.
    order = ("dev", "a", "b", "rc", "", "post")
    word = re.match(r"[.+-]?([a-z]*)(\d*)", rest)
    stage = next((at for at, name in enumerate(order) if word and word[1].startswith(name or "\0")), 4)
    return (*((0, part) for part in parts), (-1, stage), (-1, int(word[2] or 0) if word else 0))
