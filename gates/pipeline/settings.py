"""Read the settings of both sides out of git, and compare them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from gates.analysis.strictness import is_config, is_read, names_in, setting_changes
from gates.planning.discover import NOXFILE
from gates.planning.subjects import BORROWED_CHECKLIST
from gates.results import Run, SettingChange
from gates.vcs.git import Git
from gates.vcs.hunks import FileDifference
from gates.vcs.texts import texts_of

_LEDGERS = ("exclusions ", "quarantine ")


def changed_settings(
    git: Git,
    trees: tuple[str, str],
    differing: Sequence[FileDifference],
    runs: tuple[Run, Run],
    *,
    moved_on: bool = False,
) -> tuple[SettingChange, ...]:
    """What the branch changed in the settings that decide what a green means.

    Args:
        git: the repository.
        trees: where the branch left the base, and the head.
        differing: between them.
        runs: of base and head.
        moved_on: the base has commits that the branch does not have.

    Raises:
        EnvironmentProblem: git failed.
    """
    before = {one.before: one.after or one.before for one in differing if is_read(one.before)}
    after = {one.after: one.after for one in differing if is_read(one.after)}
    for path in _beside((*before, *after)):
        before.setdefault(path, path)
        after.setdefault(path, path)
    if not before and not after:
        return ()
    old, new = texts_of(git, ((trees[0], before), (trees[1], after)))
    found = setting_changes({before[path]: text for path, text in old.items()}, new)
    base, head = runs
    borrowed = BORROWED_CHECKLIST in base.notes
    listed = (
        None if borrowed or moved_on or not base.checklist or not head.checklist else (base.checklist, head.checklist)
    )
    return with_listings(_witnessed(found, borrowed=borrowed), listed)


def _beside(paths: Iterable[str]) -> Iterator[str]:
    """Files that may hold other settings of the same tools: a tool reads the first that it finds in a folder."""
    for folder in {posixpath.dirname(path) for path in paths if is_config(path)}:
        yield from (posixpath.join(folder, name) for name in names_in(folder))


def _witnessed(found: Iterable[SettingChange], *, borrowed: bool) -> Iterator[SettingChange]:
    """Without what the runs know better.

    Args:
        found: what the texts show.
        borrowed: the base ran with the head's checklist, because it has none: nothing can have been taken out of it.
    """
    for change in found:
        if borrowed and change.tool == "gates":
            continue
        key = change.key.rpartition(": ")[2]
        if change.key.startswith(_LEDGERS) and key in ("entry", "filter"):
            # The runs show which tests an entry leaves out; `wider_exclusions` says when they are more.
            yield msgspec.structs.replace(change, direction="other")
        else:
            yield change


def with_listings(
    found: Iterable[SettingChange], listed: tuple[Sequence[str], Sequence[str]] | None
) -> tuple[SettingChange, ...]:
    """The changes, corrected by what nox itself lists: a noxfile may declare gates in ways that its text does not show.

    Args:
        found: what the texts show.
        listed: names of the gates of base and head; None if they are not comparable.
    """
    if listed is None:
        return tuple(found)
    before, after = (set(names) for names in listed)
    kept = [change for change in found if not _is_disproved(change, before, after)]
    told = {change.key.partition(":")[0].removeprefix("gate ") for change in kept if change.key.startswith("gate ")}
    for names, others, direction in ((before, after, "weaker"), (after, before, "stronger")):
        bare = {_bare(name) for name in others}
        for name in sorted(names - others):
            if not told & {name, _bare(name)}:
                gone = direction == "weaker"
                more = (
                    ""
                    if _bare(name) not in bare
                    else ": fewer variants of it are listed"
                    if gone
                    else ": more variants of it are listed"
                )
                what = f"the gate {name} is {'no longer in the checklist' if gone else 'new'}{more}"
                kept.append(SettingChange(
                    tool="gates", key=f"gate {name}", path=NOXFILE, before=name if gone else "", after="" if gone else name,
                    direction=direction, what=what,  # type: ignore[arg-type] # one of two words
                ))  # fmt: skip
    return tuple(kept)


def _is_disproved(change: SettingChange, before: set[str], after: set[str]) -> bool:
    """Whether a gate that seems to be gone, or new, is listed on both sides."""
    name = change.key.removeprefix("gate ")
    if change.key == name or ":" in name or change.direction == "other":
        return False
    return all(any(each == name or _bare(each) == name for each in names) for names in (before, after))


def _bare(name: str) -> str:
    """The name of a session without its interpreter and its parameters."""
    return re.split(r"\(|-(?:pypy|python)?\d", name, maxsplit=1)[0]
