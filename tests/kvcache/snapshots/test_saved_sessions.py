"""A session comes back from its file as it was, or not at all."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvcache import (
    SYSTEM_PAGE,
    ClosedError,
    InvalidSessionError,
    KVCacheManager,
    KVLayout,
    OutOfMemoryError,
    PinnedEntryError,
    Snapshot,
    SnapshotError,
    restore,
    save,
)
from tests.kvcache.fakes import make_manager, tokens

LONG = KVLayout(layers=2, kv_heads=2, head_dim=4, max_context=1024, value_dim=3, alignment=SYSTEM_PAGE)


def long_manager(sessions: int = 2) -> KVCacheManager:
    return KVCacheManager(LONG, capacity_bytes=sessions * LONG.block_bytes)


def saved(path: Path, count: int = 600) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Save a session "a" of random tokens, and return them."""
    source = np.random.default_rng(count)
    key, value = (source.random((count, *shape), dtype=np.float32) for shape in (LONG.token_shape, LONG.value_shape))
    manager = long_manager()
    manager.get_or_create("a").append(key, value)
    assert save(manager, "a", path) == count
    assert manager.sessions() == ("a",)
    return key, value


@given(
    dtype=st.sampled_from(["float32", "float16", "bfloat16", "int8", "float64"]),
    count=st.integers(0, 300),
    sequences=st.integers(1, 3),
    value_dim=st.integers(1, 5),
)
@settings(max_examples=40)
def test_a_session_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, dtype: str, count: int, sequences: int, value_dim: int
) -> None:
    path = tmp_path_factory.mktemp("snapshot") / "a.safetensors"
    layout = KVLayout(layers=2, kv_heads=2, head_dim=3, value_dim=value_dim, max_context=300, dtype=dtype)
    manager = KVCacheManager(layout, capacity_bytes=8 * layout.block_bytes)
    entry = manager.get_or_create("a", sequences=sequences)
    source = np.random.default_rng(0)
    whole = entry.layout
    key, value = (
        source.integers(0, 100, (count, *shape)).astype(layout.dtype)
        for shape in (whole.token_shape, whole.value_shape)
    )
    entry.append(key, value)
    assert save(manager, "a", path) == count
    again = restore(manager, path, "b")
    assert again.layout.kv_heads == 2 * sequences
    np.testing.assert_array_equal(again.key(), key)
    np.testing.assert_array_equal(again.value(), value)
    manager.check()


def test_another_process_may_have_another_context(tmp_path: Path) -> None:
    key, _ = saved(tmp_path / "a")
    layout = KVLayout(layers=2, kv_heads=2, head_dim=4, max_context=600, value_dim=3)
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes)
    entry = restore(manager, tmp_path / "a", ttl_seconds=5.0)
    assert (entry.session_id, entry.ttl_seconds) == ("a", 5.0)
    np.testing.assert_array_equal(entry.key(), key)


def test_any_reader_of_the_format_can_look_at_it(tmp_path: Path) -> None:
    key, value = saved(tmp_path / "a", 5)
    content = (tmp_path / "a").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert (8 + length) % 4096 == 0
    assert header["a/keys"]["dtype"] == "F32"
    assert all(isinstance(text, str) for text in header["__metadata__"].values())
    for name, expected in (("keys", key), ("values", value)):
        first, last = header[f"a/{name}"]["data_offsets"]
        read = np.frombuffer(content[8 + length :][first:last], dtype=np.float32).reshape(header[f"a/{name}"]["shape"])
        np.testing.assert_array_equal(read[:, :, :5], expected.transpose(1, 2, 0, 3))
        assert not read[:, :, 5:].any()
    tensors = sorted(tensor["data_offsets"] for name, tensor in header.items() if name != "__metadata__")
    assert [first for first, _ in tensors] == [
        0,
        *(last for _, last in tensors[:-1]),
    ]  # without holes, as the format has it
    assert tensors[-1][1] == len(content) - 8 - length


