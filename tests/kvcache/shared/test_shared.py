"""One process writes sessions to shared memory, others read them, and whoever dies harms nobody."""

import errno
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kvcache import (
    ClosedError,
    InvalidSessionError,
    InvalidSizeError,
    KVCacheManager,
    KVLayout,
    OutOfBoundsError,
    OutOfMemoryError,
    SharedMemoryError,
    SharedReader,
    SharedWriter,
    StaleEntryError,
    UnknownSessionError,
)
from kvcache.shared import segment

LAYOUT = KVLayout(layers=2, kv_heads=2, head_dim=4, value_dim=3, max_context=64)


def manager_of(layout: KVLayout = LAYOUT) -> KVCacheManager:
    return KVCacheManager(layout, capacity_bytes=8 * layout.block_bytes)


def add(manager: KVCacheManager, name: str, count: int, fill: float) -> None:
    keys, values = (np.full((count, *shape), fill, np.float32) for shape in (LAYOUT.token_shape, LAYOUT.value_shape))
    manager.get_or_create(name).append(keys, values)


def test_readers_see_what_is_published_and_what_is_added(tmp_path: Path) -> None:
    manager = manager_of()
    add(manager, "a", 3, 1.0)
    with SharedWriter(tmp_path / "s", LAYOUT, slots=2) as writer, SharedReader(tmp_path / "s") as reader:
        assert reader.session("a") is None
        assert writer.publish(manager, "a") == 3
        session = reader.session("a")
        assert session is not None
        assert (len(session), session.session_id, reader.sessions()) == (3, "a", ("a",))
        entry = manager.get_or_create("a")
        for layer in range(2):
            np.testing.assert_array_equal(session.keys(layer), entry.keys(layer))
            np.testing.assert_array_equal(session.values(layer), entry.values(layer))
            np.testing.assert_array_equal(session.floats(layer)[1], entry.values(layer))
        add(manager, "a", 2, 2.0)
        assert writer.publish(manager, "a") == 5
        session.check()  # tokens were added, and none was changed
        assert len(session) == 3
        grown = reader.session("a")
        assert grown is not None
        np.testing.assert_array_equal(grown.keys(1), entry.keys(1))
        with pytest.raises(ValueError, match="read-only"):
            grown.keys(1)[0] = 1
        with pytest.raises(OutOfBoundsError):
            grown.keys(2)


def _truncated(writer: SharedWriter, manager: KVCacheManager) -> None:
    manager.get_or_create("a").truncate(1)
    writer.publish(manager, "a")


def _made_again(writer: SharedWriter, manager: KVCacheManager) -> None:
    manager.evict("a")
    add(manager, "a", 5, 3.0)
    writer.publish(manager, "a")


def _replaced(writer: SharedWriter, manager: KVCacheManager) -> None:
    for name in ("b", "c"):
        add(manager, name, 2, 3.0)
        writer.publish(manager, name)


CHANGES: list[Any] = [
    pytest.param(_truncated, 1, id="truncated"),
    pytest.param(_made_again, 5, id="made-again"),
    pytest.param(_replaced, None, id="its-slot-taken"),
    pytest.param(lambda writer, _: writer.remove("a"), None, id="removed"),
]


@pytest.mark.parametrize(("change", "count"), CHANGES)
def test_a_look_that_was_overtaken_is_told(
    tmp_path: Path, change: Callable[[SharedWriter, KVCacheManager], None], count: int | None
) -> None:
    manager = manager_of()
    add(manager, "a", 3, 1.0)
    writer, reader = SharedWriter(tmp_path / "s", LAYOUT, slots=2), SharedReader(tmp_path / "s")
    writer.publish(manager, "a")
    session = reader.session("a")
    assert session is not None
    with pytest.raises(StaleEntryError, match="expected as it was, got 'changed'"), session:  # noqa: PT012
        assert session.is_valid
        change(writer, manager)
    now = reader.session("a")
    assert (None if now is None else len(now)) == count
    if now is not None:
        np.testing.assert_array_equal(now.keys(0), manager.get_or_create("a").keys(0))
    writer.close()


