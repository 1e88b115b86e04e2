"""Layers of different shapes work in everything that a session can do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kvcache import (
    LRU,
    SYSTEM_PAGE,
    FileStore,
    KVCacheEntry,
    KVCacheManager,
    KVLayout,
    LayerShape,
    MemorySink,
    OutOfBoundsError,
    Rotary,
    ShapeError,
    SharedReader,
    SharedWriter,
    Snapshot,
    SnapshotError,
    Tier,
    commit_batch,
    gather,
    replay,
    restore,
    save,
    write_batch,
)
from kvcache.records.chain import to_json
from kvcache.sessions import sharing
from tests.kvcache.fakes import FakeClock, recording_of

SHAPES = [LayerShape(2, 16), LayerShape(1, 64), LayerShape(2, 16), LayerShape(1, 24, 8)]
CONTEXT = 3 * SYSTEM_PAGE // 64


def layout_of(alignment: int = SYSTEM_PAGE, **rest: Any) -> KVLayout:
    return KVLayout.of_layers(SHAPES, max_context=CONTEXT, alignment=alignment, **rest)


def make(layout: KVLayout | None = None, sessions: int = 4, **rest: Any) -> KVCacheManager:
    layout = layout or layout_of()
    return KVCacheManager(layout, capacity_bytes=sessions * layout.block_bytes, clock=FakeClock(), **rest)


def some(layer: int, first: int, last: int, seed: float = 0.0, sequences: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The keys and values of tokens of a layer: no two numbers are the same, and the next token is a little larger."""
    shape, sides = SHAPES[layer], []
    for side, width in enumerate(shape.widths):
        sizes = sequences * shape.kv_heads, 1, width
        numbers = np.arange(np.prod(sizes), dtype=np.float32).reshape(sizes) + np.float32(
            1000 * layer + 500 * side + seed
        )
        sides.append(numbers + np.arange(first, last, dtype=np.float32)[None, :, None] / 1024)
    return sides[0], sides[1]


def write(entry: KVCacheEntry, count: int, seed: float = 0.0) -> None:
    first, sequences = len(entry), entry.layout.sequences_of(layout_of())
    for layer in range(len(SHAPES)):
        entry.write(layer, *some(layer, first, first + count, seed, sequences))
    entry.commit()


def agrees(seen: Any, count: int, seed: float = 0.0, sequences: int = 1) -> None:
    """Whatever has `keys` and `values` shows the tokens that were written."""
    assert len(seen) == count
    for layer in range(len(SHAPES)):
        keys, values = some(layer, 0, count, seed, sequences)
        np.testing.assert_array_equal(seen.keys(layer), keys)
        np.testing.assert_array_equal(seen.values(layer), values)


@pytest.mark.parametrize("alignment", [64, SYSTEM_PAGE])
def test_layers_are_written_and_read_one_by_one(alignment: int) -> None:
    entry = make(layout_of(alignment)).get_or_create("a")
    write(entry, 5)
    write(entry, 1)
    agrees(entry, 6)
    for layer in range(len(SHAPES)):
        np.testing.assert_array_equal(entry.key(layer), entry.keys(layer))
        np.testing.assert_array_equal(entry.value(layer), entry.values(layer))
        assert entry.key(layer, whole=True).shape[1] == CONTEXT
    entry.truncate(2)
    agrees(entry, 2)
    write(entry, 3)
    agrees(entry, 5)


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        pytest.param(lambda entry: entry.append(np.ones((4, 2, 16)), np.ones((4, 2, 16))), "write", id="append"),
        pytest.param(lambda entry: entry.key(), "keys", id="key"),
        pytest.param(lambda entry: entry.value(), "keys", id="value"),
        pytest.param(lambda entry: entry.key_and_value(), "keys", id="key-and-value"),
        pytest.param(lambda entry: entry.key_mut(), "regions_mut", id="key-mut"),
        pytest.param(lambda entry: entry.value_mut(), "regions_mut", id="value-mut"),
        pytest.param(lambda entry: entry.rows_mut(), "regions_mut", id="rows-mut"),
    ],
)
def test_arrays_of_all_layers_are_refused_with_what_to_use_instead(
    call: Callable[[KVCacheEntry], object], instead: str
) -> None:
    entry = make().get_or_create("a")
    with pytest.raises(ShapeError, match=rf"expected layers of one shape, got '3 shapes'.*{instead}"):
        call(entry)
    assert entry.is_idle