def places_in(path: Path) -> dict[str, int]:
    """Where each tensor of a file begins."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    return {name: start + each["data_offsets"][0] for name, each in header.items() if name != "__metadata__"}


@pytest.mark.parametrize(
    ("token", "first", "last"),
    [
        pytest.param(0, 0, 341, id="first"),
        pytest.param(350, 341, 599, id="middle"),
        pytest.param(599, 341, 599, id="last"),
    ],
)
def test_damaged_tokens_are_named_and_those_before_them_can_be_had(
    tmp_path: Path, token: int, first: int, last: int
) -> None:
    key, value = saved(tmp_path / "a")
    content = bytearray((tmp_path / "a").read_bytes())
    # A row of 600 tokens of 12 bytes takes three pages of 4,096 bytes; this is the last of four.
    content[places_in(tmp_path / "a")["a/values"] + 3 * 12_288 + token * 12] ^= 1
    (tmp_path / "a").write_bytes(content)
    manager = long_manager()
    manager.get_or_create("a").append(*[tokens(LONG, 0)[..., :width] for width in (4, 3)])
    named = f"tokens {first} to {last} of the values of layer 1, head 1"
    with pytest.raises(SnapshotError, match=f"expected {named} as saved, got 'damaged'") as caught:
        restore(manager, tmp_path / "a")
    assert f"the {first} tokens before them" in str(caught.value)
    assert manager.sessions() == ("a",)
    entry = restore(manager, tmp_path / "a", salvage=True)
    np.testing.assert_array_equal(entry.key(), key[:first])
    np.testing.assert_array_equal(entry.value(), value[:first])


def test_a_changed_byte_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a"
    key, _ = saved(path, 3)
    content, starts = path.read_bytes(), places_in(path)
    text = content.index(b"  ")  # the header's spaces
    end = starts["kvcache/checksums"]
    places = [
        *range(0, text, 7),
        text,
        4095,
        *range(4096, end, 1021),
        *range(4096, end, 4096),
        *range(end, len(content)),
    ]
    manager = long_manager()
    for place in places:
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        try:
            entry = restore(manager, path, "a")
        except SnapshotError:
            assert manager.sessions() == ()
        else:  # zeros beside the tokens
            np.testing.assert_array_equal(entry.key(), key)
            manager.evict("a")
            with Snapshot(path) as snapshot:
                (damage,) = snapshot.session().damage()
                assert str(damage).startswith("zeros beside the tokens")


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    saved(tmp_path / "a", 3)
    content = (tmp_path / "a").read_bytes()
    manager = long_manager()
    for length in [*range(0, 1000, 7), *range(1000, len(content), 1021), len(content) - 1]:
        (tmp_path / "a").write_bytes(content[:length])
        with pytest.raises(SnapshotError):
            restore(manager, tmp_path / "a")
    (tmp_path / "a").write_bytes(content + b"x")
    with pytest.raises(SnapshotError):
        restore(manager, tmp_path / "a", salvage=True)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"layers": 3}, id="layers"),
        pytest.param({"kv_heads": 3}, id="heads"),
        pytest.param({"head_dim": 5}, id="width"),
        pytest.param({"value_dim": 4}, id="width-of-values"),
        pytest.param({"dtype": "float16"}, id="dtype"),
        pytest.param({"max_context": 599}, id="context"),
    ],
)
def test_a_file_of_another_layout_is_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    saved(tmp_path / "a")
    sizes: dict[str, Any] = {"layers": 2, "kv_heads": 2, "head_dim": 4, "max_context": 1024, "value_dim": 3}
    layout = KVLayout(**{**sizes, **other})
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes)
    with pytest.raises(SnapshotError, match="expected"):
        restore(manager, tmp_path / "a")
    assert len(manager) == 0


def test_a_file_that_cannot_be_written_leaves_the_one_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_text("before")

    def broken(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="no space left"):
        saved(path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_saved_or_restored_is_refused(tmp_path: Path) -> None:
    manager = make_manager(blocks=1)
    with pytest.raises(SnapshotError, match="a session that has an entry"):
        save(manager, "nobody", tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        restore(manager, tmp_path / "nothing")
    entry = manager.get_or_create("a")
    save(manager, "a", tmp_path / "a")
    with pytest.raises(InvalidSessionError):
        restore(manager, tmp_path / "a", "")
    with entry.pin():
        with pytest.raises(PinnedEntryError):
            restore(manager, tmp_path / "a")
        with pytest.raises(OutOfMemoryError):
            restore(manager, tmp_path / "a", "b")
    assert manager.sessions() == ("a",)
    odd = KVLayout(layers=1, kv_heads=1, head_dim=2, max_context=2, dtype="complex64")
    with KVCacheManager(odd, capacity_bytes=odd.block_bytes) as other:
        other.get_or_create("a")
        with pytest.raises(SnapshotError, match="a dtype of"):
            save(other, "a", tmp_path / "b")
    with pytest.raises(ClosedError):
        save(other, "a", tmp_path / "b")