def test_the_next_writer_takes_over_what_is_whole(tmp_path: Path) -> None:
    manager = manager_of()
    first = SharedWriter(tmp_path / "s", LAYOUT, slots=3)
    for name in ("a", "b", "c"):
        add(manager, name, 3, 1.0)
        first.publish(manager, name)
    reader = SharedReader(tmp_path / "s")
    before = reader.session("a")
    assert before is not None
    with pytest.raises(SharedMemoryError, match="expected no other writer, got 'one'"):
        SharedWriter(tmp_path / "s", LAYOUT, slots=3)
    assert reader.writer_is_alive()
    first._slots[1].words[segment.SEQUENCE] += 1  # as if it died while it changed b
    first._slots[2]._name[0] ^= 1  # a name that does not fit its checksum
    assert reader.sessions() == ("a",)
    first.close(keep=True)
    assert not reader.writer_is_alive()
    second = SharedWriter(tmp_path / "s", LAYOUT, slots=3)
    assert (second.epoch, second.sessions(), reader.epoch) == (3, ("a",), 3)
    before.check()
    add(manager, "d", 1, 1.0)
    second.publish(manager, "d")
    second.publish(manager, "a")
    assert set(reader.sessions()) == {"a", "d"}
    second.close()
    assert not (tmp_path / "s").exists()
    assert len(reader.session("a") or ()) == 3  # what is mapped stays
    assert not reader.writer_is_alive()


def test_a_segment_of_another_shape_is_replaced_and_readers_follow(tmp_path: Path) -> None:
    SharedWriter(tmp_path / "s", LAYOUT, slots=2).close(keep=True)
    reader = SharedReader(tmp_path / "s")
    other = KVLayout(layers=1, kv_heads=2, head_dim=4, value_dim=3, max_context=64, encoding="int8")
    writer, manager = SharedWriter(tmp_path / "s", other, slots=2), manager_of(other)
    manager.get_or_create("a").append(np.ones((2, 1, 2, 4), np.float32), np.ones((2, 1, 2, 3), np.float32))
    writer.publish(manager, "a")
    session = reader.session("a")
    assert session is not None
    assert reader.layout == other
    np.testing.assert_array_equal(session.floats(0)[0], manager.get_or_create("a").floats(0)[0])
    writer.close()
    assert sorted(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [pytest.param(n, id=f"{n}-bytes") for n in (0, 100, 4096, 70_000)])
def test_a_file_of_somebody_else_is_refused_and_left_alone(tmp_path: Path, length: int) -> None:
    (tmp_path / "s").write_bytes(b"x" * length)
    for make in (lambda: SharedReader(tmp_path / "s"), lambda: SharedWriter(tmp_path / "s", LAYOUT, slots=1)):
        with pytest.raises(SharedMemoryError, match="expected a segment of kvcache"):
            make()
    assert (tmp_path / "s").read_bytes() == b"x" * length


def test_a_damaged_or_cut_header_is_refused(tmp_path: Path) -> None:
    SharedWriter(tmp_path / "s", LAYOUT, slots=1).close(keep=True)
    content = (tmp_path / "s").read_bytes()
    for place in (0, 8, 24, 32, 40, 56, 64, 128, 200):
        (tmp_path / "s").write_bytes(content[:place] + bytes([content[place] ^ 0x11]) + content[place + 1 :])
        with pytest.raises(SharedMemoryError):
            SharedReader(tmp_path / "s")
    (tmp_path / "s").write_bytes(content[:-1])
    with pytest.raises(SharedMemoryError):
        SharedReader(tmp_path / "s")


def test_what_cannot_be_published_is_refused(tmp_path: Path) -> None:
    manager = manager_of()
    with SharedWriter(tmp_path / "s", LAYOUT.for_context(4), slots=1) as writer:
        with pytest.raises(UnknownSessionError):
            writer.publish(manager, "nobody")
        add(manager, "a", 5, 1.0)
        with pytest.raises(InvalidSizeError, match="at most 4 tokens"):
            writer.publish(manager, "a")
        add(manager, "x" * 449, 1, 1.0)
        with pytest.raises(InvalidSessionError, match="at most 448 bytes"):
            writer.publish(manager, "x" * 449)
        manager.get_or_create("two", sequences=2)
        with pytest.raises(InvalidSizeError):
            writer.publish(manager, "two")
        assert not writer.remove("a")
    with pytest.raises(ClosedError):
        writer.publish(manager, "a")
    with pytest.raises(InvalidSizeError):
        SharedWriter(tmp_path / "s", LAYOUT, slots=0)
    with pytest.raises(FileNotFoundError):
        SharedReader(tmp_path / "s")


def test_a_full_file_system_is_an_error_and_the_session_is_not_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = manager_of()
    with SharedWriter(tmp_path / "s", LAYOUT, slots=2) as writer:
        add(manager, "a", 3, 1.0)
        writer.publish(manager, "a")
        add(manager, "a", 3, 1.0)

        def full(*_: int) -> None:
            raise OSError(errno.ENOSPC, "no space left")

        monkeypatch.setattr(os, "posix_fallocate", full)
        with pytest.raises(OutOfMemoryError, match="enlarge the file system"):
            writer.publish(manager, "a")
        assert SharedReader(tmp_path / "s").sessions() == writer.sessions() == ()
        monkeypatch.undo()
        assert writer.publish(manager, "a") == 6


