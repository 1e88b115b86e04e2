"""Compare a mapped file of sessions with reading the file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds, timed
from kvcache import SYSTEM_PAGE, KVCacheManager, KVLayout, Snapshot, restore, save

if TYPE_CHECKING:
    from collections.abc import Callable

LAYOUT = KVLayout(layers=16, kv_heads=8, head_dim=64, max_context=4096, alignment=SYSTEM_PAGE)
SHAPE = "256 MiB: 16 layers x 8 heads x 64 in float32, 4,096 tokens"
FIRST = Claim(
    name="kvcache-mapped",
    what=f"map a file of a session ({SHAPE}) until the first view, 256 tokens of a head whose page is checked, against reading the file",
    goal=0.002,
)
HEAD = Claim(name="kvcache-mapped-head", what="the same until a view of all tokens of a head, 1 MiB")
ALL = Claim(name="kvcache-mapped-all", what="the same until all pages are checked")
RESTORE = Claim(
    name="kvcache-restore", what="restore the session into a manager, all pages checked, against reading the file"
)

MAPPED = Claim(name="kvcache-restore-mapped", what="the same where the pages of the file are shown and not copied")


def sides(folder: Path) -> dict[str, Callable[[], float]]:
    """Seconds of one look; the file is in the system's cache for all of them."""
    path = folder / "session"
    manager = KVCacheManager(LAYOUT, capacity_bytes=LAYOUT.block_bytes)
    tokens = np.random.default_rng(0).standard_normal((512, *LAYOUT.token_shape), np.float32)
    for _ in range(8):
        manager.get_or_create("session").append(tokens, tokens)
    save(manager, "session", path)

    def first() -> None:
        Snapshot(path).session().keys(0, 0, tokens=256)

    def head() -> None:
        Snapshot(path).session().keys(0, 0)

    def everything() -> None:
        assert not Snapshot(path).session().damage()

    return {
        "first": lambda: timed(first, 5),
        "head": lambda: timed(head, 5),
        "all": lambda: timed(everything),
        "restore": lambda: timed(lambda: restore(manager, path)),
        "mapped": lambda: timed(lambda: restore(manager, path, mapped=True)),
        "read": lambda: timed(path.read_bytes),
    }


def measure(place: Workplace) -> dict[str, Figures]:
    """All five."""
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        samples = rounds(sides(Path(folder)), place.patience)
    return {
        FIRST.name: figures(samples, "read", ours="first"),
        HEAD.name: figures(samples, "read", ours="head"),
        ALL.name: figures(samples, "read", ours="all"),
        RESTORE.name: figures(samples, "read", ours="restore"),
        MAPPED.name: figures(samples, "read", ours="mapped"),
    }


SUBJECT = Subject(name="kvcache-files", claims=(FIRST, HEAD, ALL, RESTORE, MAPPED), measure=measure)
