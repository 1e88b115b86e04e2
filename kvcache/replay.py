"""Check a file of records, and answer what another policy would have evicted, at which hit rate.

    python -m kvcache.replay FILE [--policy NAME]... [--capacity BYTES] [--head DIGEST] [--json] [--svg FILE]

Each policy drives a real manager of the recorded size through the recorded steps; nothing is written to its arena, so it takes
no memory. Lookups and appends of a session that this policy would have evicted count as misses: its tokens are computed again
and it gets a new block. Evictions that were asked for (manual, expired, closed) happen under every policy; those for room
are the policy's own.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from kvcache.errors import ChainError, KVCacheError, OutOfBoundsError
from kvcache.records.chain import GENESIS, digest, read_chain
from kvcache.records.receipts import SCHEMA_VERSION, EvictionReceipt
from kvcache.records.sinks import MemorySink
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.eviction import POLICIES, Policy
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.manager import KVCacheManager
from kvcache.sessions.regions import LayerShape
from kvcache.simulation.course import Course, draw

BROKEN, USAGE = 1, 2
_ASKED_FOR: Final = {"manual", "ttl", "shutdown"}
_COPIES: Final = {"append": "begin", "end": "begin", "zeroed": "zeroing"}
"""Actions that end a copy, and what to call its beginning; only zeroing is no use of the session."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy came to.

    Attributes:
        policy: its name, or "recorded" for what really happened.
        hits: lookups that found their session.
        misses: lookups that did not, and appends to sessions that were gone.
        hit_rate: hits / (hits + misses); None without lookups.
        evicted: sessions that went to make room, in order.
        tokens_lost: what those held.
        refused: sessions for which there was no room at all.
    """

    policy: str
    hits: int
    misses: int
    hit_rate: float | None
    evicted: tuple[str, ...]
    tokens_lost: int
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds: its opening, its steps in the order in which they happened, and the digest of its last line.

    Without a trace there is no opening, and no steps.
    """

    opening: dict[str, Any] | None
    steps: tuple[dict[str, Any], ...]
    receipts: int
    head: str


def read(path: str, *, head: str | None = None) -> Recording:
    """Read a file and check its chain.

    Raises:
        ChainError: the chain is broken, or the steps are not those of one opening of a schema that is known.
        OSError: it cannot be read.
    """
    openings: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    receipts, last = 0, GENESIS
    for line, record in read_chain(path, head=head):
        last = digest(line)
        if record["kind"] == "Opening":
            openings.append(record)
        elif record["kind"] == "TraceEvent":
            steps.append(record)
        else:
            receipts += 1
    if (openings or steps) and [opening.get("schema_version") for opening in openings] != [SCHEMA_VERSION]:
        expected = f"one Opening of schema {SCHEMA_VERSION}"
        raise ChainError(path, expected=expected, got=[opening.get("schema_version") for opening in openings])
    return Recording(
        openings[0] if openings else None, tuple(sorted(steps, key=lambda step: step["sequence"])), receipts, last
    )


def recorded(recording: Recording) -> Outcome:
    """What really happened."""
    actions = [step["action"] for step in recording.steps]
    hits, misses = actions.count("hit"), sum(map(actions.count, ("create", "refused", "miss")))
    evicted = [step for step in recording.steps if step["action"] == "evict" and step["reason"] not in _ASKED_FOR]
    lost = sum(step["tokens"] for step in evicted)
    return Outcome(
        "recorded",
        hits,
        misses,
        _rate(hits, misses),
        tuple(step["session_id"] for step in evicted),
        lost,
        actions.count("refused"),
    )


def replay(
    recording: Recording, policy: Policy, *, capacity_bytes: int | None = None, course: Course | None = None
) -> Outcome:
    """What would have happened under another policy, or in an arena of another size; `course` notes what was held when."""
    return _Player(recording, policy, capacity_bytes, course).play()


class _Wanted(NamedTuple):
    """What a session was made with."""

    context: int
    ttl_seconds: float | None
    sequences: int
    encoding: str | None
    priority: int


