"""What sessions begin with is saved once: a file has the rest of a session, which is put behind what it begins with."""

from pathlib import Path

import numpy as np
import pytest

from kvcache import (
    SYSTEM_PAGE,
    KVCacheManager,
    KVLayout,
    LayerShape,
    ShapeError,
    SnapshotError,
    UnknownSessionError,
    extend,
    restore,
    save_all,
)

UNIFORM = KVLayout(layers=2, kv_heads=2, head_dim=4, max_context=300, value_dim=3)
MIXED = KVLayout.of_layers([LayerShape(2, 4, 3), LayerShape(1, 8, 8)], max_context=300)
LAYOUTS = [
    pytest.param(UNIFORM, id="uniform"),
    pytest.param(MIXED, id="mixed"),
    pytest.param(KVLayout(layers=2, kv_heads=2, head_dim=4, max_context=300, encoding="int8"), id="int8"),
    pytest.param(KVLayout(layers=2, kv_heads=2, head_dim=4, max_context=300, dtype="bfloat16"), id="bfloat16"),
]


def manager_of(layout: KVLayout) -> KVCacheManager:
    return KVCacheManager(layout, capacity_bytes=4 * layout.block_bytes)


def fill(manager: KVCacheManager, session: str, count: int) -> None:
    """Write random numbers to all layers."""
    source, entry = np.random.default_rng(count), manager.get_or_create(session)
    for layer, shape in enumerate(manager.layout.shapes):
        widths = shape.head_dim, shape.value_dim or shape.head_dim
        rows = [source.random((shape.kv_heads, count, width), dtype=np.float32) for width in widths]
        if manager.layout.dtype == np.uint16:
            rows = [row.astype(np.uint16) for row in rows]
        entry.write(layer, *rows)
    entry.commit()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("first", [1, 100, 299])
def test_a_session_is_put_together_again(tmp_path: Path, layout: KVLayout, first: int) -> None:
    manager = manager_of(layout)
    fill(manager, "a", 300)
    assert save_all(manager, tmp_path / "rest", ["a"], behind={"a": first}) == {"a": 300}
    manager.fork("a", "b", first)
    again = extend(manager, tmp_path / "rest", "b", saved="a")
    expected = manager.get_or_create("a")
    assert len(again) == 300
    for layer in range(layout.layers):
        np.testing.assert_array_equal(again.keys(layer), expected.keys(layer))
        np.testing.assert_array_equal(again.values(layer), expected.values(layer))
    manager.check()


def test_a_rest_is_no_session(tmp_path: Path) -> None:
    manager = manager_of(UNIFORM)
    fill(manager, "a", 300)
    save_all(manager, tmp_path / "rest", ["a"], behind={"a": 100})
    with pytest.raises(SnapshotError, match=r"expected all tokens .* got 'those from \[100\] on'"):
        restore(manager, tmp_path / "rest")
    assert len(manager.get_or_create("a")) == 300


def test_a_rest_fits_behind_its_own_beginning_only(tmp_path: Path) -> None:
    manager = manager_of(UNIFORM)
    fill(manager, "a", 300)
    save_all(manager, tmp_path / "rest", ["a"], behind={"a": 100})
    fill(manager, "b", 90)
    with pytest.raises(SnapshotError, match="expected tokens from number 90 on"):
        extend(manager, tmp_path / "rest", "b", saved="a")
    assert len(manager.get_or_create("b")) == 90
    with pytest.raises(UnknownSessionError):
        extend(manager, tmp_path / "rest", "nobody", saved="a")


@pytest.mark.parametrize("first", [300, 301])
def test_a_rest_of_nothing_is_refused(tmp_path: Path, first: int) -> None:
    manager = manager_of(UNIFORM)
    fill(manager, "a", 300)
    with pytest.raises(SnapshotError, match=f"expected more than {first} tokens, got 300"):
        save_all(manager, tmp_path / "rest", ["a"], behind={"a": first})
    assert list(tmp_path.iterdir()) == []


def test_a_session_with_windows_has_no_rest(tmp_path: Path) -> None:
    layout = KVLayout(layers=2, kv_heads=2, head_dim=4, max_context=300, window=16, alignment=SYSTEM_PAGE)
    manager = manager_of(layout)
    fill(manager, "a", 300)
    with pytest.raises(ShapeError, match="expected layers that keep all tokens"):
        save_all(manager, tmp_path / "rest", ["a"], behind={"a": 100})


def test_a_damaged_rest_leaves_the_session_as_it_was(tmp_path: Path) -> None:
    manager = manager_of(UNIFORM)
    fill(manager, "a", 300)
    save_all(manager, tmp_path / "rest", ["a"], behind={"a": 100})
    manager.fork("a", "b", 100)
    content = bytearray((tmp_path / "rest").read_bytes())
    place = bytes(content).index(manager.get_or_create("a").keys(1)[1, 150].tobytes())
    content[place] ^= 1
    (tmp_path / "rest").write_bytes(content)
    with pytest.raises(SnapshotError, match="of the keys of layer 1, head 1 as saved, got 'damaged'"):
        extend(manager, tmp_path / "rest", "b", saved="a")
    assert len(manager.get_or_create("b")) == 100