def test_an_array_of_another_layer_does_not_fit() -> None:
    entry = make().get_or_create("a")
    with pytest.raises(ShapeError, match=r"write: key: expected \[1, tokens, 64\]"):
        entry.write(1, *some(0, 0, 2))
    with pytest.raises(ShapeError, match=r"write: value: expected \[1, 2, 8\]"):
        entry.write(3, some(3, 0, 2)[0], some(3, 0, 2)[0])
    with pytest.raises(OutOfBoundsError):
        entry.write(4, *some(0, 0, 2))


def test_a_model_may_write_by_itself() -> None:
    entry = make(memory_bytes=2**20).get_or_create("a")
    rows = entry.layout.by_layer(entry.regions_mut())
    assert entry.reserve(7) >= 7
    for layer, sides in enumerate(zip(*rows, strict=True)):
        for row, new in zip(sides, some(layer, 0, 7), strict=True):
            row[:, :7] = new
    entry.commit(7)
    agrees(entry, 7)


@pytest.mark.parametrize("count", [3, CONTEXT - 9])
@pytest.mark.parametrize("alignment", [64, SYSTEM_PAGE])
def test_a_fork_goes_on_by_itself(alignment: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "WORTH", SYSTEM_PAGE)
    manager = make(layout_of(alignment))
    write(manager.get_or_create("a"), CONTEXT - 8)
    fork = manager.fork("a", "b", count)
    agrees(fork, count)
    if alignment == SYSTEM_PAGE:
        assert bool(fork.shared_bytes) == (count > 3)
    write(fork, 5)
    agrees(fork, count + 5)
    agrees(manager.get_or_create("a"), CONTEXT - 8)
    third = manager.fork("b", "c")
    third.truncate(2)
    write(third, 2, seed=0.5)
    agrees(fork, count + 5)
    assert third.keys(3)[0, 2, 0] == some(3, 2, 3, 0.5)[0][0, 0, 0]


def test_tokens_are_removed_from_the_middle_of_every_layer() -> None:
    entry = make().get_or_create("a")
    write(entry, 9)
    assert entry.remove(2, 5, rotate=Rotary()) == 6
    for layer in range(len(SHAPES)):
        keys, values = some(layer, 0, 9)
        np.testing.assert_array_equal(entry.values(layer), np.delete(values, slice(2, 5), axis=1))
        turned = np.concatenate([keys[:, :2], Rotary()(keys[:, 5:], -3)], axis=1)
        np.testing.assert_array_equal(entry.keys(layer), turned)
    entry.shrink()


@pytest.mark.parametrize("encoding", ["float16", "bfloat16", "int8", "int4"])
def test_a_session_is_recoded(encoding: str) -> None:
    manager = make(sessions=8)
    write(manager.get_or_create("a"), 20)
    assert manager.recode("a", encoding)
    entry = manager.get_or_create("a")
    for layer in range(len(SHAPES)):
        for side, expected in zip(entry.floats(layer), some(layer, 0, 20), strict=True):
            assert np.abs(side - expected).max() <= 0.1 * expected.max()
    assert manager.recode("a", None)
    assert len(manager.get_or_create("a")) == 20


