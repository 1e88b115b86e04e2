"""Branches based on other branches: the parent of each, and what a rebase or a merge would do.

Nothing is changed: no branch, no index, no file. Commits made as input for git are in no branch.
"""

from __future__ import annotations

import msgspec

from gates.portable.errors import EnvironmentProblem
from gates.vcs.git import Git

_HEADS = "refs/heads/"
_AUTHOR = ("-c", "user.name=gates", "-c", "user.email=gates@localhost", "-c", "commit.gpgSign=false")

PARENT_KEYS = ("gates-parent", "parent", "gh-merge-base")
"""Keys of `branch.NAME` for the parent; the first that is set counts: that of gates, of stack tools, of `gh`."""


class Parent(msgspec.Struct, frozen=True):
    """The parent of a branch.

    Attributes:
        name: of the parent.
        source: where it was found: a key of git's config, `upstream`, `history`, `command line` or `trunk`.
    """

    name: str
    source: str


class Merged(msgspec.Struct, frozen=True):
    """The result of a merge.

    Attributes:
        tree: its name; with conflicts, a tree that contains their markers.
        conflicts: files that conflict.
    """

    tree: str
    conflicts: tuple[str, ...] = ()


def local_branches(git: Git) -> tuple[str, ...]:
    """Names of all local branches."""
    return tuple(git.answer("for-each-ref", "--format=%(refname:lstrip=2)", _HEADS).split())


def current_branch(git: Git) -> str:
    """The checked-out branch; empty if there is none."""
    return git.answer("symbolic-ref", "--quiet", "--short", "HEAD")


def recorded_parents(git: Git) -> dict[str, Parent]:
    """The parents in git's config, by branch.

    `branch.NAME.gates-parent` comes first, then the keys of other tools (`branch.NAME.parent`, `branch.NAME.gh-merge-base`,
    `git-town-branch.NAME.parent`), then an upstream that is another branch.
    """
    said = _branch_config(git)
    found = {}
    for name in local_branches(git):
        parent = _recorded(name, said)
        if parent is not None and parent.name != name:
            found[name] = parent
    return found


def _branch_config(git: Git) -> dict[tuple[str, str, str], str]:
    """(`branch` or `git-town-branch`, name of the branch, key) → value; the last of several counts, as in git."""
    found = {}
    for entry in git.answer("config", "--null", "--get-regexp", r"^(git-town-)?branch\.").split("\0"):
        key, _, value = entry.partition("\n")
        section, _, rest = key.partition(".")
        name, _, word = rest.rpartition(".")  # names of branches may contain dots, keys cannot
        found[section, name, word] = value
    return found


def _recorded(name: str, said: dict[tuple[str, str, str], str]) -> Parent | None:
    for key in PARENT_KEYS:
        value = said.get(("branch", name, key), "")
        if value:
            return Parent(value.removeprefix(_HEADS), f"branch.{name}.{key}")
    value = said.get(("git-town-branch", name, "parent"), "")
    if value:
        return Parent(value, f"git-town-branch.{name}.parent")
    remote, merge = (said.get(("branch", name, word), "") for word in ("remote", "merge"))
    upstream = merge.removeprefix(_HEADS)
    if not upstream or upstream == name:  # the same branch elsewhere: where it is pushed to, not its parent
        return None
    return Parent(upstream if remote in ("", ".") else f"{remote}/{upstream}", "upstream")


def parent_in_history(git: Git, name: str, trunk: str) -> str:
    """The nearest other branch that `name` contains and the trunk does not; empty if there is none."""
    words = ("--format=%(refname:lstrip=2)", f"--merged={name}", f"--no-merged={trunk}", _HEADS)
    others = [other for other in git.answer("for-each-ref", *words).split() if other != name]
    # Two branches at the same commit contain each other: neither is the parent of the other.
    tip = git.commit(name)
    distances = {other: distance(git, other, name) for other in others if git.commit(other) != tip}
    return min(distances, key=lambda other: (distances[other], other), default="")


def distance(git: Git, before: str, after: str) -> int:
    """Commits of `after` that `before` does not have."""
    return int(git.answer("rev-list", "--count", "--end-of-options", f"{before}..{after}", "--") or 0)


def holds(git: Git, commit: str, other: str) -> bool:
    """Whether `commit` is `other`, or has it in its history."""
    return git.run("merge-base", "--is-ancestor", "--end-of-options", other, commit).returncode == 0


def fork_of(git: Git, parent: str, child: str) -> str:
    """The commit of the parent where the child branched off, even if the parent was rewritten since; empty for none.

    The parent's reflog has its former tips; without a reflog, the merge base is used.
    """
    return git.answer("merge-base", "--fork-point", "--end-of-options", parent, child) or git.merge_base(parent, child)


def first_title(git: Git, before: str, after: str) -> str:
    """Title of the first commit that `after` adds."""
    words = ("--no-show-signature", "--reverse", "--format=%s", "--end-of-options", f"{before}..{after}", "--")
    title = git.answer("log", *words).partition("\n")[0]
    return title.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def would_merge(git: Git, one: str, other: str) -> Merged:
    """The result of merging two commits.

    Raises:
        EnvironmentProblem: git fails.
    """
    done = git.run("merge-tree", "-z", "--write-tree", "--name-only", "--no-messages", one, other)
    names = [name for name in done.stdout.decode("utf-8", "backslashreplace").split("\0") if name]
    if done.returncode not in (0, 1) or not names:
        said = done.stderr.decode("utf-8", "replace").strip()
        remedy = "git 2.38 or newer" if "usage:" in said else ""
        raise EnvironmentProblem("git cannot merge these two commits", got=said.partition("\n")[0], remedy=remedy)
    return Merged(names[0], tuple(sorted(set(names[1:]))))


def would_rebase(git: Git, fork: str, onto: str, layer: str) -> Merged:
    """The result of moving everything from `fork` to `layer` onto another commit, as one change.

    A rebase moves commit by commit, and may stop at a conflict that a later commit resolves.

    Raises:
        EnvironmentProblem: git fails.
    """
    # `merge-tree --merge-base` needs git 2.40. Two commits directly above the fork have it as their merge base.
    return would_merge(git, *(commit_of(git, git.tree(tip), fork) for tip in (onto, layer)))


def commit_of(git: Git, tree: str, parent: str) -> str:
    """A commit of a tree, in no branch."""
    return git.need(*_AUTHOR, "commit-tree", tree, "-p", parent, "-m", "Made by gates to ask git something")
