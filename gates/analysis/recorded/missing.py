"""Compare the records of both sides: which assertions ran on the base, and are still in the source of the head but check nothing.

Only tests that passed on the head, and whose assertions were recorded on both sides, are compared: an assertion that a
failed test did not reach was not taken away. An assertion whose text changed is not judged here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from gates.analysis.recorded.records import Record, is_comparable, records_of
from gates.analysis.recorded.sites import Site
from gates.analysis.recorded.watch import Watch
from gates.portable.counted_code import LIMIT
from gates.portable.values import plural
from gates.results import TestResult, Weakening

RULE, SWALLOWED, CAUGHT, NOTHING = "did-not-run", "failure-swallowed", "failure-caught", "checks-nothing"
FEWER = "ran-fewer-times"


def missing_checks(
    watches: tuple[Watch, Watch], results: tuple[Iterable[TestResult], Iterable[TestResult]]
) -> tuple[Weakening, ...]:
    """The assertions that ran on the base and check nothing on the head; each once, with the first test that shows it.

    Args:
        watches: what was recorded on base and head.
        results: of both.
    """
    base, head = (records_of(each) for each in results)
    found: dict[tuple[str, int], list[tuple[str, Weakening]]] = defaultdict(list)
    sides = _Side(watches[0]), _Side(watches[1])
    for test in sorted(base.keys() & head.keys()):
        pair = base[test], head[test]
        if is_comparable(*pair):
            for one in _Pair(test, pair, sides).weakenings():
                found[one.path, one.line].append((test, one))
    for one in _wide(base, head, sides):
        found[one.path, one.line].append(("", one))
    return tuple(_merged(several) for several in found.values())


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

    def code(self, path: str, owner: str) -> str:
        """The code of a function; empty if it is not there."""
        file = self.watch.files.get(path)
        return "" if file is None else file.codes.get(owner, "")

    def ran_in(self, record: Record) -> list[Site]:
        """The assertions that passed at least once in a test."""
        return [site for site in self.sites if record.times(site)[1] > 0]


class _Pair:
    """One test on both sides."""

    def __init__(self, test: str, records: tuple[Record, Record], sides: tuple[_Side, _Side]) -> None:
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
        yield from self._fewer_runs()

    def _fewer_runs(self) -> Iterator[Weakening]:
        """Assertions that run fewer times although the test is the same: its cases, which are elsewhere, became fewer."""
        path, _, name = self._test.partition("::")
        code = self._base.code(path, name)
        if not code or code != self._head.code(path, name) or self._before.results != self._after.results:
            return
        for old, new in zip(self._base.of(path, name), self._head.of(path, name), strict=True):
            before, after = self._before.times(old)[1], self._after.times(new)[1]
            if 0 < after < before < LIMIT:
                what = f"this assertion ran {said_times(before)} on the base, and {said_times(after)} here"
                found = _finding(FEWER, what, new, old, self._test, self._was(old), f"ran {said_times(after)}")
                yield msgspec.structs.replace(found, strength="hint")

    def _instead(self, lost: int) -> Iterator[Weakening]:
        """What the text of an assertion does not show: a new one fails and is caught, or none runs any more."""
        own = [
            site
            for site in self._head.sites
            if (site.path, site.owner) in self._own and site.kind == "test" and self._after.knows(site)
        ]
        fallen = [site for site in own if self._after.times(site)[0] and self._after.times(site)[1] <= 0]
        new = [site for site in fallen if site.swallowed and "raises" not in site.swallowed.lower()]
        before = {site.key for site in self._base.sites}
        for site in [one for one in new if one.key not in before][:lost]:
            yield self._weakening(self._lived[0], site)
            return
        if own and not self._lives:
            old = self._lived[0]
            what = f"{plural(len(self._lived), 'assertion')} of this test ran on the base, and none runs here"
            yield _finding(NOTHING, what, own[0], old, self._test, self._was(old), "ran 0 times")

    def _of_key(self, key: str, number: int) -> Iterator[Weakening]:
        """Of assertions that say the same: as many as there are fewer."""
        lived = [site for site in self._lived if site.key == key and not site.swallowed]
        owners = {(site.path, site.owner) for site in lived}
        before = sum(self._before.times(site)[1] <= 0 for site in self._in(self._base, owners, key))
        dead = [
            site
            for site in self._in(self._head, owners, key)
            if self._after.times(site)[1] <= 0 and self._after.knows(site)
        ]
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
        """Whether another assertion took its place, or the test just does not use its helper any more, which its text shows."""
        gained = [one for one in self._lives if one.key not in self._known and not one.swallowed]
        if site.kind != "test" and self._after.times(site)[0] == 0 and self._has_same_code(site):
            # A condition in a helper that is the same decides by what it is given, and perhaps by the time that something takes.
            return bool(gained or site.arms) or self._uses(self._head, site) < self._uses(self._base, site)
        here = dict(site.arms)  # an assertion in another branch of the same statement
        return any(
            (one.path, one.owner) == (site.path, site.owner)
            and any(here.get(place, arm) != arm for place, arm in one.arms)
            for one in gained
        )

    def _has_same_code(self, site: Site) -> bool:
        return self._base.code(site.path, site.owner) == self._head.code(site.path, site.owner)

    def _uses(self, side: _Side, site: Site) -> int:
        """How often the test names the function of an assertion."""
        path, _, name = self._test.partition("::")
        return side.code(path, name).count(f"'{site.owner.rpartition('::')[2]}'")

    def _was(self, site: Site) -> str:
        return f"ran {said_times(self._before.times(site)[0])}"

    def _weakening(self, old: Site, site: Site) -> Weakening:
        ran, passed = self._after.times(site)
        if ran and passed > 0:
            rule, what = CAUGHT, f"if this assertion failed, {site.swallowed} would catch it"
            after = f"inside {site.swallowed}"
        elif ran:
            by = f" by {site.swallowed}" if site.swallowed else ""
            rule, what = SWALLOWED, f"this assertion failed each time that it ran, and the failure was caught{by}"
            after = f"failed {said_times(ran)}, and the test passed"
        else:
            rule, what = RULE, f"this assertion {self._was(old)} on the base, and did not run here"
            after = "ran 0 times"
        return _finding(rule, what, site, old, self._test, self._was(old), after)


def _finding(rule: str, what: str, site: Site, old: Site, test: str, was: str, now: str) -> Weakening:
    """A finding whose id stays the same, however often the assertion runs."""
    plain = Weakening(rule=rule, what=what, path=site.path, line=site.line, test=test, before=old.text, after=site.text)
    return msgspec.structs.replace(plain, before=f"{old.text} ({was})", after=f"{site.text} ({now})")


def said_times(number: int) -> str:
    """How often, for people."""
    if number >= LIMIT:
        return f"at least {plural(LIMIT, 'time')}"
    return "once" if number == 1 else plural(number, "time")


def _wide(base: Mapping[str, Record], head: Mapping[str, Record], sides: tuple[_Side, _Side]) -> Iterator[Weakening]:
    """Assertions of fixtures of wider scopes: any test may be the one that runs them, so all results count together."""
    totals = []
    for records in (base, head):
        total = Record()
        for record in records.values():
            total.unknown |= record.unknown
            for place, (ran, raised) in record.ran.items():
                known = total.ran.get(place, (0, 0))
                total.ran[place] = (known[0] + ran, known[1] + raised)
        totals.append(total)
    before, after = totals
    lives = Counter(site.key for site in sides[1].ran_in(after))
    for site in sides[1].sites:
        if site.kind != "wide" or after.times(site)[1] > 0 or site.path in after.unknown or not after.knows(site):
            continue
        if sides[0].code(site.path, site.owner) == sides[1].code(site.path, site.owner):
            continue  # nothing uses the fixture any more
        olds = [one for one in sides[0].of(site.path, site.owner) if one.key == site.key]
        lived = [one for one in olds if before.times(one)[1] > 0]
        if lived and len(lived) > lives[site.key]:
            was = f"ran {said_times(before.times(lived[0])[0])}"
            what = f"this assertion of a fixture {was} on the base, and did not run here"
            yield _finding(RULE, what, site, lived[0], "", was, "ran 0 times")


def _merged(several: list[tuple[str, Weakening]]) -> Weakening:
    first = several[0][1]
    if len(several) == 1:
        return first
    more = plural(len({test for test, _ in several}) - 1, "more test")
    return msgspec.structs.replace(first, what=f"{first.what}; so in {more}")