def test_batches_are_written_and_gathered_layer_by_layer() -> None:
    manager = make()
    entries = [manager.get_or_create(name) for name in "ab"]
    write(entries[1], 2)
    for layer in range(len(SHAPES)):
        new = [np.stack(sides) for sides in zip(some(layer, 0, 3), some(layer, 2, 5), strict=True)]
        write_batch(entries, layer, *new)
    assert commit_batch(entries) == [3, 5]
    for layer in range(len(SHAPES)):
        batch = gather(entries, layer)
        np.testing.assert_array_equal(batch.keys[1], some(layer, 0, 5)[0])
        np.testing.assert_array_equal(batch.values[0, :, :3], some(layer, 0, 3)[1])


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("sequences", [1, 2])
@pytest.mark.parametrize("count", [0, 7, CONTEXT - 5])
def test_a_session_is_saved_and_restored(
    tmp_path: Path, count: int, sequences: int, mapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kvcache.snapshots.mapped.WORTH", SYSTEM_PAGE)
    manager = make(sessions=8)
    entry = manager.get_or_create("a", sequences=sequences)
    if count:
        write(entry, count)
    assert save(manager, "a", tmp_path / "file") == count
    with Snapshot(tmp_path / "file") as snapshot:
        agrees(snapshot.session(), count, sequences=sequences)
        assert {name.partition("/")[2] for name in tensors(tmp_path / "file")} >= {"keys.0", "values.2"}
    again = restore(make(sessions=8), tmp_path / "file", mapped=mapped)
    agrees(again, count, sequences=sequences)
    if count < CONTEXT - 5:
        write(again, 4)
        agrees(again, count + 4, sequences=sequences)


def tensors(path: Path) -> dict[str, Any]:
    """The header of a file."""
    content = path.read_bytes()
    found: dict[str, Any] = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return found


def test_damage_is_named_by_the_layer_of_the_model(tmp_path: Path) -> None:
    manager = make()
    write(manager.get_or_create("a"), 9)
    save(manager, "a", tmp_path / "file")
    content = bytearray((tmp_path / "file").read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    first, _ = tensors(tmp_path / "file")["a/keys.0"]["data_offsets"]
    content[header + first + 3 * SYSTEM_PAGE] ^= 1  # two heads of layer 0, then those of layer 2
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(SnapshotError, match="of the keys of layer 2, head 1 as saved"):
        restore(make(), tmp_path / "file")


def test_a_file_of_other_layers_is_refused_in_words(tmp_path: Path) -> None:
    manager = make()
    write(manager.get_or_create("a"), 2)
    save(manager, "a", tmp_path / "file")
    other = KVLayout.of_layers([SHAPES[0], SHAPES[0], SHAPES[1], SHAPES[3]], max_context=CONTEXT)
    with pytest.raises(SnapshotError, match=r"expected layers \[0, 1\] of 2 heads, .* got 'layers \[0, 2\]"):
        restore(make(other), tmp_path / "file")
    with pytest.raises(
        SnapshotError, match=r"expected 4 layers of 2 heads, \(16, 16\) elements, in float32, got 'layers"
    ):
        restore(make(KVLayout(layers=4, kv_heads=2, head_dim=16, max_context=CONTEXT)), tmp_path / "file")


def test_a_session_comes_back_from_a_second_tier(tmp_path: Path) -> None:
    manager = make(sessions=1)
    with Tier(manager, FileStore(tmp_path), time_limit=60.0) as tier:
        write(manager.get_or_create("a"), 12)
        manager.get_or_create("b")
        assert tier.flush(60.0)
        entry = tier.get("a")
        assert entry is not None
        agrees(entry, 12)
        assert tier.statistics().hits == 1


def test_readers_of_shared_memory_see_every_layer(tmp_path: Path) -> None:
    manager = make()
    entry = manager.get_or_create("a")
    with SharedWriter(tmp_path / "shared", layout_of(), slots=1) as writer:
        reader = SharedReader(tmp_path / "shared")
        assert reader.layout == layout_of()
        for count in (5, 3):
            write(entry, count)
            writer.publish(manager, "a")
            session = reader.session("a")
            assert session is not None
            agrees(session, len(entry))
            np.testing.assert_array_equal(session.floats(3)[1], some(3, 0, len(entry))[1])


def test_a_trace_is_replayed_in_a_cache_of_the_same_layers() -> None:
    sink = MemorySink()
    manager = make(sessions=2, trace=[sink])
    for name in "abc":
        write(manager.get_or_create(name), 4)
    manager.close()
    recording = recording_of(sink)
    assert recording.opening is not None
    assert recording.opening["shapes"][3] == [1, 24, 8, None]
    player = replay._Player(recording, LRU(), None, None)
    assert player.manager.layout == layout_of()
    assert player.play() == replay.recorded(recording).__class__(
        **{**vars_of(replay.recorded(recording)), "policy": "lru"}
    )


def vars_of(outcome: replay.Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in outcome.__slots__}


def test_the_opening_of_plain_layers_is_as_it_was() -> None:
    sink = MemorySink()
    make(KVLayout(layers=2, kv_heads=1, head_dim=4, max_context=8), trace=[sink]).close()
    opening = to_json(sink.records[0])
    assert opening["shapes"] is None
    assert (opening["layers"], opening["head_dim"], opening["value_dim"]) == (2, 4, 4)


def test_memory_counts_the_pages_of_every_layer() -> None:
    manager = make(memory_bytes=2**20)
    entry = manager.get_or_create("a")
    write(entry, 1)
    rows = sum(2 * shape.kv_heads for shape in SHAPES)
    assert entry.resident_bytes == manager.statistics().bytes_resident == rows * SYSTEM_PAGE
    manager.evict("a")
    assert manager.statistics().bytes_resident == 0
