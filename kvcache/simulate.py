"""Ask what policies, sizes and second tiers would do with the requests of a trace.

    python -m kvcache.simulate TRACE [--policy NAME]... [--memory SIZE]... [--tier SIZE[,LATENCY,RATE]]... [--svg FILE] [--json]
    python -m kvcache.simulate TRACE --generate SESSIONS [--seed N]

Sizes are numbers of bytes with KiB, MiB or GiB. `--generate` makes up a trace of conversations, writes it to TRACE, which must not be there, and
simulates it.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from kvcache.errors import KVCacheError
from kvcache.sessions.eviction import POLICIES
from kvcache.simulation.arrivals import Arrival, make_arrivals, read_arrivals, write_arrivals
from kvcache.simulation.charts import Chart, Line, picture
from kvcache.simulation.engine import Machine, Result, StoreModel, simulate

USAGE: Final = 2
_UNITS: Final = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_GIB: Final = 1 << 30


def size(text: str) -> int:
    """Bytes, of a number with a unit.

    Raises:
        argparse.ArgumentTypeError: it is none, or not above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(B|[KMGT]iB)?", text.strip())
    number = int(float(found[1]) * _UNITS[found[2] or ""]) if found else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a size such as 4GiB, got {text!r}")
    return number


def tier(text: str) -> StoreModel:
    """A second tier: its size, and perhaps seconds until it answers and bytes that it gives per second.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    parts = text.split(",")
    try:
        store = StoreModel(size(parts[0]))
        if len(parts) > 1:
            store = replace(store, latency=float(parts[1]))
        if len(parts) > 2:
            store = replace(store, bytes_per_second=float(size(parts[2])))
    except ValueError:
        store = StoreModel(0)
    if len(parts) > 3 or not store.capacity_bytes or not 0 <= store.latency < float("inf"):
        raise argparse.ArgumentTypeError(f"expected SIZE, SIZE,SECONDS or SIZE,SECONDS,RATE, got {text!r}")
    return store


def main(words: Sequence[str] | None = None) -> int:
    """Read or make up, simulate, print; 2 where the call or the file is invalid."""
    wanted = _parser().parse_args(words)
    try:
        if wanted.generate is not None:
            write_arrivals(wanted.trace, make_arrivals(wanted.generate, seed=wanted.seed))
        arrivals = read_arrivals(wanted.trace)
        found = [(machine, simulate(arrivals, machine)) for machine in _machines(wanted, arrivals)]
        if wanted.svg:
            Path(wanted.svg).write_text(_picture(found), encoding="utf-8")
    except (KVCacheError, OSError) as error:
        sys.stderr.write(f"simulate: {error}\n")
        return USAGE
    if wanted.json:
        text = json.dumps([_facts(machine) | asdict(result) for machine, result in found], indent=2) + "\n"
    else:
        text = _table(found)
    sys.stdout.write(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kvcache.simulate", description="Simulate a cache with a trace.")
    parser.add_argument("trace", metavar="TRACE")
    parser.add_argument("--policy", action="append", choices=sorted(POLICIES), help="default: lru")
    parser.add_argument(
        "--memory", action="append", type=size, metavar="SIZE", help="default: 1/8, 1/4, 1/2 of all tokens"
    )
    parser.add_argument("--tier", action="append", type=tier, metavar="SIZE[,SECONDS,RATE]", help="beside none at all")
    parser.add_argument("--sharing", choices=["pages", "copy", "none"], default="pages", help="of prefixes")
    parser.add_argument("--token-bytes", type=size, default=131_072, metavar="SIZE", help="of keys and values; 128KiB")
    parser.add_argument("--ttl", type=float, metavar="SECONDS", help="of a session")
    parser.add_argument("--prefill", type=float, default=2000.0, metavar="TOKENS", help="per second and server; 2000")
    parser.add_argument("--decode", type=float, default=25.0, metavar="TOKENS", help="per second and server; 25")
    parser.add_argument("--servers", type=int, default=16, help="requests at once; 16")
    parser.add_argument("--generate", type=int, metavar="SESSIONS", help="make up a trace, and write it to TRACE")
    parser.add_argument("--seed", type=int, default=0, help="of a trace that is made up")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--svg", metavar="FILE", help="draw a picture")
    return parser


def _machines(wanted: argparse.Namespace, arrivals: Sequence[Arrival]) -> list[Machine]:
    last = {each.session: each.prompt_tokens + each.output_tokens for each in arrivals}
    whole = sum(last.values()) * wanted.token_bytes
    longest = max(each.prompt_tokens + each.output_tokens for each in arrivals) * wanted.token_bytes
    memories = wanted.memory or [max(whole // part, longest) for part in (8, 4, 2)]
    return [
        Machine(
            memory_bytes=memory,
            token_bytes=wanted.token_bytes,
            policy=POLICIES[policy],
            store=store,
            sharing=wanted.sharing,
            ttl_seconds=wanted.ttl,
            prefill_per_second=wanted.prefill,
            decode_per_second=wanted.decode,
            servers=wanted.servers,
        )
        for policy in wanted.policy or ["lru"]
        for store in [None, *(wanted.tier or [])]
        for memory in sorted(set(memories))
    ]


def _facts(machine: Machine) -> dict[str, object]:
    store = None if machine.store is None else asdict(machine.store)
    return {
        "policy": machine.policy.name,
        "memory_bytes": machine.memory_bytes,
        "store": store,
        "sharing": machine.sharing,
    }


def _name(machine: Machine) -> str:
    tier = "" if machine.store is None else f" + {machine.store.capacity_bytes / _GIB:g} GiB"
    return f"{machine.policy.name}{tier}"


def _table(found: Sequence[tuple[Machine, Result]]) -> str:
    names = f"{'policy and tier':<20} {'memory':>9} {'hit rate':>9} {'saved':>7} {'evicted':>8} {'refused':>8}"
    lines = [f"{names} {'first p50':>10} {'p99':>8} {'whole p50':>10} {'p99':>8}"]
    for machine, each in found:
        rate = "-" if each.hit_rate is None else f"{each.hit_rate:.1%}"
        lines.append(
            f"{_name(machine):<20} {machine.memory_bytes / _GIB:>5.2f} GiB {rate:>9} {each.saved_rate:>7.1%} {each.evictions:>8}"
            f" {each.refused:>8} {each.first_token_p50:>8.2f} s {each.first_token_p99:>6.2f} s {each.whole_p50:>8.2f} s"
            f" {each.whole_p99:>6.2f} s"
        )
    best = found[0][1]
    lines.append(
        f"\n{best.requests} requests; {best.reusable} had something computed before. Saved is the part of all prompt tokens that was not"
        f" computed again;\nan endless memory would have saved {best.possible_tokens / max(best.prompt_tokens, 1):.1%}."
    )
    return "\n".join(lines) + "\n"


def _picture(found: Sequence[tuple[Machine, Result]]) -> str:
    def lines(field: str) -> list[Line]:
        points = dict[str, list[tuple[float, float]]]()
        for machine, result in found:
            place = round(machine.memory_bytes / _GIB, 2), getattr(result, field) or 0.0
            points.setdefault(_name(machine), []).append(place)
        return [Line(name, each) for name, each in points.items()]

    memory = "memory in GiB"
    return picture(
        [
            Chart("Sessions that were found again", memory, "of returning requests", lines("hit_rate"), share=True),
            Chart("Prompt tokens that were not computed again", memory, "of all", lines("saved_rate"), share=True),
            Chart("Seconds to the first token: half of the requests", memory, "p50", lines("first_token_p50")),
            Chart("Seconds to the first token: 99 of 100 requests", memory, "p99", lines("first_token_p99")),
            Chart("Sessions that had to make room", memory, "evictions", lines("evictions")),
            Chart("Seconds to the last token: 99 of 100 requests", memory, "p99", lines("whole_p99")),
        ],
        "Policies, sizes and second tiers",
    )


if __name__ == "__main__":
    sys.exit(main())
