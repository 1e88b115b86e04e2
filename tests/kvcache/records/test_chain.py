import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kvcache import ChainError, JsonLinesSink, KVCacheManager, read_chain
from kvcache.records.chain import GENESIS, digest
from tests.kvcache.fakes import FakeClock, one_token, small_layout


def recorded(path: Path, sessions: str = "abc") -> JsonLinesSink:
    """Two blocks for three sessions, each with a token; everything goes into one file."""
    sink, clock, layout = JsonLinesSink(path), FakeClock(), small_layout(1)
    with KVCacheManager(
        layout, capacity_bytes=2 * layout.block_bytes, clock=clock, sinks=[sink], trace=[sink]
    ) as manager:
        for name in sessions:
            manager.get_or_create(name).append(one_token(layout), one_token(layout))
            clock.advance()
        manager.snapshot()
    sink.close()
    return sink


def test_each_line_carries_the_digest_of_the_one_before(tmp_path: Path) -> None:
    sink = recorded(tmp_path / "log")
    known = GENESIS
    for line in (tmp_path / "log").read_bytes().splitlines():
        assert json.loads(line)["previous"] == known
        known = digest(line)
    assert sink.head == known


def test_records_are_written_whole(tmp_path: Path) -> None:
    recorded(tmp_path / "log")
    records = [record for _, record in read_chain(tmp_path / "log")]
    assert records[0]["kind"] == "Opening"
    assert [each["action"] for each in records if each["kind"] == "TraceEvent"] == [
        *("create", "append", "create", "append", "evict", "create", "append", "evict", "evict", "close"),
    ]
    evicted = next(each for each in records if each["kind"] == "EvictionReceipt")
    assert (evicted["session_id"], evicted["reason"], evicted["span"]) == ("a", "lru", {"offset": 0, "length": 128})
    assert evicted["before"]["tokens"] - evicted["after"]["tokens"] == 1
    assert evicted["performance"]["append"]["count"] == 2
    snapshot = next(each for each in records if each["kind"] == "PoolSnapshot")
    assert [block["session_id"] for block in snapshot["blocks"]] == ["c", "b"]
    assert snapshot["free"] == []


def change(path: Path, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))


EDITS = [
    pytest.param(lambda lines: [lines[0], lines[1].replace(b'"a"', b'"b"'), *lines[2:]], 3, id="changed"),
    pytest.param(lambda lines: [*lines[:2], *lines[3:]], 3, id="dropped"),
    pytest.param(lambda lines: [lines[0], *lines], 2, id="doubled"),
    pytest.param(lambda lines: [lines[1], lines[0], *lines[2:]], 1, id="swapped"),
    pytest.param(lambda lines: [*lines[:-1], lines[-1][:-5]], 16, id="cut-off"),
    pytest.param(lambda lines: [lines[0], b"not JSON\n", *lines[1:]], 2, id="no-json"),
    pytest.param(lambda lines: [lines[0], b"[1]\n", *lines[1:]], 2, id="no-object"),
    pytest.param(lambda lines: [lines[0], b'{"previous": 1}\n', *lines[1:]], 2, id="no-record"),
]


@pytest.mark.parametrize(("edit", "line"), EDITS)
def test_a_file_that_was_changed_is_found_out_with_the_line(
    tmp_path: Path, edit: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    path = tmp_path / "log"
    recorded(path)
    assert len(list(read_chain(path))) == 16
    change(path, edit)
    with pytest.raises(ChainError) as caught:
        list(read_chain(path))
    assert caught.value.line == line
    assert f"log:{line}" in str(caught.value)


def test_whoever_knows_the_last_digest_also_notices_a_missing_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    head = recorded(path).head
    assert len(list(read_chain(path, head=head))) == 16
    change(path, lambda lines: lines[:-1])
    assert len(list(read_chain(path))) == 15
    with pytest.raises(ChainError, match="cut off"):
        list(read_chain(path, head=head))


def test_a_chain_is_continued_and_a_broken_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "log"
    recorded(path)
    sink = recorded(path, "x")
    records = [record for _, record in read_chain(path, head=sink.head)]
    assert [each["kind"] for each in records].count("Opening") == 2
    change(path, lambda lines: lines[1:])
    with pytest.raises(ChainError):
        JsonLinesSink(path)


def test_threads_keep_the_chain_whole(tmp_path: Path) -> None:
    path, layout = tmp_path / "log", small_layout(1)
    sink = JsonLinesSink(path)
    manager = KVCacheManager(layout, capacity_bytes=3 * layout.block_bytes, sinks=[sink], trace=[sink])

    def work(worker: int) -> None:
        for number in range(30):
            manager.get_or_create(f"{worker}-{number}")

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    manager.close()
    sink.close()
    steps = [each["sequence"] for _, each in read_chain(path, head=sink.head) if each["kind"] == "TraceEvent"]
    assert sorted(steps) == list(range(len(steps)))
    assert manager._ledger.counters.sink_failures == 0


def test_a_closed_file_is_a_failing_sink_and_breaks_nothing(tmp_path: Path) -> None:
    layout, sink = small_layout(1), JsonLinesSink(tmp_path / "log")
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes, sinks=[sink])
    sink.close()
    manager.get_or_create("a")
    manager.evict("a")
    assert manager.statistics().sink_failures == 1
    sink.close()
