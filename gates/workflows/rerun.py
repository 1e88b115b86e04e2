"""`gates rerun`: what went wrong or did not run in the last run of this working tree, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gates.config import load_config
from gates.errors import UsageError
from gates.git import Git, changed_files, subject_of_worktree
from gates.plan import Request
from gates.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from gates.store import Outstanding

NAMED = 5
"""Files that are named where the code changed."""


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """What is left to be done.

    Attributes:
        request: the one that does it; None when nothing is left.
        said: what the user should know of it, a line each.
    """

    request: Request | None
    said: tuple[str, ...]


def rest_of(root: Path, request: Request) -> Rest:
    """What the last run of this working tree left.

    Args:
        root: the project's folder.
        request: what the user asked for besides; its gates narrow what is run.

    Raises:
        UsageError: no run is known, or none of the asked gates is outstanding.
    """
    git = Git.of(root)
    left = Store.of(root, git).outstanding()
    if left is None:
        raise UsageError("no run of this working tree is known", place=str(root), remedy="gates run")
    gates = [*left.gates, *(gate for gate in left.tests if gate not in left.gates)]
    changed = _changed(root, git, left)
    if not gates:
        return Rest(request=None, said=(f"nothing is outstanding: all gates of {left.run} passed", *changed))
    if request.gates:
        gates = [gate for gate in gates if gate in request.gates]
        if not gates:
            raise UsageError("none of these gates is outstanding", got=", ".join(request.gates), remedy="gates rerun")
    only = {gate: left.tests[gate] for gate in gates if gate in left.tests}
    number = sum(map(len, only.values()))
    said = [f"rerun of {left.run}: {_plural(number, 'test')} of {', '.join(only)}"] if only else []
    whole = [gate for gate in gates if gate not in only]
    if whole:
        said.append(f"{'and' if said else f'rerun of {left.run}:'} all of {', '.join(whole)}")
    notes = [" ".join(said)]
    passed = [gate for gate in left.passed if gate not in gates]
    if passed:
        notes.append(f"not run again: {', '.join(passed)}, which passed in {left.run} or a rerun of it")
    notes += changed
    made = msgspec.structs.replace(
        request,
        gates=tuple(gates),
        profile=request.profile or left.profile,
        only=only,
        rerun_of=left.run,
        notes=tuple(notes),
    )
    return Rest(request=made, said=tuple(notes))


def _changed(root: Path, git: Git | None, left: Outstanding) -> tuple[str, ...]:
    """What changed since; a test that passed then may fail now."""
    now = subject_of_worktree(root, git, load_config(root).base).identity
    if now == left.identity:
        return ()
    names = _files(git, left.identity, now) if git is not None else []
    shown = f": {', '.join(names[:NAMED])}{', …' if len(names) > NAMED else ''}" if names else ""
    return (f"the code changed since then{shown}; what passed before was not run on it",)


def _files(git: Git, before: str, now: str) -> list[str]:
    trees = [identity.rpartition(":")[2] for identity in (before, now) if identity.startswith("git-tree:")]
    return [change.path for change in changed_files(git, *trees)] if len(trees) == 2 else []


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
