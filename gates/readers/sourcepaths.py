"""Find the project file that a tool means: it may write absolute paths, or paths relative to its own folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote


class SourcePaths:
    """Finds paths relative to the project's folder, with `/`.

    Args:
        root: the project's folder.
        files: returns all files of the project; called at most once, and only if a path is not clear by itself.
        folders: possible bases of relative paths, the likeliest first; relative to `root`, or absolute.
    """

    def __init__(self, root: Path, files: Callable[[], Iterable[str]], folders: Sequence[str] = ("",)) -> None:
        self._root, self._files = os.path.realpath(root), files
        self._folders = [os.path.join(root, folder) for folder in folders]  # noqa: PTH118 (an absolute one stays)
        self._known: dict[str, tuple[str, ...]] = {}

    def find(self, name: str, folders: Sequence[str] = ()) -> tuple[str, ...]:
        """The files that `name` may mean: one if it is clear, none for a file outside the project.

        Args:
            name: a path or a `file:` URI.
            folders: additional possible bases, before all others.
        """
        if folders:
            return self._find(name, [*map(self._absolute, folders)])
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._find(name, ())
        return found

    def one(self, name: str) -> str:
        """The file that `name` means; `name` itself if that is not clear."""
        found = self.find(name)
        return found[0] if len(found) == 1 else plain(name)

    def exists(self, name: str) -> bool:
        """Whether it is a file of the project, relative to one of the given folders."""
        return bool(self._direct(plain(name), self._folders))

    def _absolute(self, folder: str) -> str:
        return os.path.join(self._root, plain(folder))  # noqa: PTH118

    def _find(self, name: str, folders: Sequence[str]) -> tuple[str, ...]:
        path = plain(name)
        # All folders that a report names count; of the default ones, only the first that has the file.
        direct = dict.fromkeys(file for folder in folders if (file := self._direct(path, [folder])))
        own = self._direct(path, self._folders)
        if direct or own:
            return tuple(direct) or (own,)
        parts = [part for part in path.split("/") if part not in {"", ".", ".."} and not part.endswith(":")]
        if not _is_absolute(path):  # its beginning is explicit, so only the front can be missing
            return self._by_end.get("/".join(parts), ())
        if Path(path).exists():
            return ()  # a file outside the project, with any name
        # From another machine or container, with the project's path at its end. A bare name is not enough.
        ends = ("/".join(parts[start:]) for start in range(max(0, len(parts) - 1)))
        return next((found for end in ends if (found := self._by_end.get(end, ()))), ())

    def _direct(self, path: str, folders: Sequence[str]) -> str:
        for folder in folders:
            full = os.path.realpath(os.path.join(folder, path))  # noqa: PTH118
            if full.startswith(self._root + os.sep) and Path(full).is_file():
                return full[len(self._root) + 1 :].replace(os.sep, "/")
        return ""

    @cached_property
    def _by_end(self) -> dict[str, tuple[str, ...]]:
        """Every suffix of every path that starts at a folder → the paths."""
        found: dict[str, tuple[str, ...]] = {}
        for file in self._files():
            rest = file
            while rest:
                found[rest] = (*found.get(rest, ()), file)
                rest = rest.partition("/")[2]
        return found


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or path[1:2] == ":"


def plain(name: str) -> str:
    """A path without `file:`, escapes of URIs and backslashes."""
    if name.startswith("file:"):
        name = unquote(name.removeprefix("file:"))
        name = "/" + name.lstrip("/")
        if name[2:3] == ":":  # file:///C:/…
            name = name[1:]
    name = name.replace("\\", "/")
    return name.removeprefix("./")
