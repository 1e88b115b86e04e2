"""Find files that a branch changes outside its scope. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gates.portable.filters.globs import path_pattern


def out_of_scope(paths: Iterable[str], scope: Sequence[str]) -> tuple[str, ...]:
    """The paths that no glob matches; empty if there is no scope.

    Args:
        paths: of files that differ.
        scope: globs from the root: `*` stays within a folder, `**` crosses folders, a folder means all below it.
    """
    if not scope:
        return ()
    patterns = [path_pattern(glob.removeprefix("/")) for glob in scope]
    return tuple(path for path in paths if not any(pattern.match(path) for pattern in patterns))
