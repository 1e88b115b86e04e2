"""Read the settings of both sides out of git, and compare them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from gates.analysis.strictness import is_config, is_read, names_in, setting_changes
from gates.planning.subjects import BORROWED_CHECKLIST
from gates.results import Run, SettingChange
from gates.vcs.git import Git
from gates.vcs.hunks import FileDifference
from gates.vcs.texts import texts_of

_LEDGERS = ("exclusions ", "quarantine ")


def changed_settings(
    git: Git, trees: tuple[str, str], differing: Sequence[FileDifference], base: Run
) -> tuple[SettingChange, ...]:
    """What the branch changed in the settings that decide what a green means.

    Args:
        git: the repository.
        trees: where the branch left the base, and the head.
        differing: between them.
        base: the run of the base.

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
    return tuple(_witnessed(found, borrowed=BORROWED_CHECKLIST in base.notes))


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
