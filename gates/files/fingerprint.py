"""The identity of a folder without git: its files and their contents."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from gates.portable.regular import open_file


def folder_identity(root: Path) -> str:
    """Digest of all files below `root`: paths and contents."""
    digest = hashlib.sha256()
    for name in folder_files(root):
        digest.update(os.fsencode(name) + b"\0" + content_digest(root / name))
    return "files:sha256:" + digest.hexdigest()


def folder_files(root: Path) -> Iterator[str]:
    """Files and links below `root`, in a fixed order; hidden folders, caches and reports are skipped."""
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]  # `walk` then does not enter them
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
        if Path(folder) == root and "reports" in folders:
            folders.remove("reports")
        for name in sorted([*files, *links]):
            yield (Path(folder) / name).relative_to(root).as_posix()


def content_digest(path: Path) -> bytes:
    """Digest of a file's content, or of a link's target. For a pipe only its name counts: reading it would never end."""
    try:
        if not path.is_file():
            return hashlib.sha256(os.fsencode(path.readlink())).digest()
        with open_file(path) as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b"unreadable"
