"""A commit with some files of another tree: nothing but git's own store of objects is written, and no branch names it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gates.files.temporary import scratch
from gates.vcs.branches import commit_of
from gates.vcs.git import Git, git_environment, readable

_GONE = "0" * 6
"""The mode of a file that a tree does not have."""


def graft(git: Git, code: str, tests: str, paths: Collection[str], texts: Mapping[str, str] | None = None) -> str:
    """A commit on top of `code`, with these paths as they are in another tree; its name.

    Args:
        git: the repository.
        code: the commit with everything else.
        tests: the tree that the paths come from; a path that it does not have is removed.
        paths: as `changed_files` gives them.
        texts: path → another text for a file that `code` has.

    Raises:
        EnvironmentProblem: git failed.
    """
    with scratch("graft-") as folder:
        environment = git_environment(GIT_INDEX_FILE=str(folder / "index"))
        git.need("read-tree", code, env=environment)
        lines = [*_index_lines(git, code, tests, paths), *(_written(git, *item) for item in (texts or {}).items())]
        # `--replace`: a file may stand where the other tree has a folder.
        words = ("update-index", "--replace", "-z", "--index-info")
        git.need(*words, env=environment, stdin="".join(lines).encode("utf-8", "surrogateescape"))
        return commit_of(git, git.need("write-tree", env=environment), code)


def _index_lines(git: Git, code: str, tests: str, paths: Collection[str]) -> list[str]:
    """What `update-index --index-info` reads: removals first, so that a folder can take the place of a file."""
    wanted = frozenset(paths)
    gone: list[str] = []
    there: list[str] = []
    fields = iter(git.need("diff-tree", "-r", "-z", "--no-renames", "--raw", code, tests).split("\0"))
    for field in fields:
        if not field.startswith(":"):
            continue
        _, mode, _, name, _ = field.split(" ")
        path = next(fields)
        if readable(path) in wanted:
            (gone if mode == _GONE else there).append(f"{mode} {name}\t{path}\0")
    return [*gone, *there]


def _written(git: Git, path: str, text: str) -> str:
    name = git.need("hash-object", "-w", "--stdin", stdin=text.encode("utf-8", "surrogateescape"))
    return f"100644 {name}\t{path}\0"
