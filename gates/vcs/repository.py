"""The state of a repository that affects what it reports about a tree: HEAD, the index, what git ignores and converts, and its settings."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from gates.files.temporary import scratch
from gates.portable.regular import read_bytes
from gates.vcs.git import Git, git_environment
from gates.vcs.watch import stamp_of

_SETTINGS = (
    r"^(core\.(excludesfile|attributesfile|autocrlf|eol|filemode|ignorecase|symlinks|worktree|bare|sparsecheckout.*)"
    r"|filter\..*)$"
)
"""Settings that affect the same."""


class RepositoryState:
    """Finds changes of a repository since the last check.

    Args:
        git: the repository.
        name: what it is called.
    """

    def __init__(self, git: Git, name: str) -> None:
        self._git, self._name = git, name
        self._index, self._index_stamp = self._read_index(), stamp_of(str(git.index))
        _, *info, own, of_worktree = git.own_files.values()
        home = Path("~").expanduser()
        users = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "git"
        named = os.environ.get("GIT_CONFIG_GLOBAL")
        self._configs = [own, of_worktree, *([Path(named)] if named else [home / ".gitconfig", users / "config"])]
        self._config_stamps = self._stamps()
        self._settings = self._read_settings()
        # Files outside git's folder that the settings name, or their defaults.
        usual = {"core.excludesfile": users / "ignore", "core.attributesfile": users / "attributes"}
        named_files = {key: value for key, value in self._settings if key in usual}
        for key in named_files:  # may begin with `~` or `%(prefix)`
            named_files[key] = git.answer("config", "--type=path", key)
        self._files = [*info, *(Path(named_files.get(key) or other) for key, other in usual.items())]
        self._contents = self._read_files()
        self._head = self._where()

    def changed(self) -> list[str]:
        """Descriptions of the changes."""
        return [*self._moved(), *self._reconfigured()]

    def _where(self) -> list[str]:
        """Commit and branch of HEAD; nothing before the first commit."""
        return self._git.answer("rev-parse", "HEAD", "--symbolic-full-name", "HEAD").split("\n")

    def _moved(self) -> list[str]:
        before, self._head = self._head, self._where()
        if before[0] != self._head[0]:
            commits = f"{before[0][:12] or 'no commit'} → {self._head[0][:12] or 'no commit'}"
            return [f"HEAD of {self._name} ({commits})"]
        return [f"the branch of {self._name}"] if before != self._head else []

    def staged(self) -> list[str]:
        """Whether the index changed.

        A person who adds files to the index while gates run does not change the subject, which is the content of the folder.
        """
        stamp = stamp_of(str(self._git.index))
        if stamp == self._index_stamp:
            return []
        self._index_stamp = stamp
        known, self._index = self._index, self._read_index()
        # Git rewrites it whenever the status is asked for; only its content counts.
        same = known == self._index or _entries(self._git, known) == _entries(self._git, self._index)
        return [] if same else [f"the index of {self._name}"]

    def _reconfigured(self) -> list[str]:
        faults = []
        before, self._contents = self._contents, self._read_files()
        faults += [f"{_short(path)} of {self._name}" for path in self._files if before[path] != self._contents[path]]
        stamps = self._stamps()
        if stamps != self._config_stamps:
            self._config_stamps = stamps
            settings, self._settings = self._settings, self._read_settings()
            changed = sorted({key for key, _ in {*settings} ^ {*self._settings}})
            faults += [f"git's setting {key} of {self._name}" for key in changed]
        return faults

    def _stamps(self) -> list[object]:
        return [stamp_of(str(path)) for path in self._configs]

    def _read_settings(self) -> list[tuple[str, str]]:
        told = self._git.answer("config", "-z", "--get-regexp", _SETTINGS)
        return [(key, value) for key, _, value in (entry.partition("\n") for entry in told.split("\0")) if key]

    def _read_files(self) -> dict[Path, bytes]:
        return {path: read_bytes(path) if path.is_file() else b"" for path in self._files}

    def _read_index(self) -> bytes:
        with suppress(OSError):
            return read_bytes(self._git.index)
        return b""


def _short(path: Path) -> str:
    return f".git/info/{path.name}" if path.parent.name == "info" else str(path)


def _entries(git: Git, index: bytes) -> list[str]:
    """The content of an index, including flags."""
    with scratch("index-") as folder:
        path = folder / "index"
        if index:
            path.write_bytes(index)
        return git.listed("ls-files", "-z", "-s", "-v", env=git_environment(GIT_INDEX_FILE=str(path)))
