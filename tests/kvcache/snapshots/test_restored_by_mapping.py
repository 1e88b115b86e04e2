"""A session that is restored by mapping shows the pages of the file, and goes its own way from there."""

import gc
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kvcache import SYSTEM_PAGE, KVCacheManager, KVLayout, SnapshotError, restore, save
from kvcache.memory import sealed

LAYOUT = KVLayout(layers=2, kv_heads=2, head_dim=64, value_dim=32, max_context=512, alignment=SYSTEM_PAGE)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pages are shown on Linux only")


def manager_of(layout: KVLayout = LAYOUT, **other: Any) -> KVCacheManager:
    return KVCacheManager(layout, capacity_bytes=4 * layout.block_bytes, **other)


def some(count: int, seed: int = 0) -> list[np.ndarray[Any, Any]]:
    source = np.random.default_rng(seed)
    return [source.standard_normal((count, 2, 2, width), np.float32) for width in (64, 32)]


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    manager = manager_of()
    manager.get_or_create("a").append(*some(203))
    save(manager, "a", tmp_path / "a")
    return tmp_path / "a"


def test_it_takes_no_memory_and_can_be_continued(path: Path) -> None:
    before = path.read_bytes()
    manager = manager_of(memory_bytes=LAYOUT.block_bytes)
    entry = restore(manager, path, mapped=True)
    keys, values = some(203)
    np.testing.assert_array_equal(entry.key(), keys)
    np.testing.assert_array_equal(entry.value(), values)
    assert entry.shared_bytes == 4 * (192 + 192 // 2) * 256  # whole pages of 16 and 32 tokens
    assert manager.statistics().bytes_resident < 20 * SYSTEM_PAGE
    entry.append(*some(100, 1))
    entry.truncate(50)  # into the pages of the file
    entry.append(*some(30, 2))
    np.testing.assert_array_equal(entry.key(), np.concatenate([keys[:50], some(30, 2)[0]]))
    forked = manager.fork("a", "b", 40)
    np.testing.assert_array_equal(forked.value(), values[:40])
    assert path.read_bytes() == before
    manager.check()


def test_nobody_sees_the_file_when_the_session_is_gone(path: Path) -> None:
    gc.collect()  # what other tests left is given back now, and not while this one counts
    manager = manager_of()
    open_before = open_files()
    taken = sealed.mappings.taken
    for _ in range(3):
        span = restore(manager, path, "a", mapped=True).span
        path.unlink()
        manager.evict("a")
        entry = manager.get_or_create("next")
        assert entry.span == span
        assert not entry.key(whole=True).any()
        assert not entry.value(whole=True).any()
        entry.append(*some(203))
        save(manager, "next", path)
        manager.evict("next")
        restored = restore(manager, path, "a", saved="next", mapped=True)
        np.testing.assert_array_equal(restored.key(), some(203)[0])
        manager.evict("a")
    assert sealed.mappings.taken == taken
    assert open_files() == open_before
    manager.check()


def test_damage_is_found_before_anybody_sees_it(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = content.index(some(203)[0][100, 1, 1].tobytes())
    content[at] ^= 1
    path.write_bytes(content)
    manager = manager_of()
    with pytest.raises(SnapshotError, match="expected tokens 96 to 111 of the keys of layer 1, head 1"):
        restore(manager, path, mapped=True)
    assert len(manager) == 0
    entry = restore(manager, path, mapped=True, salvage=True)
    np.testing.assert_array_equal(entry.value(), some(203)[1][:96])


@pytest.mark.parametrize("why", [pytest.param(n, id=n) for n in ("alignment", "short", "mappings", "descriptors")])
def test_where_pages_cannot_be_shown_they_are_copied(path: Path, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, count = LAYOUT, 203
    if why == "alignment":
        layout = KVLayout(layers=2, kv_heads=2, head_dim=64, value_dim=32, max_context=511)
    elif why == "short":
        count = 20
        manager = manager_of()
        manager.get_or_create("a").append(*[side[:20] for side in some(203)])
        save(manager, "a", path)
    elif why == "mappings":
        monkeypatch.setattr(sealed.mappings, "limit", 1)
    else:

        def none_left(_: int) -> int:
            raise OSError("too many open files")

        monkeypatch.setattr(os, "dup", none_left)
    entry = restore(manager_of(layout), path, mapped=True)
    assert entry.shared_bytes == 0
    np.testing.assert_array_equal(entry.key(), some(203)[0][:count])
    np.testing.assert_array_equal(entry.value(), some(203)[1][:count])
