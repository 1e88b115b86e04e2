"""`gates clean`: show what the cache holds for a project, and remove what can be rebuilt."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from gates.portable.errors import EnvironmentProblem
from gates.portable.values import format_duration
from gates.results.files import RUN_FILE
from gates.storage.cache import Store, all_stores, cache_folder
from gates.storage.kept_runs import FOLDER
from gates.storage.past_runs import PAST
from gates.storage.records import Record, all_records
from gates.storage.worktrees import abandoned_worktrees, forget, repository_of, size_of, worktrees_in
from gates.vcs.git import Git

Kind = Literal["worktree", "run", "record"]


class CacheItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the cache whose loss costs only time.

    Attributes:
        kind: a worktree with its environments, a run kept for reuse, or the record of a run.
        path: its folder.
        size: bytes on the disk.
        age: seconds since it was last used.
        state: what happened to it.
    """

    kind: Kind
    path: Path
    size: int
    age: float
    state: Literal["there", "removed", "in use"] = "there"


def clean(root: Path, *, everything: bool = False, dry_run: bool = False) -> tuple[CacheItem, ...]:
    """Remove worktrees and kept runs. Recorded durations and outcomes stay: they are small and hard to get again.

    Args:
        root: the project's folder.
        everything: of all projects, not only of this one.
        dry_run: remove nothing.
    """
    cache = cache_folder()
    stores = list(all_stores(cache)) if everything else []
    stores = stores or [Store.of(root, Git.of(root))]
    items = [item for store in stores for item in _held(store)]
    known = {item.path for item in items}
    items += [_item("worktree", path) for path in abandoned_worktrees(cache) if path not in known]
    return tuple(items) if dry_run else tuple(map(_removed, items))


def _held(store: Store) -> Iterator[CacheItem]:
    yield from (_item("worktree", path) for path in worktrees_in(store))
    yield from (_item("run", path.parent) for path in sorted((store.folder / FOLDER).glob(f"*/{RUN_FILE}")))
    for record in all_records(store.records):
        if (
            record.ended or record.busy or not record.folder.is_dir()
        ):  # else it is the only proof of who wrote the reports
            yield _item("record", record.path)
    yield from (_item("record", record.path) for record in all_records(store.folder / PAST))


def _item(kind: Kind, path: Path) -> CacheItem:
    return CacheItem(kind=kind, path=path, size=size_of(path), age=max(0.0, time.time() - path.stat().st_mtime))


def _removed(item: CacheItem) -> CacheItem:
    if item.kind == "run":
        shutil.rmtree(item.path, ignore_errors=True)
        return msgspec.structs.replace(item, state="removed")
    if item.kind == "record":
        record = Record(item.path)
        if record.busy:
            return msgspec.structs.replace(item, state="in use")
        record.remove()
        return msgspec.structs.replace(item, state="removed")
    home = repository_of(item.path)
    try:
        forget(Git(home) if home is not None and home.exists() else None, item.path)
    except EnvironmentProblem:
        return msgspec.structs.replace(item, state="in use")
    return msgspec.structs.replace(item, state="removed")


def told(items: tuple[CacheItem, ...], *, dry_run: bool) -> str:
    """A line for each worktree, one for all runs of a project, and the total."""
    trees = [item for item in items if item.kind == "worktree"]
    lines = [f"{_size(item.size):>9}  {_ago(item.age):>11}  {item.path}{_state(item)}" for item in trees]
    for folder in dict.fromkeys(item.path.parent for item in items if item.kind != "worktree"):
        runs = [item for item in items if item.path.parent == folder]
        size, age = sum(item.size for item in runs), min(item.age for item in runs)
        lines.append(f"{_size(size):>9}  {_ago(age):>11}  {folder} ({len(runs)} kept){_state(runs[0])}")
    gone = sum(item.size for item in items if item.state == "removed" or dry_run)
    verb = "would be freed" if dry_run else "freed"
    return "\n".join([*lines, f"{_size(gone)} {verb}" if items else "nothing is kept"]) + "\n"


def _state(item: CacheItem) -> str:
    return "" if item.state == "there" else f": {item.state}"


def _ago(seconds: float) -> str:
    days = int(seconds // 86400)
    return f"{days}d ago" if days else f"{format_duration(round(seconds))} ago"


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
