"""Find the layers of a stack of branches, and what merging and rebasing each would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from gates.compare.stack import Layer, Stack, arrange, members, numbered
from gates.config import load_config
from gates.portable.errors import UsageError
from gates.render.stack import rebase_command_of
from gates.vcs.branches import (
    Parent,
    commit_of,
    current_branch,
    distance,
    first_title,
    fork_of,
    holds,
    local_branches,
    parent_in_history,
    recorded_parents,
    would_merge,
    would_rebase,
)
from gates.vcs.git import Git, find_base


def find_stack(root: Path, git: Git, branches: tuple[str, ...], trunk: str) -> Stack:
    """The layers of a stack as git has them; nothing is run.

    Raises:
        UsageError: no such branch, no trunk, or no layer.
    """
    trunk = _trunk(root, git, trunk)
    parents = _named(branches, trunk) if len(branches) > 1 or ":" in "".join(branches) else {}
    if not parents:
        parents = _recorded_stack(git, branches[0] if branches else current_branch(git), trunk)
    for name in parents:
        git.need_commit(name)
    there = {name: parent for name, parent in parents.items() if parent.name == trunk or git.commit(parent.name)}
    gone = {name: parent for name, parent in parents.items() if name not in there}
    settled = {name: Parent(trunk, "trunk") if name in gone else parent for name, parent in parents.items()}
    order = arrange({name: parent.name for name, parent in settled.items()}, trunk)
    layers: list[Layer] = []
    for name in order:
        former = gone[name].name if name in gone else ""
        layers.append(_layer(git, name, settled[name], former, trunk, layers))
    notes = tuple(
        f"{name}: its parent {parent.name} is gone, so it is treated as based on {trunk}"
        for name, parent in gone.items()
    )
    return Stack(
        trunk=trunk,
        trunk_commit=git.need_commit(trunk),
        layers=numbered(_with_rebases(git, layers, trunk)),
        notes=notes,
    )


def _trunk(root: Path, git: Git, given: str) -> str:
    if given:
        git.need_commit(given)
        return given
    name, _ = find_base(git, load_config(root).base)
    if name:
        # In their config, layers name a local branch of that name as their parent.
        local = name.removeprefix("origin/")
        return local if local in local_branches(git) else name
    raise UsageError("the trunk of the stack is not known", place=str(root), remedy="gates stack --trunk BRANCH")


def _named(branches: tuple[str, ...], trunk: str) -> dict[str, Parent]:
    """The layers of the command line: each is based on the one before, unless it names its parent."""
    found: dict[str, Parent] = {}
    before = trunk
    for word in branches:
        name, _, parent = word.partition(":")
        if not name or name in found or name == trunk:
            raise UsageError("not a layer of its own", got=word, expected="BRANCH or BRANCH:PARENT, each branch once")
        found[name] = Parent(parent or before, "command line")
        before = name
    for name, one in found.items():
        if one.name != trunk and one.name not in found:
            raise UsageError(
                f"the parent of {name} is not a layer", got=one.name, expected=f"{trunk}, {', '.join(found)}"
            )
    return found


def _recorded_stack(git: Git, start: str, trunk: str) -> dict[str, Parent]:
    """The stack of a branch, from the parents in git's config; on the trunk, all stacks based on it."""
    recorded = {name: _canonical(parent, trunk) for name, parent in recorded_parents(git).items() if name != trunk}
    if start and start != trunk:
        git.need_commit(start)
        _complete(git, start, trunk, recorded)
        names = members(_names(recorded), start, trunk)
    else:
        names = tuple(name for name in recorded if _leads_to(name, _names(recorded), trunk))
    if not names:
        raise UsageError(
            "there is no stack here",
            got=f"no branch is known to be based on {trunk}",
            remedy="name its branches from the trunk upward, or: git config branch.NAME.gates-parent PARENT",
        )
    return {name: recorded[name] for name in names}


