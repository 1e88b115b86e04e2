import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvcache import (
    LFU,
    LRU,
    POLICIES,
    SYSTEM_PAGE,
    TTL,
    ChainError,
    JsonLinesSink,
    KVCacheError,
    KVCacheManager,
    KVLayout,
    MemorySink,
    Policy,
)
from kvcache.records.chain import to_json
from kvcache.replay import Recording, main, read, recorded, replay
from tests.kvcache.fakes import FakeClock, one_token, recording_of, small_layout, tokens
from tests.kvcache.threads import run_threads

UNIT = small_layout(1).block_bytes


def write(path: Path, names: str, *, blocks: int = 2, policy: Policy | None = None) -> JsonLinesSink:
    """Look each session up in turn, with a token for a new one."""
    sink, clock, layout = JsonLinesSink(path), FakeClock(), small_layout(1)
    with KVCacheManager(
        layout, capacity_bytes=blocks * UNIT, clock=clock, policy=policy, sinks=[sink], trace=[sink]
    ) as manager:
        for name in names:
            entry = manager.get_or_create(name)
            if not entry.token_count:
                entry.append(one_token(layout), one_token(layout))
            clock.advance()
    sink.close()
    return sink


def test_the_recorded_policy_does_again_what_it_did(tmp_path: Path) -> None:
    write(tmp_path / "log", "abacabad")
    recording = read(str(tmp_path / "log"))
    happened, again = recorded(recording), replay(recording, LRU())
    assert happened.evicted == ("b", "c", "b")
    assert (happened.hits, happened.misses, happened.hit_rate) == (3, 5, 3 / 8)
    assert (again.hits, again.misses, again.evicted, again.tokens_lost) == (3, 5, ("b", "c", "b"), 3)


def test_another_policy_evicts_others_at_another_hit_rate(tmp_path: Path) -> None:
    write(tmp_path / "log", "aaaabcbcbca")
    recording = read(str(tmp_path / "log"))
    assert recorded(recording).hit_rate == replay(recording, LRU()).hit_rate == 7 / 11
    frequent = replay(recording, LFU())
    assert frequent.evicted == ("b", "c", "b", "c", "b")
    assert frequent.hit_rate == 4 / 11


def test_a_larger_arena_hits_more(tmp_path: Path) -> None:
    write(tmp_path / "log", "abcabcabc")
    recording = read(str(tmp_path / "log"))
    assert recorded(recording).hits == 0
    assert replay(recording, LRU(), capacity_bytes=3 * UNIT).hits == 6
    assert replay(recording, LRU(), capacity_bytes=UNIT).evicted == tuple("abcabcab")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["create", "get", "append", "evict", "expire", "truncate", "pin", "touch", "important", "spare"]
        ),
        st.sampled_from("abcdef"),
        st.integers(1, 4),
    ),
    max_size=60,
)


