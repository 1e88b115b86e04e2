"""Stores keep bytes, forget what was used longest ago, and leave alone what is not theirs."""

import os
import time
from pathlib import Path

import pytest

from kvcache import FileStore, InvalidSizeError

KEYS = [f"{number:040x}" for number in range(5)]


def test_what_is_put_can_be_had_until_it_is_deleted(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "made" / "here")
    assert store.get(KEYS[0]) is None
    store.put(KEYS[0], b"one")
    store.put(KEYS[0], b"other")
    store.put(KEYS[1], b"")
    assert (store.get(KEYS[0]), store.get(KEYS[1]), len(store), store.used_bytes) == (b"other", b"", 2, 5)
    store.delete(KEYS[0])
    store.delete(KEYS[0])
    assert (store.get(KEYS[0]), len(store), store.used_bytes) == (None, 1, 0)


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    store = FileStore(tmp_path, capacity_bytes=30)
    for key in KEYS[:3]:
        store.put(key, b"x" * 10)
    store.get(KEYS[0])
    store.put(KEYS[3], b"x" * 15)
    assert [store.get(key) is not None for key in KEYS] == [True, False, False, True, False]
    assert store.used_bytes == 25 == sum(path.stat().st_size for path in tmp_path.iterdir())
    with pytest.raises(OSError, match="more than the 30"):
        store.put(KEYS[0], b"x" * 31)
    assert store.get(KEYS[0]) is not None


def test_a_new_process_finds_the_files_in_their_order_and_clears_half_ones(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for age, key in enumerate(KEYS[:3]):
        store.put(key, b"x" * 10)
        os.utime(tmp_path / f"{key}.kv", (time.time() - age, time.time() - age))
    (tmp_path / f".{KEYS[4]}.abc.half").write_bytes(b"half")
    (tmp_path / "mine.txt").write_text("not a session")
    again = FileStore(tmp_path, capacity_bytes=35)
    assert (len(again), again.used_bytes) == (3, 30)
    again.put(KEYS[3], b"x" * 10)
    assert again.get(KEYS[2]) is None
    assert again.get(KEYS[0]) is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["mine.txt", *(f"{KEYS[number]}.kv" for number in (0, 1, 3))]
    )


def test_a_file_that_cannot_be_written_leaves_the_one_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path)
    store.put(KEYS[0], b"before")

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        store.put(KEYS[0], b"after")
    monkeypatch.undo()
    assert store.get(KEYS[0]) == b"before"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_capacity_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSizeError):
        FileStore(tmp_path, capacity_bytes=0)


def test_lmdb_keeps_sessions_too(tmp_path: Path) -> None:
    pytest.importorskip("lmdb", reason="the extra `lmdb` is not installed")
    from kvcache.tiers.lmdb import LmdbStore

    store = LmdbStore(tmp_path / "base", capacity_bytes=1 << 20)
    store.put(KEYS[0], b"one")
    store.put(KEYS[0], b"other")
    assert (store.get(KEYS[0]), store.get(KEYS[1])) == (b"other", None)
    with pytest.raises(Exception, match="FULL"):
        store.put(KEYS[1], b"x" * (2 << 20))
    store.delete(KEYS[0])
    store.delete(KEYS[0])
    store.put(KEYS[1], b"kept")
    store.close()
    again = LmdbStore(tmp_path / "base", capacity_bytes=1 << 20)
    assert (again.get(KEYS[0]), again.get(KEYS[1])) == (None, b"kept")
    again.close()
