"""`gates history`: what happened to gates and tests in the runs of this project."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gates.analysis.trends import trends
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.filters.nearest import nearest
from gates.render.trends import listing, of_test
from gates.storage.cache import Store
from gates.storage.history import History
from gates.vcs.git import Git


def history(root: Path, test: str, runs: int = 0, branch: str | None = None, *, as_json: bool = False) -> str:
    """The text of the command.

    Args:
        root: the project's folder.
        test: a test's id, or a part of exactly one; empty for everything.
        runs: look at the last so many; 0 for all.
        branch: look at those on this one only.
        as_json: print the values instead.

    Raises:
        UsageError: no test, or several, have that name.
        EnvironmentProblem: the history cannot be read.
    """
    kept = history_of(root)
    with readable(kept):
        number = kept.number_of_runs(runs, branch)
        name = named_test(test, kept.tests()) if test else ""
        found = tuple(trends(kept.of(name, runs, branch)))
    if as_json:
        return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    return of_test(found) if name else listing(found, number)


def history_of(root: Path) -> History:
    """The history of a project."""
    return History(Store.of(root, Git.of(root)).folder)


@contextmanager
def readable(kept: History) -> Iterator[None]:
    """While it is read: a file that cannot be read is told to the user.

    Raises:
        EnvironmentProblem: the history cannot be read.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise EnvironmentProblem(
            "the history cannot be read",
            place=str(kept.path),
            got=str(error),
            remedy="remove this file: the next run begins a new one",
        ) from None


def named_test(test: str, known: Sequence[str]) -> str:
    """The one test that a name or a part of one means.

    Raises:
        UsageError: no test, or several, have it in their id.
    """
    if test in known:
        return test
    parts = [name for name in known if test in name]
    if len(parts) == 1:
        return parts[0]
    if parts:
        more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
        raise UsageError("several tests have this in their id", place=test, got=f"{', '.join(parts[:3])}{more}")
    near = nearest(test, known)
    raise UsageError("no recorded run has such a test", place=test, remedy=f"did you mean {near!r}?" if near else "")