def live(steps: list[tuple[str, str, int]], policy: Policy) -> tuple[KVCacheManager, Recording]:
    """Do the steps and record them in memory."""
    sink, clock, layout = MemorySink(), FakeClock(), small_layout(4)
    manager = KVCacheManager(layout, capacity_bytes=7 * UNIT, clock=clock, policy=policy, ttl_seconds=9.0, trace=[sink])
    for action, name, count in steps:
        clock.advance()
        entry = manager._entries.get(name)
        try:
            if action == "create":
                manager.get_or_create(name, count)
            elif action == "important":
                manager.get_or_create(name, count, priority=count)
            elif action == "spare":
                manager.prioritize(name, 2 - count)
            elif action == "get":
                manager.get(name)
            elif action == "evict":
                manager.evict(name)
            elif action == "expire":
                manager.expire()
            elif entry is not None and action == "append":
                entry.append(tokens(layout, count), tokens(layout, count))
            elif entry is not None and action == "truncate":
                entry.truncate(entry.token_count // 2)
            elif entry is not None and action == "touch":
                entry.touch()
            elif entry is not None:
                with entry.pin():
                    manager.get_or_create("x", count)
        except KVCacheError:
            continue
    opening, *events = (json.loads(json.dumps(to_json(record))) for record in sink.records)
    return manager, Recording(opening, tuple(events), 0, "")


@given(STEPS, st.sampled_from(sorted(POLICIES)))
@settings(max_examples=150)
def test_whatever_happened_the_replay_of_its_policy_agrees(steps: list[tuple[str, str, int]], name: str) -> None:
    manager, recording = live(steps, POLICIES[name])
    happened, again = recorded(recording), replay(recording, POLICIES[name])
    assert (again.evicted, again.hits, again.misses) == (happened.evicted, happened.hits, happened.misses)
    assert again.refused == happened.refused
    assert happened.hit_rate == manager.statistics().hit_rate
    assert happened.tokens_lost == again.tokens_lost


@given(STEPS, st.sampled_from(sorted(POLICIES)), st.integers(1, 12))
@settings(max_examples=150)
def test_any_policy_in_any_arena_comes_to_an_end(steps: list[tuple[str, str, int]], name: str, blocks: int) -> None:
    _, recording = live(steps, LRU())
    outcome = replay(recording, POLICIES[name], capacity_bytes=blocks * UNIT)
    lookups = [each for each in recording.steps if each["action"] in {"create", "refused", "hit", "miss"}]
    assert outcome.hits + outcome.misses >= len(lookups)


def test_the_command_checks_the_chain_and_compares_the_policies(tmp_path: Path) -> None:
    path = tmp_path / "log"
    head = write(path, "abacabad").head
    command = [sys.executable, "-m", "kvcache.replay", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert f"chain holds: 19 steps, 6 receipts, head {head}" in done.stdout
    rows = [line.split()[:3] for line in done.stdout.splitlines()[3:]]
    assert rows == [["recorded", "3", "5"], ["lru", "3", "5"], ["ttl", "2", "6"], ["lfu", "3", "5"], ["cost", "3", "5"]]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(words)
    output = capsys.readouterr()
    return code, output.out, output.err


def test_the_command_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "log")
    sink = write(tmp_path / "log", "abc")
    code, out, _ = run(capsys, path, "--json", "--policy", "lfu", "--head", sink.head)
    answer: dict[str, Any] = json.loads(out)
    assert code == 0
    assert answer["head"] == sink.head
    assert [each["policy"] for each in answer["outcomes"]] == ["recorded", "lfu"]
    assert answer["outcomes"][0]["evicted"] == ["a"]


def test_the_command_tells_a_broken_chain_from_a_wrong_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log"
    write(path, "abc")
    assert run(capsys, str(path), "--head", "0" * 64)[0] == 1
    assert run(capsys, str(tmp_path / "missing"))[0] == 2
    path.write_bytes(path.read_bytes().replace(b'"b"', b'"x"'))
    code, out, err = run(capsys, str(path))
    assert (code, out) == (1, "")
    assert "previous" in err


def test_receipts_without_a_trace_are_checked_and_cannot_be_replayed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, layout = tmp_path / "log", small_layout(1)
    sink = JsonLinesSink(path)
    with KVCacheManager(layout, capacity_bytes=UNIT, sinks=[sink]) as manager:
        manager.get_or_create("a")
    sink.close()
    assert run(capsys, str(path))[1].endswith("no trace to replay\n")
    with pytest.raises(ChainError, match="receipts only"):
        replay(read(str(path)), TTL())


def test_two_caches_in_one_file_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "log", "a")
    write(tmp_path / "log", "b")
    with pytest.raises(ChainError, match="one Opening"):
        read(str(tmp_path / "log"))


def test_a_trace_that_was_closed_with_a_pin_open_is_replayed() -> None:
    sink, layout = MemorySink(), small_layout(1)
    manager = KVCacheManager(layout, capacity_bytes=2 * UNIT, clock=FakeClock(), trace=[sink])
    with manager.get_or_create("a").pin():
        manager.close()
    outcome = replay(recording_of(sink), LRU())
    assert (outcome.misses, outcome.evicted) == (1, ())


