"""Branches that stand on other branches: which one each stands on, and what a rebase or a merge would do.

Nothing is touched: no branch, no index, no file. Commits that are made to ask git something are in no branch.
"""

from __future__ import annotations

import msgspec

from gates.portable.errors import EnvironmentProblem
from gates.vcs.git import Git

_HEADS = "refs/heads/"
_AUTHOR = ("-c", "user.name=gates", "-c", "user.email=gates@localhost", "-c", "commit.gpgSign=false")

PARENT_KEYS = ("gates-parent", "parent", "gh-merge-base")
"""Keys of `branch.NAME` that name the parent, the first that is set: ours, that of tools for stacks, that of `gh`."""


class Parent(msgspec.Struct, frozen=True):
    """The branch that another one stands on.

    Attributes:
        name: of the parent.
        source: who says so: a key of git's config, `upstream`, `history`, `command line` or `trunk`.
    """

    name: str
    source: str


class Merged(msgspec.Struct, frozen=True):
    """What a merge would give.

    Attributes:
        tree: its name; with conflicts, one that holds their marks.
        conflicts: files that conflict.
    """

    tree: str
    conflicts: tuple[str, ...] = ()


def local_branches(git: Git) -> tuple[str, ...]:
    """Names of all local branches."""
    return tuple(git.answer("for-each-ref", "--format=%(refname:lstrip=2)", _HEADS).split())


def current_branch(git: Git) -> str:
    """The branch that is checked out; empty on none."""
    return git.answer("symbolic-ref", "--quiet", "--short", "HEAD")


def recorded_parents(git: Git) -> dict[str, Parent]:
    """What git's config says of parents, by branch.

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
    """(`branch` or `git-town-branch`, name of the branch, key) → value; of several, the last, as git has it."""
    found = {}
    for entry in git.answer("config", "--null", "--get-regexp", r"^(git-town-)?branch\.").split("\0"):
        key, _, value = entry.partition("\n")
        section, _, rest = key.partition(".")
        name, _, word = rest.rpartition(".")  # names of branches may have dots, keys have none
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
    if not upstream or upstream == name:  # the same branch elsewhere: where it is pushed to, not what it stands on
        return None
    return Parent(upstream if remote in ("", ".") else f"{remote}/{upstream}", "upstream")


def parent_in_history(git: Git, name: str, trunk: str) -> str:
    """The nearest other branch that `name` holds and the trunk does not; empty where there is none."""
    words = ("--format=%(refname:lstrip=2)", f"--merged={name}", f"--no-merged={trunk}", _HEADS)
    others = [other for other in git.answer("for-each-ref", *words).split() if other != name]
    # A branch at the very same commit holds this one as well as the other way round: neither stands on the other.
    tip = git.commit(name)
    distances = {other: distance(git, other, name) for other in others if git.commit(other) != tip}
    return min(distances, key=lambda other: (distances[other], other), default="")


def distance(git: Git, before: str, after: str) -> int:
    """Commits of `after` that `before` does not have."""
    return int(git.answer("rev-list", "--count", "--end-of-options", f"{before}..{after}", "--") or 0)


def holds(git: Git, commit: str, other: str) -> bool:
    """Whether `commit` has `other` in its history, or is it."""
    return git.run("merge-base", "--is-ancestor", "--end-of-options", other, commit).returncode == 0


def fork_of(git: Git, parent: str, child: str) -> str:
    """The commit of the parent that the child was made from, also after the parent was rewritten; empty for none.

    The parent's reflog remembers its former tips; without one there is the merge base.
    """
    return git.answer("merge-base", "--fork-point", "--end-of-options", parent, child) or git.merge_base(parent, child)


def first_title(git: Git, before: str, after: str) -> str:
    """Title of the first commit that `after` adds."""
    words = ("--no-show-signature", "--reverse", "--format=%s", "--end-of-options", f"{before}..{after}", "--")
    title = git.answer("log", *words).partition("\n")[0]
    return title.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def would_merge(git: Git, one: str, other: str) -> Merged:
    """What merging two commits would give.

    Raises:
        EnvironmentProblem: git cannot say.
    """
    done = git.run("merge-tree", "-z", "--write-tree", "--name-only", "--no-messages", one, other)
    names = [name for name in done.stdout.decode("utf-8", "backslashreplace").split("\0") if name]
    if done.returncode not in (0, 1) or not names:
        said = done.stderr.decode("utf-8", "replace").strip()
        remedy = "git 2.38 or newer" if "usage:" in said else ""
        raise EnvironmentProblem("git cannot merge these two commits", got=said.partition("\n")[0], remedy=remedy)
    return Merged(names[0], tuple(sorted(set(names[1:]))))


def would_rebase(git: Git, fork: str, onto: str, layer: str) -> Merged:
    """What moving everything from `fork` to `layer` onto another commit would give, taken as one change.

    A rebase moves commit after commit, and may stop at one whose conflict a later commit takes away again.

    Raises:
        EnvironmentProblem: git cannot say.
    """
    # `merge-tree --merge-base` is of git 2.40. Two commits right above the fork have it as their merge base.
    return would_merge(git, *(commit_of(git, git.tree(tip), fork) for tip in (onto, layer)))


def commit_of(git: Git, tree: str, parent: str) -> str:
    """A commit of a tree, in no branch."""
    return git.need(*_AUTHOR, "commit-tree", tree, "-p", parent, "-m", "Made by gates to ask git something")