def test_neither_side_can_be_copied_and_a_forked_child_is_no_writer(tmp_path: Path) -> None:
    manager = manager_of()
    add(manager, "a", 3, 1.0)
    writer, reader = SharedWriter(tmp_path / "s", LAYOUT, slots=1), SharedReader(tmp_path / "s")
    writer.publish(manager, "a")
    for thing in (writer, reader, reader.session("a")):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            pickle.dumps(thing)
    child = os.fork()
    if not child:
        try:
            writer.publish(manager, "a")
        except ClosedError:
            session = reader.session("a")
            os._exit(0 if session is not None and session.keys(0).sum() == 24 else 2)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert reader.writer_is_alive()
    writer.close()


def test_a_child_that_lives_on_is_no_writer_either(tmp_path: Path) -> None:
    writer, reader = SharedWriter(tmp_path / "s", LAYOUT, slots=1), SharedReader(tmp_path / "s")
    (ready, is_ready), (go, on) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        os.close(on)
        os.write(is_ready, b"x")
        os.read(go, 1)
        os._exit(0)
    os.read(ready, 1)
    assert reader.writer_is_alive()
    os.close(writer._file)  # as when its process ends
    writer._file = -1
    assert not reader.writer_is_alive()
    SharedWriter(tmp_path / "s", LAYOUT, slots=1).close()
    for end in (on, ready, is_ready, go):
        os.close(end)
    os.waitpid(child, 0)


PROGRAM = """
import sys, numpy as np
from kvcache import KVCacheManager, KVLayout, SharedReader, SharedWriter
path, role = sys.argv[1:]
layout = KVLayout(layers=2, kv_heads=2, head_dim=4, value_dim=3, max_context=64)
if role == "writer":
    manager = KVCacheManager(layout, capacity_bytes=4 * layout.block_bytes)
    writer = SharedWriter(path, layout, slots=2)
    print(writer.epoch, writer.sessions(), flush=True)
    round = 0
    while True:  # each session holds one number; now and then it is another one
        round += 1
        name = "ab"[round % 2]
        entry = manager.get_or_create(name)
        if len(entry) > 6:
            entry.truncate(0)
        fill = float(round // 2) if not len(entry) else float(entry.keys(0)[0, 0, 0])
        entry.append(np.full((3, 2, 2, 4), fill, np.float32), np.full((3, 2, 2, 3), fill, np.float32))
        writer.publish(manager, name)
else:
    reader, seen, torn = SharedReader(path), set(), 0
    print("ready", flush=True)
    while True:
        for name in "ab":
            session = reader.session(name)
            if session is None:
                continue
            values = np.unique(np.concatenate([session.keys(0).ravel(), session.values(1).ravel()]))
            if not session.is_valid:
                torn += 1
                continue
            assert len(values) <= 1, values
            seen |= set(values.tolist())
        if len(seen) > 20 and role == "reader":
            print(len(seen), "numbers,", "some torn" if torn else "none torn", flush=True)
            break
"""


Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process of a role; all of them end with the test."""
    with ExitStack() as ends:

        def begin(role: str) -> "subprocess.Popen[str]":
            words = [sys.executable, "-c", PROGRAM, str(tmp_path / "s"), role]
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            ends.enter_context(process)
            ends.callback(process.kill)
            assert process.stdout is not None
            process.first = process.stdout.readline()  # type: ignore[attr-defined]
            return process

        yield begin


def rest_of(process: "subprocess.Popen[str]") -> str:
    """What it prints behind its first line; `communicate` would lose what was read with that."""
    assert process.stdout is not None
    text = process.stdout.read()
    process.communicate(timeout=60)
    return text


@pytest.mark.slow
def test_three_processes_and_whoever_is_killed_harms_nobody(tmp_path: Path, start: Start) -> None:
    writer = start("writer")
    victim, reader = start("victim"), start("reader")
    victim.send_signal(signal.SIGKILL)
    assert "numbers" in rest_of(reader)
    writer.send_signal(signal.SIGKILL)
    for process in (victim, writer):
        process.communicate()
    here = SharedReader(tmp_path / "s")
    assert not here.writer_is_alive()
    for name in here.sessions():
        session = here.session(name)
        if session is not None:
            assert len(np.unique(session.keys(0))) == 1
    again = start("writer")
    assert again.first.startswith("3 ")  # type: ignore[attr-defined]
    late = start("reader")
    assert "numbers" in rest_of(late)
    assert late.returncode == reader.returncode == 0
