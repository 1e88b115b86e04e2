"""A mapped file shows its sessions without being read, checks what is looked at, and serves several sessions."""

import os
import pickle
import subprocess
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kvcache import (
    ClosedError,
    KVCacheManager,
    KVLayout,
    OutOfBoundsError,
    Snapshot,
    SnapshotError,
    UnknownSessionError,
    restore,
    save,
    save_all,
)
from kvcache.snapshots import mapped as module

LAYOUT = KVLayout(layers=2, kv_heads=2, head_dim=8, value_dim=4, max_context=2048)
Floats = np.ndarray[Any, Any]


def filled(counts: dict[str, int], encoding: str | None = None) -> KVCacheManager:
    layout = LAYOUT.for_encoding(encoding)
    manager = KVCacheManager(layout, capacity_bytes=(len(counts) + 1) * layout.block_bytes)
    source = np.random.default_rng(0)
    for name, count in counts.items():
        manager.get_or_create(name).append(
            *(source.standard_normal((count, 2, 2, width), np.float32) for width in (8, 4))
        )
    return manager


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lengths of what was checked."""
    lengths: list[int] = []

    def crc32(content: bytes) -> int:
        lengths.append(len(content))
        return zlib.crc32(content)

    monkeypatch.setattr(module, "zlib", SimpleNamespace(crc32=crc32))
    return lengths


def test_many_sessions_are_in_one_file_and_each_is_shown_as_it_was(tmp_path: Path) -> None:
    manager = filled({"a": 700, "b/keys": 0, "ü\n": 3})
    assert save_all(manager, tmp_path / "all") == {"a": 700, "b/keys": 0, "ü\n": 3}
    with Snapshot(tmp_path / "all") as snapshot:
        assert snapshot.sessions() == ("a", "b/keys", "ü\n")
        for name in snapshot.sessions():
            entry, session = manager.get(name), snapshot.session(name)
            assert entry is not None
            assert (session.session_id, len(session), bool(session)) == (name, len(entry), True)
            for layer in range(2):
                np.testing.assert_array_equal(session.keys(layer), entry.keys(layer))
                np.testing.assert_array_equal(session.values(layer), entry.values(layer))
                np.testing.assert_array_equal(session.values(layer, 1), entry.values(layer)[1])
                np.testing.assert_array_equal(session.floats(layer)[1], entry.values(layer))


def test_one_of_many_is_restored_under_its_own_or_another_name(tmp_path: Path) -> None:
    manager = filled({"a": 20, "b": 30})
    save_all(manager, tmp_path / "all")
    other = KVCacheManager(LAYOUT, capacity_bytes=3 * LAYOUT.block_bytes)
    assert len(restore(other, tmp_path / "all", "b")) == 30
    assert len(restore(other, tmp_path / "all", "c", saved="a")) == 20
    with pytest.raises(SnapshotError, match="the file does not have just one"):
        restore(other, tmp_path / "all")
    with pytest.raises(SnapshotError, match="got 'nobody'"):
        restore(other, tmp_path / "all", "nobody")
    with pytest.raises(SnapshotError, match="a session that has an entry"):
        save_all(manager, tmp_path / "some", ["a", "nobody"])
    assert not (tmp_path / "some").exists()


@pytest.mark.parametrize("encoding", [pytest.param(name, id=name) for name in ("bfloat16", "int8", "int4")])
def test_encoded_numbers_come_back_as_floats(tmp_path: Path, encoding: str) -> None:
    manager = filled({"a": 50}, encoding)
    save(manager, "a", tmp_path / "a")
    entry = manager.get_or_create("a")
    session = Snapshot(tmp_path / "a").session()
    for mapped, own in zip(session.floats(1), entry.floats(1), strict=True):
        np.testing.assert_array_equal(mapped, own)
    room = np.empty((2, 60, 8), np.float32), np.empty((2, 60, 4), np.float32)
    assert np.shares_memory(session.floats(1, out=room)[0], room[0])


def test_only_what_is_looked_at_is_checked_and_only_once(tmp_path: Path, checked: list[int]) -> None:
    save(filled({"a": 2000}), "a", tmp_path / "a")  # a row of keys takes 16 pages, one of values 8
    session = Snapshot(tmp_path / "a").session()
    assert checked == []
    session.keys(0, 0, tokens=1)
    assert checked == [4096]
    session.keys(0, 0)
    assert checked == [4096] * 16
    session.keys(0)
    assert checked == [4096] * 32
    session.keys(0)
    session.keys(0, 1)
    assert len(checked) == 32
    assert session.damage() == ()
    assert len(checked) == 2 * (2 * 16 + 2 * 8)


def test_a_damaged_page_is_refused_by_name_and_harms_no_other(tmp_path: Path) -> None:
    manager = filled({"a": 2000, "b": 5})
    save_all(manager, tmp_path / "all")
    content = bytearray((tmp_path / "all").read_bytes())
    row = content.index(manager.get_or_create("a").keys(1)[0].tobytes())
    content[row + 4096 * 2 + 5] ^= 1
    (tmp_path / "all").write_bytes(content)
    snapshot = Snapshot(tmp_path / "all")
    session = snapshot.session("a")
    named = "tokens 256 to 383 of the keys of layer 1, head 0"
    for _ in range(2):  # it does not become right by being looked at
        with pytest.raises(SnapshotError, match=f"session 'a': expected {named} as saved"):
            session.keys(1)
    assert [str(each) for each in session.damage()] == [named]
    assert session.keys(1, tokens=256).shape == (2, 256, 8)
    assert session.keys(1, 1).shape == (2000, 8)
    assert snapshot.session("b").damage() == ()
    other = KVCacheManager(LAYOUT, capacity_bytes=2 * LAYOUT.block_bytes)
    assert len(restore(other, tmp_path / "all", "b")) == 5
    assert len(restore(other, tmp_path / "all", "a", salvage=True)) == 256


def test_views_are_read_only_and_outlive_the_snapshot(tmp_path: Path) -> None:
    manager = filled({"a": 20})
    save(manager, "a", tmp_path / "a")
    with Snapshot(tmp_path / "a") as snapshot:
        keys = snapshot.session().keys(0)
        with pytest.raises(ValueError, match="read-only"):
            keys[0] = 1
    with pytest.raises(ClosedError):
        snapshot.session()
    save(filled({"a": 7}), "a", tmp_path / "a")  # in its place; what is mapped is the file that was there
    np.testing.assert_array_equal(keys, manager.get_or_create("a").keys(0))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    save(filled({"a": 20}), "a", tmp_path / "a")
    session = Snapshot(tmp_path / "a").session()
    for wrong in ({"layer": 2}, {"layer": 0, "head": 2}, {"layer": 0, "tokens": 21}):
        with pytest.raises(OutOfBoundsError):
            session.keys(**wrong)
    (tmp_path / "empty").touch()
    with pytest.raises(SnapshotError, match="got '0 bytes'"):
        Snapshot(tmp_path / "empty")
    with pytest.raises(UnknownSessionError):
        filled({}).fork("a", "b")


def test_a_file_of_another_version_says_so(tmp_path: Path) -> None:
    save(filled({"a": 20}), "a", tmp_path / "a")
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(content.replace(b'"kvcache.version": "2"', b'"kvcache.version": "9"'))
    with pytest.raises(SnapshotError, match="got 'version 9'"):
        Snapshot(tmp_path / "a")


def test_holes_take_no_room(tmp_path: Path) -> None:
    save(filled({"a": 1}, "int8"), "a", tmp_path / "a")  # 12 bytes of a token, in a row of 1,024 of them
    facts = (tmp_path / "a").stat()
    assert facts.st_blocks * 512 < facts.st_size


def test_another_process_maps_the_same_file(tmp_path: Path) -> None:
    save(filled({"a": 20}), "a", tmp_path / "a")
    snapshot = Snapshot(tmp_path / "a")
    for thing in (snapshot, snapshot.session()):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            pickle.dumps(thing)
    expected = float(snapshot.session().keys(1).sum())
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, repr(float(snapshot.session().keys(1).sum())).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert float(os.read(read, 100)) == expected
    for end in (read, write):
        os.close(end)
    program = f"import kvcache; print(float(kvcache.Snapshot({str(tmp_path / 'a')!r}).session().keys(1).sum()))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(answer.stdout) == expected
