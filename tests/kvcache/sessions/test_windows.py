"""Layers with a window give back what is in front of it, and no zeros or other session's tokens are ever shown in its place."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kvcache import (
    SYSTEM_PAGE,
    KVLayout,
    LayerShape,
    MemorySink,
    OutOfBoundsError,
    PrefixIndex,
    ShapeError,
    SharedReader,
    SharedWriter,
    Snapshot,
    SnapshotError,
    gather,
    replay,
    restore,
    save,
)
from kvcache.sessions import sharing
from kvcache.sessions.eviction import LRU
from kvcache.sessions.regions import SLACK
from tests.kvcache.fakes import recording_of
from tests.kvcache.sessions.windowed import (
    CONTEXT,
    DUE,
    GLOBAL,
    LAYOUT,
    LOCAL,
    LOCAL_PAGES,
    SHAPES,
    WINDOW,
    adds_up,
    agrees,
    grow,
    make,
    write,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system takes single pages back")


def test_a_layer_takes_memory_for_its_window_and_a_little_more() -> None:
    manager = make(memory_bytes=2**22)
    entry = manager.get_or_create("a")
    fills = grow(entry, CONTEXT)
    agrees(entry, fills)
    first = entry.first_token(0)
    assert entry.first_token(1) == 0 < first == entry.first_token(2)
    assert CONTEXT - first <= DUE
    assert entry.keys(0).shape == (2, CONTEXT - first, 64)
    assert (entry.key(0) == entry.keys(0)).all()
    whole = 2 * CONTEXT * 64 * 4
    assert entry.resident_bytes <= whole + 2 * 4 * LOCAL_PAGES * SYSTEM_PAGE
    adds_up(manager)


def test_a_long_text_that_is_written_at_once_is_given_back_with_the_next_token() -> None:
    manager = make(memory_bytes=2**22)
    entry = manager.get_or_create("a")
    fills = [float(number) for number in range(1, 501)]
    write(entry, fills)
    assert entry.first_token(0) == 0  # attention still needs all of it
    seen = entry.keys(0)
    assert (seen[0, :, 0] == fills).all()
    write(entry, [501.0])
    assert entry.first_token(0) == 500 - WINDOW + 1 - SLACK
    agrees(entry, [*fills, 501.0])


def test_without_a_next_token_trim_and_whoever_needs_memory_take_it() -> None:
    manager = make(memory_bytes=2**22)
    entry = manager.get_or_create("a")
    write(entry, [1.0] * 500)
    before = entry.resident_bytes
    with entry.pin():
        assert manager.trim() == 0
    given = manager.trim()
    assert given == before - entry.resident_bytes > 0
    write(manager.get_or_create("b"), [2.0] * 500)
    short = make(memory_bytes=before + 10 * 6 * SYSTEM_PAGE)
    write(short.get_or_create("a"), [1.0] * 500)
    write(short.get_or_create("b"), [2.0] * 150)
    assert short.sessions() == ("a", "b")  # the windows of a made room, and nobody had to go
    agrees(short.get_or_create("a"), [1.0] * 500)
    adds_up(short)


def test_what_is_pinned_keeps_its_views() -> None:
    entry = make(memory_bytes=2**22).get_or_create("a")
    fills = grow(entry, DUE - 1)
    with entry.pin():
        seen = entry.keys(0)
        more = grow(entry, 2 * SLACK, first=1000.0)
        assert entry.first_token(0) == 0
        assert (seen[1, :, 3] == fills).all()
    agrees(entry, fills + more)
    write(entry, [7.0])
    assert entry.first_token(0) > 0
    agrees(entry, [*fills, *more, 7.0])


@pytest.mark.parametrize("layout", [LAYOUT, LAYOUT.for_context(CONTEXT - 3)])
def test_a_session_is_shortened_as_far_as_its_windows_are_there(layout: KVLayout) -> None:
    entry = make(layout, memory_bytes=2**22).get_or_create("a")
    fills = grow(entry, 400)
    entry.truncate(400 - SLACK)
    del fills[400 - SLACK :]
    agrees(entry, fills)
    least = entry.shortest
    assert least == entry.first_token(0) + WINDOW - 1
    before = entry.resident_bytes, entry.truncations
    for count in (least - 1, 1):
        with pytest.raises(
            OutOfBoundsError, match=rf"truncate: expected at least {least} tokens, or 0: .*without windows"
        ):
            entry.truncate(count)
    assert (entry.resident_bytes, entry.truncations) == before
    agrees(entry, fills)
    entry.truncate(least)
    agrees(entry, fills[:least])
    fills = fills[:least] + grow(entry, 5, first=900.0)
    agrees(entry, fills)


def test_a_session_without_tokens_begins_anew() -> None:
    manager = make(memory_bytes=2**22)
    entry = manager.get_or_create("a")
    grow(entry, 300)
    entry.truncate(0)
    assert (len(entry), entry.first_token(0), entry.shortest, entry.resident_bytes) == (0, 0, 0, 0)
    adds_up(manager)
    agrees(entry, grow(entry, 300, first=5.0))
    assert entry.first_token(0) > 0
    adds_up(manager)


@pytest.mark.parametrize("count", [0, 300, 280])
@pytest.mark.parametrize("worth", [SYSTEM_PAGE, 2**30])
def test_a_fork_shows_or_copies_what_is_there(count: int, worth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "WORTH", worth)
    manager = make(memory_bytes=2**22)
    source = manager.get_or_create("a")
    fills = grow(source, 300)
    fork = manager.fork("a", "b", count)
    agrees(fork, fills[:count])
    assert bool(fork.shared_bytes) == (worth == SYSTEM_PAGE and count > 0)
    adds_up(manager)
    agrees(fork, fills[:count] + grow(fork, 260, first=1000.0))
    adds_up(manager)
    # What was shown in front of the window is let go of, and only that.
    assert all(piece.start + piece.length > fork._fronts[0] for piece in fork._pieces[0])
    agrees(source, fills)
    agrees(source, fills + grow(source, 200, first=2000.0))
    manager.evict("a")
    adds_up(manager)


def test_a_fork_of_what_is_not_there_is_refused() -> None:
    manager = make()
    fills = grow(manager.get_or_create("a"), 300)
    write(manager.get_or_create("b"), [9.0])
    with pytest.raises(OutOfBoundsError, match="fork: expected at least"):
        manager.fork("a", "b", 50)
    agrees(manager.get_or_create("a"), fills)
    agrees(manager.get_or_create("b"), [9.0])


@pytest.mark.parametrize("act", ["remove", "slide"])
def test_tokens_do_not_leave_from_the_middle(act: str) -> None:
    entry = make().get_or_create("a")
    grow(entry, 5)
    with pytest.raises(ShapeError, match=rf"{act}: expected layers that keep all tokens, got 'windows of \[40\]'"):
        entry.remove(1, 2) if act == "remove" else entry.slide(2)
    agrees(entry, [1.0, 2.0, 3.0, 4.0, 5.0])


def test_one_array_of_all_layers_is_refused_where_they_have_windows() -> None:
    layout = KVLayout(layers=2, kv_heads=1, head_dim=64, max_context=CONTEXT, window=WINDOW, alignment=SYSTEM_PAGE)
    entry = make(layout).get_or_create("a")
    for number in range(300):
        entry.append(*[np.full((2, 1, 64), float(number), np.float32)] * 2)
    first = entry.first_token(1)
    assert first > 0
    assert entry.keys(1)[0, :, 0].tolist() == list(range(first, 300))
    for call in (entry.key, entry.value, entry.key_and_value, entry.key_mut, entry.value_mut):
        with pytest.raises(ShapeError, match="expected layers that keep all tokens"):
            call()


@pytest.mark.parametrize(
    "rest", [pytest.param({"alignment": 64}, id="alignment"), pytest.param({"alignment": SYSTEM_PAGE}, id="heap")]
)
def test_where_pages_cannot_be_given_back_all_is_kept(rest: dict[str, Any]) -> None:
    layout = KVLayout.of_layers(SHAPES, max_context=CONTEXT, **rest)
    manager = make(layout, backing="mapping" if rest["alignment"] == 64 else "heap")
    entry = manager.get_or_create("a")
    fills = grow(entry, 400)
    agrees(entry, fills)
    assert entry.first_token(0) == entry.shortest == 0
    entry.truncate(3)
    agrees(entry, fills[:3])
    if rest["alignment"] == 64:
        entry.remove(0, 1)


@pytest.mark.parametrize("sequences", [1, 3])
@pytest.mark.parametrize("limit", [None, 2**22])
def test_the_next_session_sees_nothing_of_who_wrote_by_itself_where_it_should_not(
    limit: int | None, sequences: int
) -> None:
    manager = make(sessions=3, memory_bytes=limit)
    entry = manager.get_or_create("a", sequences=sequences)
    rows = entry.layout.by_layer(entry.regions_mut())
    for number in range(300):
        entry.reserve(1)
        for side in (*rows[0], *rows[1]):
            side[:, number] = 1.0
        entry.commit(1)
    assert entry.first_token(0) > 0
    assert not rows[0][0][:, 0].any()
    for side in (*rows[0], *rows[1]):
        side[:] = 77.0  # by mistake, also in front of the window
    del rows, side
    manager.evict("a")
    fresh = manager.get_or_create("b", sequences=sequences)
    for layer in range(len(SHAPES)):
        assert not fresh.key(layer, whole=True).any()
        assert not fresh.value(layer, whole=True).any()
    manager.check()


@pytest.mark.parametrize("encoding", ["float16", "int8"])
def test_a_session_is_recoded(encoding: str) -> None:
    manager = make(memory_bytes=2**22)
    fills = grow(manager.get_or_create("a"), 300)
    first = manager.get_or_create("a").first_token(0)
    assert manager.recode("a", encoding)
    entry = manager.get_or_create("a")
    assert entry.first_token(0) == first
    for layer in range(len(SHAPES)):
        keys, values = entry.floats(layer)
        expected = np.array(fills[entry.first_token(layer) :], np.float32)[None, :, None]
        assert np.abs(keys / expected - 1).max() < 0.02
        assert np.abs(values / -expected - 1).max() < 0.02
    adds_up(manager)
    assert manager.recode("a", None)
    adds_up(manager)
    assert manager.get_or_create("a").first_token(0) == first


def test_a_batch_says_which_token_is_the_first() -> None:
    manager = make()
    entries = [manager.get_or_create(name) for name in "ab"]
    fills = grow(entries[0], 300)
    grow(entries[1], 4)
    batch = gather(entries, 0)
    assert batch.firsts.tolist() == [entries[0].first_token(0), 0]
    assert batch.lengths.tolist() == [300 - batch.firsts[0], 4]
    assert batch.keys[0, 0, :, 0].tolist() == fills[batch.firsts[0] :]
    assert gather(entries, 1).firsts.tolist() == [0, 0]


@pytest.mark.parametrize("mapped", [False, True])
def test_a_saved_session_says_from_where_its_layers_are_kept(
    tmp_path: Path, mapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kvcache.snapshots.mapped.WORTH", SYSTEM_PAGE)
    manager = make()
    fills = grow(manager.get_or_create("a"), 400)
    save(manager, "a", tmp_path / "file")
    with Snapshot(tmp_path / "file") as snapshot:
        agrees(snapshot.session(), fills)
        assert [group.first for group in snapshot.session().facts.groups] == [
            manager.get_or_create("a").first_token(layer) for layer in (0, 1)
        ]
    # Eight rows of a window, and two of all tokens.
    assert (tmp_path / "file").stat().st_size < 8 * 2**16 + 2 * 2**17 + 2**14
    target = make(memory_bytes=2**22)
    again = restore(target, tmp_path / "file", mapped=mapped)
    agrees(again, fills)
    assert bool(again.shared_bytes) == mapped
    assert again.shortest == manager.get_or_create("a").shortest
    agrees(again, fills + grow(again, 200, first=1000.0))
    target.check()


def test_damage_of_a_window_cannot_be_salvaged_and_that_of_zeros_is_none(tmp_path: Path) -> None:
    # 64 tokens take 5 pages: rows in the file begin up to 5 pages before the first token.
    wide = LayerShape(1, 80, window=WINDOW)
    layout = KVLayout.of_layers([wide, GLOBAL], max_context=CONTEXT, alignment=SYSTEM_PAGE)
    manager = make(layout)
    entry = manager.get_or_create("a")
    for fills in (range(197), range(197, 250)):
        for layer, shape in enumerate(layout.shapes):
            row = np.array(fills, np.float32)[None, :, None] * np.ones((1, 1, shape.head_dim), np.float32)
            entry.write(layer, row, row)
        entry.commit()
    first = entry.first_token(0)
    assert first % 64 > 13  # so that there is a page without tokens
    save(manager, "a", tmp_path / "file")
    whole = (tmp_path / "file").read_bytes()
    begin = 8 + int.from_bytes(whole[:8], "little")
    for place, words in (
        (0, "zeros beside the tokens of the keys of layer 0"),
        (first % 64 * 320, f"tokens {first} to"),
    ):
        content = bytearray(whole)
        content[begin + place] ^= 1
        (tmp_path / "file").write_bytes(content)
        with Snapshot(tmp_path / "file") as snapshot:
            (damage,) = snapshot.session().damage()
            assert str(damage).startswith(words)
            if not place:
                assert snapshot.session().keys(0)[0, :, 0].tolist() == list(range(first, 250))
        if place:
            with pytest.raises(SnapshotError, match=rf"expected tokens {first} to .* as saved, got 'damaged'$"):
                restore(make(layout), tmp_path / "file", salvage=True)
        else:
            assert len(restore(make(layout), tmp_path / "file")) == 250


@pytest.mark.parametrize(("shapes", "count", "version"), [([GLOBAL], 300, "2"), ([LOCAL], 9, "2"), ([LOCAL], 300, "3")])
def test_a_file_has_a_new_version_only_where_it_says_something_new(
    tmp_path: Path, shapes: list[LayerShape], count: int, version: str
) -> None:
    layout = KVLayout.of_layers(shapes, max_context=CONTEXT, alignment=SYSTEM_PAGE)
    manager = make(layout)
    for _ in range(count):
        rows = (np.ones((1, shapes[0].kv_heads, width), np.float32) for width in shapes[0].widths)
        manager.get_or_create("a").append(*rows)
    save(manager, "a", tmp_path / "file")
    assert f'"kvcache.version": "{version}"' in (tmp_path / "file").read_bytes()[:500].decode("utf-8", "replace")


def test_a_file_is_refused_where_its_windows_do_not_suffice(tmp_path: Path) -> None:
    manager = make()
    grow(manager.get_or_create("a"), 400)
    save(manager, "a", tmp_path / "file")
    wider = [LayerShape(2, 64, 48, window=WINDOW + SLACK + 100), GLOBAL]
    for shapes, alignment in (
        ([wider[0], GLOBAL, wider[0]], SYSTEM_PAGE),
        ([LayerShape(2, 64, 48), GLOBAL, LayerShape(2, 64, 48)], SYSTEM_PAGE),
        (SHAPES, 64),
    ):
        other = make(KVLayout.of_layers(shapes, max_context=CONTEXT, alignment=alignment))
        with pytest.raises(SnapshotError, match=r"expected all tokens that the windows .* need .* got 'those from"):
            restore(other, tmp_path / "file")
        assert other.sessions() == ()


def test_readers_of_shared_memory_see_from_where_layers_are_kept(tmp_path: Path) -> None:
    manager = make()
    entry = manager.get_or_create("a")
    with SharedWriter(tmp_path / "shared", LAYOUT, slots=1) as writer:
        reader = SharedReader(tmp_path / "shared")
        fills: list[float] = []
        for count in (200, 20, 300):  # the last one loses what would connect it with what is there
            fills += grow(entry, count, first=float(len(fills)))
            writer.publish(manager, "a")
            session = reader.session("a")
            assert session is not None
            agrees(session, fills)
            assert session.first_token(1) == 0 < session.first_token(0)


def test_a_prefix_that_was_given_back_is_never_offered() -> None:
    manager = make(sessions=8)
    index = PrefixIndex(manager, page=16)
    text = list(range(400))
    grow(manager.get_or_create("long"), 400)
    index.record("long", text)
    least = manager.get_or_create("long").shortest
    assert index.longest(text[:50]) is None
    assert index.begin("x", text[:50]) == 0
    assert index.longest(text[: least - 1]) is None
    assert index.longest([*text[:least], 9999]) == ("long", least)
    assert index.begin("y", [*text[:least], 9999]) == least
    agrees(manager.get_or_create("y"), [1.0 + number for number in range(least)])
    write(manager.get_or_create("short"), [1.0 + number for number in range(90)])
    index.record("short", text[:90])
    assert index.longest(text[:80]) == ("short", 80)
    assert index.longest([*text[:200], 9999]) == ("short", 90)
    assert index.begin("z", text[:60]) == 59
    index.check()


def test_a_session_goes_back_to_nothing_where_its_own_beginning_is_lost() -> None:
    manager = make()
    index = PrefixIndex(manager)
    grow(manager.get_or_create("a"), 400)
    index.record("a", list(range(400)))
    assert index.begin("a", list(range(60))) == 0
    assert len(manager.get_or_create("a")) == 0
    agrees(manager.get_or_create("a"), grow(manager.get_or_create("a"), 60))


def test_a_trace_is_replayed_where_windows_were_given_back() -> None:
    sink = MemorySink()
    manager = make(sessions=2, memory_bytes=2**21, trace=[sink])
    for name in "abcab":
        entry = manager.get_or_create(name)
        grow(entry, 250)
        entry.truncate(len(entry) - 30)
        grow(entry, 10)
    manager.close()
    recording = recording_of(sink)
    outcome = replay.replay(recording, LRU())
    assert outcome.evicted == replay.recorded(recording).evicted
