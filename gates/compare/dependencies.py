"""Compare the dependencies of a project. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from gates.analysis.dependencies import Dependencies
from gates.compare.values import DependencyChange

if TYPE_CHECKING:
    from packaging.version import Version


Kind = Literal["added", "removed", "up", "down", "changed"]


def compare_dependencies(base: Dependencies, head: Dependencies) -> tuple[DependencyChange, ...]:
    """Changes of direct dependencies first, in order of declaration; then those of lock files, by file."""
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


def _lowest(text: str) -> Version | None:
    """A version, or the lower bound of a range; None if there is none."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    with suppress(InvalidVersion):
        return Version(text)
    with suppress(InvalidSpecifier, InvalidVersion):
        lower = (part for part in SpecifierSet(text) if part.operator in {">=", ">", "~=", "=="})
        return max((Version(part.version.removesuffix(".*")) for part in lower), default=None)
    return None