class _Player:
    """Drives one manager through one recording."""

    def __init__(self, recording: Recording, policy: Policy, capacity_bytes: int | None, course: Course | None) -> None:
        opening = recording.opening
        if opening is None:
            raise ChainError("replay", expected="a trace", got="receipts only", remedy="pass the sink as trace, too")
        self.now = self.opened_at = float(opening["opened_at"])
        self.sink = MemorySink()
        self.manager = KVCacheManager(
            _layout_of(opening),
            capacity_bytes=capacity_bytes or opening["capacity_bytes"],
            memory_bytes=opening.get("memory_bytes"),
            ttl_seconds=opening["ttl_seconds"],
            policy=policy,
            clock=lambda: self.now,
            sinks=[self.sink],
        )
        self.recording = recording
        self.policy = policy
        self.course = course
        self.wanted: dict[str, _Wanted] = {}  # of the sessions that live in the recording
        self.tokens: dict[str, int] = {}
        self.pins: dict[str, list[Any]] = {}
        self.copies: dict[tuple[int, str], KVCacheEntry] = {}  # that are under way, by the step at which they began
        self.loans: dict[int, KVCacheEntry] = {}  # of writable views, by the same
        self.manager._ledger.copied = _Copied(self)  # type: ignore[assignment]  # noqa: SLF001
        self.hits = self.misses = self.refused = 0

    def play(self) -> Outcome:
        for step in _with_beginnings(self.recording.steps):
            self.now = step["at"]
            self.step(step, step["action"], step["session_id"])
            # What closing takes away is no state of the cache.
            if self.course is not None and step["action"] != "close" and step.get("reason") != "shutdown":
                self.course.take(self.now - self.opened_at, self.manager.statistics())
        went = [each for each in self.sink.records if isinstance(each, EvictionReceipt)]
        # Everything that the replay itself evicts is manual; what is left made room.
        room = [each for each in went if each.reason not in _ASKED_FOR]
        lost = sum(each.token_count for each in room)
        names = tuple(each.session_id for each in room)
        hits, misses = self.hits, self.misses
        return Outcome(self.policy.name, hits, misses, _rate(hits, misses), names, lost, self.refused)

    def step(self, step: dict[str, Any], action: str, name: str) -> None:
        match action:
            case "create" | "refused":
                facts = step.get("sequences", 1), step.get("encoding"), step.get("priority", 0)
                self.wanted[name] = _Wanted(step["tokens"], step["ttl_seconds"], *facts)
                self.tokens[name] = 0
                self.find(name)
            case "hit":
                self.find(name)
            case "miss":
                self.misses += 1
            case "append" if step.get("begun") is not None:
                self.tokens[name] = self.tokens.get(name, 0) + step["tokens"]
                self.end_copy((step["begun"], name), self.tokens[name])
            case "touch" | "append" | "truncate" | "pin" | "unpin" | "begin" | "zeroing" | "lend":
                self.use(step, action, name)
            case "end" | "zeroed":
                self.end_copy((step["begun"], name))
            case "return":
                self.end_loan(step["begun"])
            case "recode":
                self.wanted[name] = self.wanted[name]._replace(encoding=step["encoding"])
                with suppress(KVCacheError):
                    self.manager.recode(name, step["encoding"])
            case "prioritize":
                self.wanted[name] = self.wanted[name]._replace(priority=step["priority"])
                self.manager.prioritize(name, step["priority"])
            case "shrink" if name in self.manager:
                self.manager._entries[name].shrink()  # noqa: SLF001 - a lookup would count as a use
            case "evict" if step["reason"] in _ASKED_FOR:
                self.leave(name)
            case _:  # evictions for room are the policy's own, and the end needs no step
                pass

    def find(self, name: str) -> bool:
        """Look the session up; make it again where it is gone. False where there is no room for it."""
        entry = self.manager._entries.get(name)  # noqa: SLF001 - a lookup would count as a use
        if entry is not None:
            if entry.max_context_length < self.wanted[name].context:
                self.evict(name)
            elif self.manager.get(name) is not None:  # else its time had ended
                self.hits += 1
                return True
        self.misses += 1
        return self.create(name)

    def create(self, name: str) -> bool:
        """Make the session with the tokens that it had in the recording. False where there is no room for it."""
        wanted = self.wanted[name]
        try:
            entry = self.manager.get_or_create(
                name,
                wanted.context,
                ttl_seconds=wanted.ttl_seconds,
                sequences=wanted.sequences,
                encoding=wanted.encoding,
                priority=wanted.priority,
            )
        except KVCacheError:
            self.refused += 1
            return False
        if self.tokens.get(name):
            entry.commit(self.tokens[name])
        return True

    def use(self, step: dict[str, Any], action: str, name: str) -> None:
        tokens = self.tokens.get(name, 0)
        if action == "unpin":
            if self.pins.get(name):
                self.pins[name].pop().__exit__(None, None, None)
            return
        if name not in self.manager:
            self.misses += 1
            if not self.create(name):
                return
        entry = self.manager._entries[name]  # noqa: SLF001 - a lookup would count as a use
        if action == "append":
            # A session that was made again in the recording, and not here, has these tokens already.
            self.tokens[name] = tokens + step["tokens"]
            missing = self.tokens[name] - entry.token_count
            entry.commit(missing) if missing > 0 else entry.touch()
        elif action == "truncate":
            self.tokens[name] = step["tokens"]
            try:
                entry.truncate(min(step["tokens"], entry.token_count))
            except OutOfBoundsError:  # made again, it has given back more than it had in the recording
                self.evict(name)
                self.create(name)
        elif action == "touch":
            entry.touch()
        elif action == "pin":
            pin = entry.pin()
            pin.__enter__()
            self.pins.setdefault(name, []).append(pin)
        elif action == "lend":
            entry._loan = lambda: entry  # type: ignore[assignment]  # noqa: SLF001 - "there is a view"
            self.loans[step["sequence"]] = entry
        else:
            if action == "begin":
                entry.touch()
            entry._start(self.now)  # noqa: SLF001 - a copy without its bytes
            self.copies[step["begun"], name] = entry

    def end_copy(self, key: tuple[int, str], tokens: int = 0) -> None:
        """A copy ends, and the session has so many tokens then."""
        entry = self.copies.pop(key, None)
        if entry is not None:
            entry._end()  # noqa: SLF001
            if entry.is_live and tokens > entry.token_count:
                entry._advance(tokens - entry.token_count)  # noqa: SLF001 - it was touched when it began

    def end_loan(self, step: int) -> None:
        entry = self.loans.pop(step, None)
        if entry is not None:
            entry._loan = None  # noqa: SLF001
            entry._let_go_if_idle()  # noqa: SLF001

    def leave(self, name: str) -> None:
        self.tokens.pop(name, None)
        self.evict(name)

    def evict(self, name: str) -> None:
        """Take the block away; only the end of a recording does so to one that is pinned."""
        for pin in self.pins.pop(name, ()):
            pin.__exit__(None, None, None)
        if name in self.manager:
            self.manager.evict(name)


