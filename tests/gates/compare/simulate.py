"""What the rules of `gates.compare.timing.changes` find and what they invent: `python -m tests.gates.compare.simulate`.

Every row is made from dice with a seed, so it is the same every time; `--real SECONDS` times real work on both sides
instead, as long as that. The figures in docs/explanation/timing.md come from here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import re
import time
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gates.compare.timing.changes import DEFAULTS, Suspect, TimingSettings, classify_changes, find_suspects
from gates.compare.timing.schedule import Schedule, plan
from gates.compare.timing.statistics import bootstrap, shift, signed_rank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Floats = NDArray[np.float64]
NOISE = 0.15
PAIRS = DEFAULTS.pairs
THRESHOLD = math.log1p(DEFAULTS.threshold)
# The intervals decide nothing about `slower`, and cost most of the time.
QUICK = TimingSettings(resamples=2)


def remembering(dice: np.random.Generator, tests: int, slots: int, memory: float) -> Floats:
    """Noise of which a part lives on in the next slot: AR(1), in its steady state."""
    fresh = dice.normal(0, NOISE, (tests, slots))
    series = np.empty_like(fresh)
    series[:, 0] = fresh[:, 0]
    for slot in range(1, slots):
        series[:, slot] = memory * series[:, slot - 1] + math.sqrt(1 - memory**2) * fresh[:, slot]
    return series


def outliers(dice: np.random.Generator, tests: int, slots: int) -> Floats:
    """One time in twenty is much too long: by 65% on average, now and then by a multiple."""
    hit: Floats = np.where(dice.random((tests, slots)) < 0.05, dice.exponential(0.5, (tests, slots)), 0.0)
    return hit


def drift(dice: np.random.Generator, slots: int) -> Floats:
    """The machine slows down by 20% in the course of the session, and by 10% more at some moment, or gets faster so."""
    steps = np.arange(slots)
    sign = dice.choice([-1, 1])
    moved: Floats = sign * (0.18 * steps / slots + 0.1 * (steps >= dice.integers(slots)))
    return moved


def realistic(dice: np.random.Generator, tests: int, slots: int) -> Floats:
    """All of it, and 3% that all tests of a turn have in common."""
    together = dice.normal(0, 0.03, slots) + drift(dice, slots)
    return remembering(dice, tests, slots, 0.4) + outliers(dice, tests, slots) + together


KINDS: dict[str, Callable[[np.random.Generator, int, int], Floats]] = {
    "plain": lambda dice, tests, slots: dice.normal(0, NOISE, (tests, slots)),
    "outliers": lambda dice, tests, slots: dice.normal(0, NOISE, (tests, slots)) + outliers(dice, tests, slots),
    "drift": lambda dice, tests, slots: dice.normal(0, NOISE, (tests, slots)) + drift(dice, slots),
    "memory": lambda dice, tests, slots: remembering(dice, tests, slots, 0.4),
    "realistic": realistic,
}


def head_slots(schedule: Schedule) -> NDArray[np.bool_]:
    """Which of its turns are the head's, without those that warm up."""
    return np.array([turn.side == "head" for turn in schedule.turns if turn.round])


def shuffled(pairs: int, seed: int) -> NDArray[np.bool_]:
    settings = TimingSettings(pairs=pairs)
    return head_slots(
        plan([Suspect(test="t", direction="slower", size=1.0, seconds=1.0)], math.inf, seed=seed, settings=settings)
    )


