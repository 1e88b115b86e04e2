"""`gates rerun`: run only what failed or did not run in the last run of this working tree."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from gates.config import load_config
from gates.planning.plan import Request
from gates.planning.prepare import prepare
from gates.portable.errors import GatesError, UsageError
from gates.portable.escapes import clean
from gates.portable.settings.declare import replace
from gates.portable.values import ExitCode, plural
from gates.results.files import RUN_FILE
from gates.results.outstanding import Asked, Outstanding
from gates.storage.cache import Store
from gates.storage.evidence import load_evidence
from gates.vcs.git import Git, changed_files, subject_of_worktree

NAMED = 5
"""Files that are named where the code changed."""

NOT_THE_WHOLE = "a rerun covers only what it ran; gates run covers everything"


def rerun(
    root: Path, request: Request, command_line: str, *, reports: Path | None = None, events: str | None = None
) -> int:
    """Run what the last run left, and nothing else; returns the exit code.

    Raises:
        GatesError: no run is known, its reports were changed since, or the rest cannot be run.
    """
    rest = rest_of(root, request)
    if rest.request is None:
        sys.stdout.write(clean("\n".join([*rest.said, ""])))
        return ExitCode.PASSED
    prepared = prepare(root, rest.request, reports=reports)
    sys.stderr.write(clean("\n".join([*prepared.plan.notes, ""])))
    from gates.pipeline.execute import execute
    from gates.pipeline.show import show_verdict

    finished = execute(prepared, command_line, events=events)
    show_verdict(finished)
    return finished.run.exit_code


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """What is left to be done.

    Attributes:
        request: the one that does it; None when nothing is left.
        said: if nothing is left, what the user should know about it, a line each.
    """

    request: Request | None
    said: tuple[str, ...] = ()


def rest_of(root: Path, request: Request) -> Rest:
    """What is outstanding after the last run of this working tree.

    Args:
        root: the project's folder.
        request: what else the user asked for; its gates and its filter narrow what is run.

    Raises:
        UsageError: no run is known, or the reports of the last one were changed since.
    """
    git = Git.of(root)
    store = Store.of(root, git)
    left = store.outstanding()
    if left is None:
        raise UsageError("no run of this working tree is known", place=str(root), remedy="gates run")
    _refuse_altered(root, store)
    changed = _changed(root, git, left)
    if not left.all_gates:
        limits = _limits(left)
        said = f"nothing is outstanding: what {left.run} ran{f' ({limits})' if limits else ''} passed"
        return Rest(request=None, said=(said, *changed))
    return Rest(request=_request(request, left, (*changed, NOT_THE_WHOLE)))


def _refuse_altered(root: Path, store: Store) -> None:
    """Refuse a run whose reports changed since: they may have been edited to get another result."""
    file = root / load_config(root).reports / RUN_FILE
    if file.exists():
        load_evidence(file, store.records)


def _request(request: Request, left: Outstanding, notes: tuple[str, ...]) -> Request:
    """The user's request, completed by that of the earlier run.

    Raises:
        UsageError: the earlier request cannot be repeated.
    """
    asked = left.asked
    if "[masked: " in asked.filter and not request.filter:
        raise UsageError(
            f"the expression of {left.run} holds a secret, so it was not kept",
            got=asked.filter,
            remedy="pass it again: gates rerun -E EXPR",
        )
    own = request.filter or request.partition or request.profile not in ("", asked.profile)
    return replace(
        request,
        **{name: getattr(request, name) or getattr(asked, name) for name in Asked.__struct_fields__},
        only=left.parts(anyway=not own),
        rest=left,
        notes=notes,
    )


def _limits(left: Outstanding) -> str:
    """What the user asked for that made the run a partial one."""
    asked = left.asked
    said = [f"-p {asked.profile}"] if asked.profile != "default" else []
    said += [f"-E {asked.filter!r}"] if asked.filter else []
    said += [f"--partition {asked.partition}"] if asked.partition else []
    return ", ".join([f"gates {', '.join(left.passed)}", *said])


def _changed(root: Path, git: Git | None, left: Outstanding) -> tuple[str, ...]:
    """What changed since; a test that passed then may fail now."""
    now = subject_of_worktree(root, git, load_config(root).base).identity
    if now == left.identity:
        return ()
    names = _files(git, left.identity, now) if git is not None else []
    shown = f": {plural(len(names), 'file')} ({', '.join(names[:NAMED])}{', …' if len(names) > NAMED else ''})"
    return (
        f"the code changed since {left.run}{shown if names else ''}; what passed before was not run on the new code",
    )


def _files(git: Git, before: str, now: str) -> list[str]:
    trees = [identity.rpartition(":")[2] for identity in (before, now) if identity.startswith("git-tree:")]
    if len(trees) < 2:
        return []
    try:
        return [change.path for change in changed_files(git, *trees)]
    except GatesError:  # no commit contains the tree, and git has removed it
        return []