def _layout_of(opening: dict[str, Any]) -> KVLayout:
    """The layout of the cache that was recorded."""
    shape = LayerShape(opening["kv_heads"], opening["head_dim"], opening.get("value_dim"))
    shapes = [LayerShape(*each) for each in opening.get("shapes") or ()] or [shape] * opening["layers"]
    rest = {name: opening[name] for name in ("max_context", "dtype", "alignment")}
    return KVLayout.of_layers(shapes, **rest, encoding=opening.get("encoding"))


class _Copied:
    """Stands in for the condition "a copy has ended": there is one thread only, so that all copies end when one is waited for."""

    def __init__(self, player: _Player) -> None:
        self.player = player

    def wait(self) -> None:
        for key in tuple(self.player.copies):
            self.player.end_copy(key)

    def notify_all(self) -> None:
        """Nothing waits here."""


def _with_beginnings(steps: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The steps, and one more where a copy began while others went on: only its end is recorded, and says where that was."""
    began: dict[int, list[dict[str, Any]]] = {}
    for step in steps:
        if step["action"] in _COPIES and step.get("begun") is not None:
            began.setdefault(step["begun"], []).append({**step, "action": _COPIES[step["action"]]})
    for step in steps:
        yield from began.get(step["sequence"], ())
        yield step


def _rate(hits: int, misses: int) -> float | None:
    return hits / (hits + misses) if hits + misses else None


def _table(outcomes: Iterable[Outcome]) -> str:
    lines = [
        f"{'policy':<10} {'hits':>8} {'misses':>8} {'hit rate':>9} {'evicted':>8} {'tokens lost':>12} {'refused':>8}"
    ]
    for each in outcomes:
        rate = "-" if each.hit_rate is None else f"{each.hit_rate:.3f}"
        figures = f"{each.hits:>8} {each.misses:>8} {rate:>9} {len(each.evicted):>8} {each.tokens_lost:>12}"
        lines.append(f"{each.policy:<10} {figures} {each.refused:>8}")
    return "\n".join(lines) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    """Check, replay, print; 1 where the chain is broken, 2 where the call or the file is invalid."""
    parser = argparse.ArgumentParser(prog="python -m kvcache.replay", description="Check and replay a file of records.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--policy", action="append", choices=sorted(POLICIES), help="default: all")
    parser.add_argument("--capacity", type=int, metavar="BYTES", help="of the arena; default: as recorded")
    parser.add_argument("--head", metavar="DIGEST", help="what the last line's digest must be")
    parser.add_argument("--json", action="store_true", help="print JSON, with every evicted session")
    parser.add_argument("--svg", metavar="FILE", help="draw occupancy and fragmentation under each policy")
    wanted = parser.parse_args(words)
    try:
        recording = read(wanted.file, head=wanted.head)
        policies = [POLICIES[name] for name in wanted.policy or POLICIES]
        outcomes = [recorded(recording)] if recording.opening else []
        courses = {policy.name: Course() for policy in policies if outcomes}
        for policy in policies if outcomes else ():
            course = courses[policy.name] if wanted.svg else None
            outcomes.append(replay(recording, policy, capacity_bytes=wanted.capacity, course=course))
        if wanted.svg:
            Path(wanted.svg).write_text(draw(courses), encoding="utf-8")
    except ChainError as error:
        sys.stderr.write(f"replay: {error}\n")
        return BROKEN
    except (KVCacheError, OSError, KeyError, TypeError) as error:
        sys.stderr.write(f"replay: {type(error).__name__}: {error}\n")
        return USAGE
    if wanted.json:
        answer = {"head": recording.head, "receipts": recording.receipts, "steps": len(recording.steps)}
        text = json.dumps(answer | {"outcomes": [asdict(each) for each in outcomes]}, indent=2) + "\n"
    else:
        chain = f"chain holds: {len(recording.steps)} steps, {recording.receipts} receipts, head {recording.head}\n\n"
        text = chain + (_table(outcomes) if outcomes else "no trace to replay\n")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