def test_a_session_with_a_writable_view_is_spared_by_the_replay_too() -> None:
    sink, clock, layout = MemorySink(), FakeClock(), small_layout(1)
    manager = KVCacheManager(layout, capacity_bytes=2 * UNIT, clock=clock, trace=[sink])
    held = manager.get_or_create("a").key_mut()
    for name in "bc":
        clock.advance()
        manager.get_or_create(name)
    del held
    clock.advance()
    manager.get_or_create("d")
    happened = recorded(recording_of(sink))
    assert happened.evicted == ("b", "a")
    assert replay(recording_of(sink), LRU()).evicted == happened.evicted


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
@pytest.mark.parametrize(
    "give_back",
    [
        pytest.param(lambda entry: (entry.truncate(len(entry) // 3), entry.shrink()), id="shrink"),
        pytest.param(lambda entry: entry.slide(20, sinks=4), id="slide"),
    ],
)
def test_memory_that_sessions_gave_back_is_given_back_by_the_replay_too(give_back: Callable[[Any], object]) -> None:
    layout = KVLayout(layers=1, kv_heads=1, head_dim=64, max_context=256, alignment=SYSTEM_PAGE)
    sink, clock, random = MemorySink(), FakeClock(), Random(1)
    manager = KVCacheManager(
        layout,
        capacity_bytes=30 * layout.block_bytes,
        memory_bytes=130 * SYSTEM_PAGE,
        clock=clock,
        trace=[sink],
    )
    for _ in range(120):
        clock.advance()
        entry = manager.get_or_create(str(random.randrange(24)))
        count = random.randint(1, 120)
        if len(entry) + count <= 256:
            entry.append(tokens(layout, count), tokens(layout, count))
        if random.random() < 0.5:
            give_back(entry)
    happened, again = recorded(recording_of(sink)), replay(recording_of(sink), LRU())
    assert happened.evicted
    assert again.evicted == happened.evicted
    assert again.tokens_lost == happened.tokens_lost


def test_copies_of_several_threads_are_replayed_where_they_began_and_ended() -> None:
    sink, clock, layout = MemorySink(), FakeClock(), small_layout(1)
    manager = KVCacheManager(layout, capacity_bytes=2 * UNIT, clock=clock, trace=[sink])
    first, second = manager.get_or_create("a"), manager.get_or_create("b")
    with manager._ledger.lock:
        first._begin(1, 0)  # a thread copies a token of the oldest one ...
    for name in "cd":
        clock.advance()
        manager.get_or_create(name)  # ... while room is made twice
    assert not second.is_live
    with manager._ledger.lock:
        first._end()
        first._advance(1)
    manager.get_or_create("e")
    recording = recording_of(sink)
    happened, again = recorded(recording), replay(recording, LRU())
    assert happened.evicted == again.evicted == ("b", "c", "a")
    assert happened.tokens_lost == again.tokens_lost == 1


def test_a_replay_that_would_wait_for_a_copy_goes_on() -> None:
    sink, layout = MemorySink(), small_layout(1)
    manager = KVCacheManager(layout, capacity_bytes=2 * UNIT, clock=FakeClock(), trace=[sink])
    entry = manager.get_or_create("a")
    with manager._ledger.lock:
        entry._begin(1, 0)
    manager.get_or_create("b")
    with manager._ledger.lock:
        entry._end()
        entry._advance(1)
    outcome = replay(recording_of(sink), LRU(), capacity_bytes=UNIT)
    assert outcome.evicted[0] == "a"
    assert outcome.refused == 0


@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize("ttl", [None, 0.01])
def test_what_four_threads_did_is_replayed_to_the_last_eviction(name: str, ttl: float | None) -> None:
    sink, layout = MemorySink(), KVLayout(layers=4, kv_heads=4, head_dim=64, max_context=16)
    manager = KVCacheManager(
        layout, capacity_bytes=4 * layout.block_bytes, policy=POLICIES[name], ttl_seconds=ttl, trace=[sink]
    )
    batch = tokens(layout, 3)

    def work(worker: int) -> None:
        random = Random(worker)
        for _ in range(60):
            with suppress(KVCacheError):
                priority = random.choice([None, None, 1, 2])
                entry = manager.get_or_create(str(random.randrange(12)), random.randint(3, 16), priority=priority)
                entry.append(batch, batch)
                chance = random.randrange(8)
                if chance == 1:
                    manager.evict(str(random.randrange(12)))
                elif chance == 2:
                    with entry.pin():
                        manager.get(str(random.randrange(12)))
                elif chance == 3:
                    entry.value_mut()[-1] = 1.0
                elif chance == 4:
                    manager.prioritize(str(random.randrange(12)), random.randint(-1, 1))

    run_threads(work)
    recording = recording_of(sink)
    happened, again = recorded(recording), replay(recording, POLICIES[name])
    assert happened.evicted
    assert again.evicted == happened.evicted
    assert (again.hits, again.misses, again.refused) == (happened.hits, happened.misses, happened.refused)
    assert happened.hit_rate == manager.statistics().hit_rate
    assert again.tokens_lost == happened.tokens_lost
