"""Compare the records of both sides: which assertions ran on the base, and are still in the source of the head but check nothing.

Only tests that passed on the head, and whose assertions were recorded on both sides, are compared: what a failed test did
not reach, nobody took away. An assertion whose text changed is not this module's business.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gates.analysis.recorded.sites import Site
from gates.analysis.recorded.watch import Watch
from gates.portable.counted_code import LIMIT
from gates.portable.values import TestOutcome, plural
from gates.results import TestResult, Weakening

RULE, SWALLOWED, CAUGHT, NOTHING = "did-not-run", "failure-swallowed", "failure-caught", "checks-nothing"

_GREEN = frozenset({TestOutcome.PASSED, TestOutcome.FLAKY})


@dataclass
class _Record:
    """What one side recorded about a test, over all of its parameters and gates.

    Attributes:
        ran: assertion → how often it ran, and how often it raised.
        green: every one of them passed.
        unknown: why its assertions are not known; empty if they are.
        results: how many there are.
    """

    ran: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    green: bool = True
    unknown: dict[str, str] = field(default_factory=dict)
    results: int = 0

    def add(self, result: TestResult) -> None:
        """Add one result."""
        self.results += 1
        self.green = self.green and result.outcome in _GREEN
        if result.checks is None:
            return
        self.unknown |= result.checks.unknown
        for file, counts in result.checks.ran.items():
            for one in counts:
                ran, raised = self.ran.get((file, one.line), (0, 0))
                self.ran[file, one.line] = (ran + one.ran, raised + one.raised)

    def times(self, site: Site) -> tuple[int, int]:
        """How often an assertion ran, and how often it passed."""
        ran, raised = self.ran.get((site.path, site.line), (0, 0))
        return ran, ran - raised


def missing_checks(
    watches: tuple[Watch, Watch], results: tuple[Iterable[TestResult], Iterable[TestResult]]
) -> tuple[Weakening, ...]:
    """The assertions that ran on the base and check nothing on the head; each once, with the first test that shows it.

    Args:
        watches: what was recorded on base and head.
        results: of both.
    """
    base, head = (_records(each) for each in results)
    found: dict[tuple[str, int], list[tuple[str, Weakening]]] = defaultdict(list)
    sides = _Side(watches[0]), _Side(watches[1])
    for test in sorted(base.keys() & head.keys()):
        pair = base[test], head[test]
        if pair[1].green and not _unknown(*pair):
            for one in _Pair(test, pair, sides).weakenings():
                found[one.path, one.line].append((test, one))
    for one in _wide(base, head, sides):
        found[one.path, one.line].append(("", one))
    return tuple(_merged(several) for several in found.values())


def why_unknown(results: Iterable[TestResult]) -> tuple[str, ...]:
    """Why some assertions were not recorded, a sentence for each reason."""
    tests: dict[str, set[str]] = defaultdict(set)
    for result in results:
        for file, why in () if result.checks is None else result.checks.unknown.items():
            tests[f"{file}: {why}" if file else why].add(without_parameters(result.id))
    return tuple(
        f"nobody knows which assertions of {plural(len(names), 'changed test')} ran, such as {min(names)}: {why}"
        for why, names in sorted(tests.items())
    )


def without_parameters(test: str) -> str:
    """The id of a test without its parameters and without the number of a copy."""
    path, colons, rest = test.partition("::")
    return f"{path}{colons}{rest.partition('[')[0].partition('#')[0]}"


def _records(results: Iterable[TestResult]) -> dict[str, _Record]:
    found: dict[str, _Record] = defaultdict(_Record)
    for result in results:
        if result.checks is not None:
            found[without_parameters(result.id)].add(result)
    return dict(found)


def _unknown(before: _Record, after: _Record) -> bool:
    started = "" in after.unknown and "" not in before.unknown
    return started or any(file for file in after.unknown)


class _Side:
    """The assertions of one side, by place and by owner."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.sites = [site for file in watch.files.values() for site in file.sites]
        self._of: dict[tuple[str, str], list[Site]] = defaultdict(list)
        for site in self.sites:
            self._of[site.path, site.owner].append(site)

    def of(self, path: str, owner: str) -> list[Site]:
        """The assertions of a function."""
        return self._of.get((path, owner), [])

    def ran_in(self, record: _Record) -> list[Site]:
        """The assertions that passed at least once in a test."""
        return [site for site in self.sites if record.times(site)[1] > 0]