def _names(parents: Mapping[str, Parent]) -> dict[str, str]:
    return {name: parent.name for name, parent in parents.items()}


def _canonical(parent: Parent, trunk: str) -> Parent:
    """The trunk under one name, whether given as `main` or as `origin/main`."""
    same = parent.name == trunk or parent.name.endswith(f"/{trunk}") or trunk.endswith(f"/{parent.name}")
    return Parent(trunk, parent.source) if same else parent


def _complete(git: Git, name: str, trunk: str, recorded: dict[str, Parent]) -> None:
    """Find unrecorded parents, down to the trunk: the nearest branch that this one contains."""
    passed: set[str] = set()
    there = local_branches(git)
    while name != trunk and name not in passed:
        passed.add(name)
        if name not in recorded and name in there:
            parent = parent_in_history(git, name, trunk)
            recorded[name] = Parent(parent, "history") if parent else Parent(trunk, "trunk")
        if name not in recorded:
            return
        name = recorded[name].name


def _leads_to(name: str, parents: Mapping[str, str], trunk: str) -> bool:
    passed: set[str] = set()
    while name in parents and name not in passed:
        passed.add(name)
        name = parents[name]
    return name == trunk


def _layer(git: Git, name: str, parent: Parent, former: str, trunk: str, below: list[Layer]) -> Layer:
    """One layer, with what its merge would do; the layers below it are known."""
    known = {layer.name: layer for layer in below}
    told, on = parent.name, parent.name
    while on in known and known[on].merged:  # its parent is in the trunk by now
        former = former or on
        on = known[on].parent
    commit, parent_commit, trunk_commit = git.need_commit(name), git.need_commit(on), git.need_commit(trunk)
    fork = fork_of(git, told if git.commit(told) else on, name)
    merge = would_merge(git, trunk_commit, commit)
    ahead = distance(git, fork, commit) if fork else distance(git, parent_commit, commit)
    return Layer(
        name=name,
        parent=on,
        parent_source=parent.source,
        former_parent=former,
        title=first_title(git, fork or parent_commit, commit),
        commit=commit,
        parent_commit=parent_commit,
        fork=fork,
        ahead=ahead,
        behind=distance(git, commit, parent_commit),
        merge_conflicts=merge.conflicts,
        # Even if it was squashed: merging it again would change nothing.
        merged=on == trunk and not merge.conflicts and merge.tree == git.tree(trunk_commit),
    )


def _with_rebases(git: Git, layers: Sequence[Layer], trunk: str) -> tuple[Layer, ...]:
    """What a rebase of the whole stack would do, from the trunk upward: each layer onto its rebased parent."""
    moved: dict[str, str] = {}
    found = []
    for layer in layers:
        must = "" if layer.merged else _must_rebase(git, layer, trunk, moved)
        if not must:
            found.append(layer)
            continue
        fork = layer.fork if must == "pending" else layer.parent_commit
        onto = moved.get(layer.parent) or layer.parent_commit
        result = would_rebase(git, fork, onto, layer.commit) if fork else None
        conflicts = result.conflicts if result else ()
        # If it conflicts, the result is unknown: the layers above are checked on the layer as it is.
        moved[layer.name] = layer.commit if result is None or conflicts else commit_of(git, result.tree, onto)
        command = rebase_command_of(layer, fork) if fork else ""
        found.append(msgspec.structs.replace(layer, rebase=must, rebase_conflicts=conflicts, rebase_command=command))
    return tuple(found)


def _must_rebase(
    git: Git, layer: Layer, trunk: str, moved: Mapping[str, str]
) -> Literal["", "pending", "after-parent"]:
    if holds(git, layer.commit, layer.parent_commit):
        return "after-parent" if layer.parent in moved else ""
    # Only behind the trunk: its merge is run, and shows what a rebase would.
    behind_only = layer.parent == trunk and not layer.former_parent and not layer.merge_conflicts
    return "" if behind_only else "pending"
