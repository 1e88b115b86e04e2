"""Watch a git working tree."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gates.files.temporary import scratch
from gates.portable.errors import EnvironmentProblem
from gates.vcs.git import STRICT, Git, git_environment
from gates.vcs.new_files import NEW, NewFileRule, folders_of
from gates.vcs.repository import RepositoryState
from gates.vcs.watch import Stamps, TreeChanges, is_file

if TYPE_CHECKING:
    MakeRule = Callable[[frozenset[str], frozenset[str]], NewFileRule]

_SUBMODULE = "160000"


class GitTree:
    """Watches a working tree: its files, what git ignores in it, HEAD, the index, and its submodules.

    Args:
        git: at its root.
        tree: the tree that `git add -A` would have made when the run began; empty computes it.
        make_rule: makes the rule for which changes matter; called with the tracked files and the folders of the subject.
        since: nanoseconds since the epoch, before `tree` was taken.
        inside: for a submodule, its folder in the outer tree, with `/` at its end.
    """

    def __init__(self, git: Git, tree: str, make_rule: MakeRule, since: int, inside: str = "") -> None:
        top = git.folder
        self._git, self._inside = git, inside
        self._tree = tree or self._git.worktree_tree()
        entries = self._git.listed("ls-tree", "-r", "-z", "--full-tree", self._tree)
        kinds = {path: about[:6] for about, _, path in (entry.partition("\t") for entry in entries)}
        files = [path for path, kind in kinds.items() if kind != _SUBMODULE]
        tracked = self._git.listed("ls-files", "-z", "--full-name")
        self._stamps = Stamps(str(top), files, since)
        if self._stamps.gone and self._git.answer("config", "--bool", "core.sparseCheckout") == "true":
            self._stamps.gone.clear()  # missing on purpose
        folders = folders_of(files)
        self._rule = make_rule(
            frozenset(f"{inside}{path}" for path in tracked), frozenset(f"{inside}{x}" for x in folders)
        )
        self._top, self._submodules = top, frozenset(kinds).difference(files)
        self._seen = set(self._outside(tracked))
        self._nested = [
            GitTree(Git(top / path), "", make_rule, since, f"{inside}{path}/")
            for path, kind in kinds.items()
            if kind == _SUBMODULE and (top / path / ".git").exists()
        ]
        # A file with one of these names that is itself ignored by git still hides others.
        self._ignoring = Stamps(
            str(top), [path for x in folders if (path := f"{x}/.gitignore".lstrip("/")) not in self._stamps], since
        )
        self._repository = RepositoryState(self._git, inside.rstrip("/") or "the repository")

    def look(self) -> TreeChanges:
        """Git reads only files whose stamps differ. A repository that it can no longer read is a fault, too."""
        try:
            return self._look()
        except EnvironmentProblem as error:
            return TreeChanges(faults=(f"the repository ({error.got or error.what})",))

    def _look(self) -> TreeChanges:
        faults: list[str] = []
        left: list[str] = []
        changed = self._changed()
        written = self._as_they_were(self._stamps.written - changed.keys())
        for name, said in changed.items():
            effect = self._rule.of_known(f"{self._inside}{name}")
            if effect != "none":
                (faults if effect == "fault" else left).append(f"{self._inside}{said}")
        for name in self._others():
            if name in self._seen:
                continue
            self._seen.add(name)
            effect = self._rule.of_new(f"{self._inside}{name}")
            if effect != "none":
                said = f"{self._inside}{name}"
                (faults.append(f"{said}{NEW}") if effect == "fault" else left.append(said))
        faults += [f"{self._inside}{name} (what git ignores)" for name in self._ignoring.changed()]
        faults += self._repository.changed()
        staged = self._repository.staged()
        for nested in self._nested:
            seen = nested.look()
            faults += seen.faults
            left += seen.left
            staged += seen.staged
            written += seen.written
        faults, left = list(dict.fromkeys(faults)), list(dict.fromkeys(left))
        return TreeChanges(faults=tuple(faults), left=tuple(left), staged=tuple(staged), written=tuple(written))

    def _as_they_were(self, names: Iterable[str]) -> list[str]:
        """Written files whose change would be a fault."""
        paths = sorted(f"{self._inside}{name}" for name in names)
        return [path for path in paths if self._rule.of_known(path) == "fault"]

    # Files

    def _others(self) -> list[str]:
        """Files that are not in the tree: untracked ones, and those added to the index."""
        return self._outside(
            self._git.listed(*STRICT, "ls-files", "-z", "-c", "-o", "--exclude-standard", "--full-name")
        )

    def _outside(self, names: Iterable[str]) -> list[str]:
        unknown = [name for name in dict.fromkeys(names) if name not in self._stamps]
        kinds = {name: (self._top / name).lstat().st_mode for name in unknown if os.path.lexists(self._top / name)}
        return [name for name, mode in kinds.items() if name not in self._submodules or not stat.S_ISDIR(mode)]

    def _changed(self) -> dict[str, str]:
        """Files of the tree whose content, kind or permissions changed since the last check, each with a description."""
        differing = self._stamps.differing()
        to_read = [name for name, stamp in differing.items() if is_file(stamp)]
        changed = {name: f"{name} (removed)" for name, stamp in differing.items() if not is_file(stamp)}
        return changed | {name: name for name in self._read_again(to_read)}

    def _read_again(self, names: list[str]) -> list[str]:
        """Which of these files differ from the tree; from now on they are part of it."""
        if not names:
            return []
        with scratch("index-") as folder:
            environment = git_environment(GIT_INDEX_FILE=str(folder / "index"))
            self._git.need("read-tree", self._tree, env=environment)
            refused = self._put(names, environment)
            before, self._tree = self._tree, self._git.need("write-tree", env=environment)
        return [*refused, *self._git.listed("diff-tree", "-r", "-z", "--no-renames", "--name-only", before, self._tree)]

    def _put(self, names: list[str], environment: dict[str, str]) -> list[str]:
        """Add files to an index; return those that git refuses: behind a link, or unreadable."""
        words = b"".join(os.fsencode(name) + b"\0" for name in names)
        asked = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")
        if self._git.run(*STRICT, *asked, env=environment, stdin=words).returncode == 0:
            return []
        if len(names) == 1:
            return names
        half = len(names) // 2  # a refused one would stop the check of all others
        return [*self._put(names[:half], environment), *self._put(names[half:], environment)]