class _Pair:
    """One test on both sides."""

    def __init__(self, test: str, records: tuple[_Record, _Record], sides: tuple[_Side, _Side]) -> None:
        self._test, self._before, self._after = test, *records
        self._base, self._head = sides
        self._lived = [site for site in self._base.ran_in(self._before) if site.kind != "wide"]
        self._lives = [site for site in self._head.ran_in(self._after) if site.kind != "wide"]
        self._known = Counter(site.key for site in self._lived)
        self._own = {(site.path, site.owner) for site in self._lived}

    def weakenings(self) -> Iterator[Weakening]:
        """What this test checks less."""
        safe = Counter(site.key for site in self._lives if not site.swallowed)
        lost = Counter(site.key for site in self._lived if not site.swallowed) - safe
        found = [one for key, number in sorted(lost.items()) for one in self._of_key(key, number)]
        yield from found or self._instead(sum(lost.values()))

    def _instead(self, lost: int) -> Iterator[Weakening]:
        """What the text of an assertion does not show: a new one fails and is caught, or none runs any more."""
        own = [site for site in self._head.sites if (site.path, site.owner) in self._own and site.kind == "test"]
        fallen = [site for site in own if self._after.times(site)[0] and self._after.times(site)[1] <= 0]
        new = [site for site in fallen if site.swallowed and "raises" not in site.swallowed.lower()]
        before = {site.key for site in self._base.sites}
        for site in [one for one in new if one.key not in before][:lost]:
            yield self._weakening(self._lived[0], site)
            return
        if own and not self._lives:
            old, site = self._lived[0], own[0]
            was = plural(len(self._lived), "assertion")
            yield Weakening(
                rule=NOTHING,
                what=f"{was} of this test ran on the base, and none runs here",
                path=site.path,
                line=site.line,
                test=self._test,
                before=f"{old.text} (ran {said_times(self._before.times(old)[0])})",
                after=f"{site.text} (ran 0 times)",
            )

    def _of_key(self, key: str, number: int) -> Iterator[Weakening]:
        """Of assertions that say the same: as many as there are fewer."""
        lived = [site for site in self._lived if site.key == key and not site.swallowed]
        owners = {(site.path, site.owner) for site in lived}
        before = sum(self._before.times(site)[1] <= 0 for site in self._in(self._base, owners, key))
        dead = [site for site in self._in(self._head, owners, key) if self._after.times(site)[1] <= 0]
        caught = [site for site in self._lives if site.key == key and site.swallowed]
        was = Counter(site.key for site in self._lived if site.swallowed)[key]
        fresh = (dead[before:] if len(dead) > before else []) + caught[was:]
        for site, old in zip(fresh[:number], lived, strict=False):
            if not self._is_replaced(site):
                yield self._weakening(old, site)

    @staticmethod
    def _in(side: _Side, owners: Iterable[tuple[str, str]], key: str) -> list[Site]:
        return [site for owner in sorted(owners) for site in side.of(*owner) if site.key == key]

    def _is_replaced(self, site: Site) -> bool:
        """Whether another assertion that is new took its place: in another branch of the same statement, or for a helper anywhere."""
        gained = [one for one in self._lives if one.key not in self._known and not one.swallowed]
        if site.kind in ("helper", "fixture") and self._after.times(site)[0] == 0 and self._same_code(site):
            return bool(gained)
        here = dict(site.arms)
        return any(
            (one.path, one.owner) == (site.path, site.owner)
            and any(here.get(place, arm) != arm for place, arm in one.arms)
            for one in gained
        )

    def _same_code(self, site: Site) -> bool:
        """Whether the function of an assertion is the same on both sides, so that the test must have stopped using it."""
        before, after = (
            [(one.key, one.swallowed, tuple(arm for _, arm in one.arms)) for one in side.of(site.path, site.owner)]
            for side in (self._base, self._head)
        )
        return before == after

    def _weakening(self, old: Site, site: Site) -> Weakening:
        ran, passed = self._after.times(site)
        was = said_times(self._before.times(old)[0])
        if ran and passed > 0:
            rule, what = CAUGHT, f"if this assertion failed, {site.swallowed} would catch it"
            after = f"{site.text} (inside {site.swallowed})"
        elif ran:
            by = f" by {site.swallowed}" if site.swallowed else ""
            rule, what = SWALLOWED, f"this assertion failed each time that it ran, and the failure was caught{by}"
            after = f"{site.text} (failed {said_times(ran)}, and the test passed)"
        else:
            rule, what = RULE, f"this assertion ran {was} on the base, and did not run here"
            after = f"{site.text} (ran 0 times)"
        return Weakening(
            rule=rule, what=what, path=site.path, line=site.line, test=self._test, before=f"{old.text} (ran {was})", after=after,
        )  # fmt: skip


def said_times(number: int) -> str:
    """How often, for people."""
    if number >= LIMIT:
        return f"at least {plural(LIMIT, 'time')}"
    return "once" if number == 1 else plural(number, "time")


def _wide(base: Mapping[str, _Record], head: Mapping[str, _Record], sides: tuple[_Side, _Side]) -> Iterator[Weakening]:
    """Assertions of fixtures of wider scopes: any test may be the one that runs them, so all results count together."""
    totals = []
    for records in (base, head):
        total = _Record()
        for record in records.values():
            total.unknown |= record.unknown
            for place, (ran, raised) in record.ran.items():
                known = total.ran.get(place, (0, 0))
                total.ran[place] = (known[0] + ran, known[1] + raised)
        totals.append(total)
    before, after = totals
    lives = Counter(site.key for site in sides[1].ran_in(after))
    for site in sides[1].sites:
        if site.kind != "wide" or after.times(site)[1] > 0 or site.path in after.unknown or not after.ran:
            continue
        olds = [one for one in sides[0].of(site.path, site.owner) if one.key == site.key]
        lived = [one for one in olds if before.times(one)[1] > 0]
        if lived and len(lived) > lives[site.key]:
            was = said_times(before.times(lived[0])[0])
            yield Weakening(
                rule=RULE,
                what=f"this assertion of a fixture ran {was} on the base, and did not run here",
                path=site.path,
                line=site.line,
                before=f"{lived[0].text} (ran {was})",
                after=f"{site.text} (ran 0 times)",
            )


def _merged(several: list[tuple[str, Weakening]]) -> Weakening:
    first = several[0][1]
    if len(several) == 1:
        return first
    more = plural(len({test for test, _ in several}) - 1, "more test")
    return Weakening(
        rule=first.rule, what=f"{first.what}; so in {more}", path=first.path, line=first.line, test=first.test, before=first.before, after=first.after,
    )  # fmt: skip