def abba(pairs: int, _: int) -> NDArray[np.bool_]:
    return np.array([False, True, True, False] * ((pairs + 1) // 2))[: 2 * pairs]


def blocks(pairs: int, _: int) -> NDArray[np.bool_]:
    """First everything on the base, then everything on the head: what one must not do."""
    return np.arange(2 * pairs) >= pairs


class Rule(NamedTuple):
    """A way to take times and to test them."""

    name: str
    order: Callable[[int, int], NDArray[np.bool_]]
    test: Callable[[Floats, Floats], float]
    shift: Callable[[Floats, Floats], float]


def rank_test(base: Floats, head: Floats) -> float:
    return signed_rank(np.round(head - base, 9).tolist())


def sign_test(base: Floats, head: Floats) -> float:
    pairs = len(base)
    fewer = min(int(np.sum(head > base)), int(np.sum(head < base)))
    return min(1.0, 2 * sum(math.comb(pairs, k) for k in range(fewer + 1)) / (1 << pairs))


def mann_whitney(base: Floats, head: Floats) -> float:
    """Normal approximation: with 65 on each side it is as good as exact."""
    one, other = len(base), len(head)
    ranks = np.argsort(np.argsort(np.concatenate([base, head]))) + 1
    larger = float(ranks[one:].sum()) - other * (other + 1) / 2
    spread = math.sqrt(one * other * (one + other + 1) / 12)
    return math.erfc(max(0.0, abs(larger - one * other / 2) - 0.5) / spread / math.sqrt(2))


def paired_shift(base: Floats, head: Floats) -> float:
    return shift((head - base).tolist())


def unpaired_shift(base: Floats, head: Floats) -> float:
    return float(np.median(head[:, None] - base[None, :]))


RULES = (
    Rule("signed-rank, pairs in shuffled order", shuffled, rank_test, paired_shift),
    Rule("signed-rank, ABBA", abba, rank_test, paired_shift),
    Rule("sign test, pairs in shuffled order", shuffled, sign_test, paired_shift),
    Rule("Mann-Whitney, pairs in shuffled order", shuffled, mann_whitney, unpaired_shift),
    Rule("Mann-Whitney, base first, then head", blocks, mann_whitney, unpaired_shift),
)


def called(rule: Rule, kind: str, effect: float, repeats: int, seed: int, pairs: int = PAIRS) -> tuple[float, float]:
    """How often one test reaches p < 0.01, and how often it is called slower or faster: its shift is large enough, too."""
    dice = np.random.default_rng(seed)
    significant = alarms = 0
    for repeat in range(repeats):
        series = KINDS[kind](dice, 1, 2 * pairs)[0]
        is_head = rule.order(pairs, repeat)
        base, head = series[~is_head], series[is_head] + math.log1p(effect)
        if rule.test(base, head) < DEFAULTS.alpha:
            significant += 1
            alarms += abs(rule.shift(base, head)) > THRESHOLD
    return significant / repeats, alarms / repeats


class Compared(NamedTuple):
    """What one whole comparison came to."""

    timed: int
    false_alarms: int
    suspected: int
    found: int


def compare(
    dice: np.random.Generator, tests: int = 1000, changed: int = 0, effect: float = 0.0, pairs: int = PAIRS
) -> Compared:
    """Two recorded runs, their candidates, the planned turns, the judgement; the first `changed` tests really changed.

    Half of the tests take 20 ms or less, one in fifty half a second or more; those that changed take a second.
    """
    settings = TimingSettings(resamples=QUICK.resamples, pairs=pairs)
    names = [f"t{number}" for number in range(tests)]
    seconds = 0.02 * np.exp(dice.normal(0, 1.5, tests))
    seconds[:changed] = 1.0
    change = np.where(np.arange(tests) < changed, math.log1p(effect), 0.0)
    before, after = (
        seconds * np.exp(realistic(dice, tests, 1)[:, 0] + dice.normal(0, 0.1) + moved) for moved in (0.0, change)
    )
    suspects = find_suspects(
        dict(zip(names, before.tolist(), strict=True)), dict(zip(names, after.tolist(), strict=True)), settings
    )
    schedule = plan(suspects, math.inf, seed=int(dice.integers(2**31)), settings=settings)
    is_head = head_slots(schedule)
    chosen = [int(candidate.test[1:]) for candidate in suspects]
    series = seconds[chosen][:, None] * np.exp(realistic(dice, len(chosen), len(is_head)))
    series[:, is_head] *= np.exp(change[chosen])[:, None]
    samples = {
        names[test]: (row[~is_head].tolist(), row[is_head].tolist()) for test, row in zip(chosen, series, strict=True)
    }
    loud = [
        int(change.test[1:]) for change in classify_changes(samples, settings) if change.verdict in {"slower", "faster"}
    ]
    return Compared(
        timed=len(chosen),
        false_alarms=sum(test >= changed for test in loud),
        suspected=sum(test < changed for test in chosen),
        found=sum(test < changed for test in loud),
    )


def compared(count: int, seed: int, *, changed: int = 0, effect: float = 0.0, pairs: int = PAIRS) -> list[Compared]:
    dice = np.random.default_rng(seed)
    return [compare(dice, changed=changed, effect=effect, pairs=pairs) for _ in range(count)]


def covered(pairs: int, repeats: int, seed: int) -> float:
    """How often the 95% interval holds the true shift, with outliers."""
    dice = np.random.default_rng(seed)
    inside = 0
    for _ in range(repeats):
        series = KINDS["outliers"](dice, 2, pairs)
        interval = bootstrap((series[1] - series[0]).tolist(), 0.95, 1000)
        inside += interval.low <= 0 <= interval.high
    return inside / repeats


def power_at_detectable(pairs: int, repeats: int, seed: int) -> float:
    """How often a test is called slower that became slower by just what was said to be detectable without the change."""
    dice = np.random.default_rng(seed)
    found = 0
    for _ in range(repeats):
        base, before, after = np.exp(KINDS["plain"](dice, 3, pairs)).tolist()
        (quiet,) = classify_changes({"t": (base, before)}, TimingSettings(resamples=300))
        effect = quiet.detectable or math.inf
        (slow,) = classify_changes({"t": (base, [time * effect for time in after])}, QUICK)
        found += slow.verdict == "slower"
    return found / repeats


def work() -> dict[str, Callable[[], object]]:
    """Real work of a few milliseconds each, of several kinds."""
    dice = random.Random(1)
    numbers = [dice.random() for _ in range(20_000)]
    text = " ".join(f"word{number:.6f}" for number in numbers)
    data = text.encode() * 4
    jobs: dict[str, Callable[[], object]] = {
        "sorting": lambda: sorted(numbers),
        "json": lambda: json.loads(json.dumps(numbers[:5000])),
        "hashing": lambda: hashlib.sha256(data).hexdigest(),
        "compressing": lambda: zlib.compress(data[:200_000], 6),
        "searching": lambda: re.findall(r"d0\.(\d+)5\b", text),
        "counting": lambda: sum(number > 0.5 for number in numbers),
        "building": lambda: {str(number): number for number in numbers[:8000]},
        "splitting": lambda: [word.upper() for word in text.split()],
    }
    return jobs


def real(seconds: float, pairs: int = PAIRS) -> Iterator[tuple[int, int]]:
    """Whole A/A comparisons of real work, until the time is over: tests that were timed, and false alarms."""
    jobs = work()
    suspects = [Suspect(test=name, direction="slower", size=1.0, seconds=0.01) for name in jobs]
    until = time.monotonic() + seconds
    seed = 0
    while time.monotonic() < until:
        seed += 1
        times: dict[tuple[str, str], list[float]] = {(name, side): [] for name in jobs for side in ("base", "head")}
        for turn in plan(suspects, math.inf, seed=seed, settings=TimingSettings(pairs=pairs)).turns:
            for name in turn.tests:
                start = time.perf_counter()
                jobs[name]()
                if turn.round:
                    times[name, turn.side].append(time.perf_counter() - start)
        changes = classify_changes({name: (times[name, "base"], times[name, "head"]) for name in jobs}, QUICK)
        yield len(changes), sum(change.verdict in {"slower", "faster"} for change in changes)


def show_rules(repeats: int, seed: int) -> None:
    """A row for each way to take and test times, and each kind of noise."""
    print(
        f"one test, {PAIRS} pairs, {repeats} repeats: p < 0.01 in A/A, called slower or faster in A/A, at +10%, at +30%"
    )
    for rule in RULES:
        for kind in KINDS:
            p, alarms = called(rule, kind, 0.0, repeats, seed)
            ten, thirty = (called(rule, kind, effect, repeats // 4, seed)[1] for effect in (0.1, 0.3))
            print(f"  {rule.name:38} {kind:10} {p:7.2%} {alarms:7.2%} {ten:7.1%} {thirty:7.1%}", flush=True)


def show_comparisons(count: int, seed: int) -> None:
    """False alarms of whole comparisons, and what becomes of five tests that really changed."""
    print("whole comparisons of 1000 tests, realistic noise")
    for pairs in (20, PAIRS):
        results = compared(count, seed, pairs=pairs)
        alarms = sum(result.false_alarms > 0 for result in results)
        timed = sum(result.timed for result in results) / count
        print(
            f"  A/A, {pairs:3} pairs: {timed:.0f} tests timed again, {alarms} of {count} with a false alarm", flush=True
        )
    # A rate of rare alarms needs every comparison; a power is known from a tenth of them.
    few = max(1, count // 10)
    for effect, pairs in ((0.1, PAIRS), (0.1, 2 * PAIRS), (0.3, PAIRS)):
        results = compared(few, seed, changed=5, effect=effect, pairs=pairs)
        suspected = sum(result.suspected for result in results)
        found = sum(result.found for result in results)
        print(
            f"  5 tests {effect:+.0%}, {pairs:3} pairs: {suspected} of {5 * few} became candidates, {found} were found",
            flush=True,
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeats", type=int, default=4000, help="of one test; fewer where that is enough")
    arguments.add_argument("--comparisons", type=int, default=500, help="whole ones, of 1000 tests each")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--real", type=float, metavar="SECONDS", help="time real work on both sides instead")
    options = arguments.parse_args()
    if options.real:
        results = list(real(options.real))
        alarms = sum(bool(wrong) for _, wrong in results)
        print(
            f"{len(results)} A/A comparisons of {results[0][0]} real jobs, {PAIRS} pairs each: {alarms} with an alarm"
        )
        return
    show_rules(options.repeats, options.seed)
    print("95% intervals, with outliers: how many hold the true ratio")
    for pairs in (10, 20, PAIRS):
        print(f"  {pairs:3} pairs {covered(pairs, options.repeats // 10, options.seed):6.1%}", flush=True)
    show_comparisons(options.comparisons, options.seed)


if __name__ == "__main__":
    main()
