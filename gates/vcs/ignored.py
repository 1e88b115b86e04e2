"""Git-ignored files that tests need: they are in no commit, so the worktree of a commit gets those of the working tree."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from gates.files.folders import Blocked, Folder
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.regular import open_file, read_text
from gates.vcs.git import Git


class CopiedFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files added to a worktree.

    Attributes:
        files: how many.
        digest: see `fingerprint`.
        notes: for the reader.
    """

    files: int = 0
    digest: str = ""
    notes: tuple[str, ...] = ()


def carry(git: Git, worktree: Git, copy: Sequence[str], link: Sequence[str]) -> CopiedFiles:
    """Add files of the working tree to a worktree, and remove those that an earlier run added.

    Files of the commit are not replaced. Linked files are the user's own: writing to one changes it.

    Args:
        git: the working tree, at the project's folder.
        worktree: the other one, at the same folder of the project.
        copy: path globs of files that are copied, from the project's folder.
        link: the same, for files that are linked.

    Raises:
        UsageError: the commit has a link where a folder should be.
        EnvironmentProblem: a file cannot be added.
    """
    _take_away(worktree)
    tracked = frozenset(_listed(worktree, (*copy, *link))) if copy or link else frozenset()
    copied: list[str] = []
    notes = []
    for globs, bring in ((copy, _copy), (link, _link)):
        for glob in globs:
            names = _listed(git, (glob,), "--others")
            own = [name for name in names if name not in tracked]
            if not own:
                why = "the commit has these files" if names else "nothing matches"
                notes.append(f"no git-ignored file was added for {glob!r}: {why}")
            for name in own:
                copied.append(name)
                _remember(worktree, copied)  # first, so that a killed run leaves no unknown files
                _bring(git.folder, worktree.folder, name, bring)
    if copied:
        shown = ", ".join(copied[:5]) + (" …" if len(copied) > 5 else "")
        notes.append(f"git-ignored files of the working tree were added: {shown} ({len(copied)} in all)")
    return CopiedFiles(files=len(copied), digest=fingerprint(git, copy, link), notes=tuple(notes))


def _bring(source: Path, target: Path, name: str, bring: Callable[[Folder, Folder, str], None]) -> None:
    try:
        with Folder.of(source) as here, Folder.of(target) as there:
            bring(here, there, name)
    except Blocked as error:
        raise UsageError(
            "a file cannot be added to the worktree: the commit has no folder for it",
            place=str(source / name),
            expected=error.expected,
            got=f"{Path(error.place).relative_to(target)} is {error.got}",
            remedy="remove the file from worktree-copy and worktree-link, or replace what is in its way in the commit by a folder",
        ) from error
    except OSError as error:
        raise EnvironmentProblem(
            f"a file cannot be added to the worktree: {error.strerror or error}", place=str(source / name)
        ) from error


def fingerprint(git: Git, copy: Sequence[str], link: Sequence[str]) -> str:
    """Digest of the files that `carry` adds: paths and contents, or for linked ones sizes and times. Empty for none.

    Raises:
        EnvironmentProblem: a file cannot be read.
    """
    digest, number = hashlib.sha256(), 0
    for globs, read in ((copy, _content), (link, _stamp)):
        for name in _listed(git, globs, "--others") if globs else ():
            number += 1
            try:
                digest.update(f"{name}\0".encode("utf-8", "surrogateescape") + read(git.folder / name))
            except OSError as error:
                raise EnvironmentProblem(
                    f"a file that tests need cannot be read: {error.strerror}", place=str(git.folder / name)
                ) from error
    return digest.hexdigest() if number else ""


def _listed(git: Git, globs: Sequence[str], *options: str) -> tuple[str, ...]:
    """Tracked, or untracked, files below the project's folder; paths are relative to it."""
    said = git.need("ls-files", "-z", *options, "--", *(f":(glob){glob}" for glob in globs))
    return tuple(dict.fromkeys(name for name in said.split("\0") if name and not name.endswith("/")))


def _copy(source: Folder, target: Folder, name: str) -> None:
    """A link stays a link; a file keeps permissions and times."""
    if not source.holds_file(name):
        target.link(name, (source.path / name).readlink(), [])
        return
    target.remove(name)
    with source.reader(name) as file, os.fdopen(target.create(name, []), "wb") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        about = os.fstat(file.fileno())
        os.fchmod(copy.fileno(), stat.S_IMODE(about.st_mode))
        os.utime(copy.fileno(), ns=(about.st_atime_ns, about.st_mtime_ns))


def _link(source: Folder, target: Folder, name: str) -> None:
    target.link(name, (source.path / name).resolve(), [])


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").digest()


def _stamp(path: Path) -> bytes:
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns}".encode()


def _list_file(worktree: Git) -> Path:
    """Next to the worktree's index: no run sees it, and it is removed with the worktree."""
    return worktree.index.with_name("gates-brought.json")


def _remember(worktree: Git, names: Sequence[str]) -> None:
    _list_file(worktree).write_text(json.dumps([os.fsencode(name).hex() for name in names]))


def _take_away(worktree: Git) -> None:
    with Folder.of(worktree.folder) as folder:
        for name in _copied_before(worktree):
            folder.remove(name)
    _list_file(worktree).unlink(missing_ok=True)


def _copied_before(worktree: Git) -> Iterator[str]:
    try:
        names = json.loads(read_text(_list_file(worktree)))
        yield from (os.fsdecode(bytes.fromhex(name)) for name in names)
    except (OSError, ValueError, TypeError):
        return
