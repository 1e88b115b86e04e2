"""Find for each claim of the base what became of it: still checked, checked less strictly, rewritten, or gone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gates.analysis.checks.claims import CLOSE, EQUAL, CheckedTest, Claim
from gates.analysis.checks.rules import CLAIM_RULES
from gates.analysis.checks.rules.cases_left_out import is_shared
from gates.analysis.checks.rules.frame import Verdict
from gates.analysis.checks.rules.guarded import ENVIRONMENT
from gates.analysis.checks.rules.weaker_comparison import as_strict, rank, rank_of
from gates.analysis.checks.rules.wrapped import wrapper_of
from gates.analysis.checks.supports import calls_of, first_of, less_than, supports

_WHOLE = re.compile(r"^(.+)\[each\(\1\)\]$")

TELLING = 8
"""Minimum number of characters of a text that says where it came from."""

ANEW = 2
"""Minimum number of checks with another text for a test that was written anew."""


@dataclass(frozen=True)
class Fate:
    """What became of a claim.

    Attributes:
        claim: of the base.
        rule: that speaks; empty if it is simply gone.
        verdict: of that rule; None if it is gone.
        after: the claim of the head, if there is one.
        replaced: another check came in its place, and it is unknown whether that is as strict.
    """

    claim: Claim
    rule: str = ""
    verdict: Verdict | None = None
    after: Claim | None = None
    replaced: bool = False


def weaker(before: Claim, after: Claim) -> tuple[str, Verdict] | None:
    """The first rule that finds the second claim weaker than the first."""
    for rule in CLAIM_RULES:
        verdict = rule.judge(before, after)
        if verdict is not None:
            return rule.name, verdict
    return None


@dataclass
class Pool:
    """The claims of the head outside the test that is looked at: where a check may have moved to.

    What another test of the base said already did not come from anywhere. It covers a second check only if both are the same.
    """

    keys: dict[tuple[str, str, str], list[Claim]] = field(default_factory=lambda: defaultdict(list))
    known: dict[tuple[str, str, str], list[Claim]] = field(default_factory=lambda: defaultdict(list))
    told: dict[tuple[str, str, str], list[Claim]] = field(default_factory=lambda: defaultdict(list))
    subjects: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    fresh: dict[tuple[str, str], list[Claim]] = field(default_factory=lambda: defaultdict(list))

    def add(self, test: CheckedTest, before: CheckedTest | None) -> None:
        """Add a test.

        Args:
            test: of the head.
            before: the same test of the base; None if it is new.
        """
        known = {claim.key for claim in before.claims} if before is not None else set()
        for claim in test.claims:
            if claim.counts:
                key = claim.kind, claim.subject, claim.expected
                (self.known if claim.key in known else self.keys)[key].append(claim)
                self.subjects[claim.subject].append(claim)
                if before is None:
                    self.fresh[claim.kind, claim.subject].append(claim)
                if claim.key not in known:
                    self.told[claim.kind, claim.told, claim.expected].append(claim)

    def has(self, claim: Claim) -> bool:
        """Whether another test checks the same."""
        key = claim.kind, claim.subject, claim.expected
        if any(weaker(claim, one) is None for one in self.keys.get(key, ())):
            return True
        if any(_as_known(claim, one) for one in self.known.get(key, ())):
            return True
        # A call cannot raise and give something: what it is expected to do has changed.
        others = (one for one in self.subjects.get(claim.subject, ()) if one.state == claim.state)
        if any((one.kind == "raises") != (claim.kind == "raises") and rank(one) >= rank_of("close") for one in others):
            return True
        # A case that a new test looks at, with what is expected written in another way.
        moved = self.fresh.get((claim.kind, claim.subject), ()) if "(" in claim.subject else ()
        if any(rank(one) >= rank(claim) and weaker(claim, one) is None for one in moved):
            return True
        if not _telling(claim):
            return False
        alike = self.told.get((claim.kind, claim.told, claim.expected), [])
        return any(weaker(claim, one) is None for one in alike)


def _as_known(claim: Claim, one: Claim) -> bool:
    """Whether another check of the base says the same, so that one of both is enough."""
    return one.state == claim.state and one.match == claim.match and weaker(claim, one) is None


def _telling(claim: Claim) -> bool:
    """Whether the text of a claim alone says what it is about."""
    return bool(re.search(r"\w", claim.told.replace("_", " "))) and claim.expected not in {
        "",
        "None",
        "True",
        "False",
        "0",
        "1",
    }


class Matching:
    """One test of the base against what became of it."""

    def __init__(
        self,
        before: Sequence[Claim],
        after: Sequence[Claim],
        pool: Callable[[], Pool],
        gone: Callable[[Claim], str] = lambda _: "",
        *,
        anew: bool = True,
        known: Iterable[Claim] = (),
    ) -> None:
        """Match the claims of a test.

        Args:
            before: of the base.
            after: of what became of the test.
            pool: the claims of other tests.
            gone: what a claim is about and the code no longer has; such a claim needs no counterpart.
            anew: a check of the same kind of something else of the same subject may take the place of one.
            known: what the test of the head checked on the base, if it is another one.
        """
        # What the base said already is not what became of another check.
        self._known = {claim.key for claim in (*before, *known)}
        self._anew = anew
        self._pool, self._gone = pool, gone
        self._before = list(
            {claim.key + claim.guards + claim.exceptions: claim for claim in before if claim.counts}.values()
        )
        self._all = before
        hollow = {(claim.flaw, claim.subject, claim.expected) for claim in before if claim.flaw}
        texts = {(claim.flaw, claim.text) for claim in before if claim.flaw}
        after = [
            one
            for one in after
            if not one.flaw
            or ((one.flaw, one.subject, one.expected) not in hollow and (one.flaw, one.text) not in texts)
        ]
        self._after = list(after)
        self.open = False
        self._used: dict[int, int] = {}
        self._by_subject: dict[str, list[int]] = defaultdict(list)
        self._by_told: dict[str, list[int]] = defaultdict(list)
        for at, claim in enumerate(self._after):
            self._by_subject[claim.subject].append(at)
            self._by_told[claim.told].append(at)

    def fates(self) -> list[Fate]:
        """Those of the claims that are not covered."""
        left, exact = self._before, 0
        for covers in (self._same, self._stricter, self._otherwise, self._whole, self._written_alike, self._elsewhere):
            before = len(left)
            if covers == self._otherwise:
                left.sort(key=lambda claim: bool(self._gone(claim)))  # these leave their counterparts to others
            left = [claim for claim in left if not covers(claim)]
            exact += before - len(left) if covers != self._written_alike else 0
        found: list[Fate] = []
        rest: list[Fate] = []
        for claim in left:
            if self._anew and self._rewritten(claim):
                continue
            fate = self._weakened(claim)
            if fate is None:
                rest.append(Fate(claim))
            else:
                found.append(fate)
        spare = [at for at, one in enumerate(self._after) if one.counts and not self._used.get(at)]
        # Of a test that was written anew, the source cannot tell which check became which.
        other = len(self._before) - exact - len(rest) - len(found)
        other += min(len(rest), sum(any(as_strict(fate.claim, self._after[at]) for fate in rest) for at in spare))
        anew = other >= ANEW and other > exact
        for fate in sorted(rest, key=lambda fate: -rank(fate.claim)):
            if fate.claim.kind != "runs":
                place = next((at for at in spare if as_strict(fate.claim, self._after[at])), None)
                found.append(self._instead(fate, anew or place is not None))
                if place is not None:
                    spare.remove(place)
        return found

    def _room(self, at: int) -> int:
        return self._after[at].size if self._after[at].literal else 1

    def _take(self, at: int) -> bool:
        self._used[at] = self._used.get(at, 0) + 1
        return True

    def _same(self, claim: Claim) -> bool:
        """The same check of the same subject."""
        for exact in (True, False):
            for at in self._by_subject[claim.subject]:
                after = self._after[at]
                same = after.kind == claim.kind and after.expected == claim.expected
                if same and (after.state == claim.state or not exact) and weaker(claim, after) is None:
                    return self._take(at)
        return False

    def _stricter(self, claim: Claim) -> bool:
        """Another check of the same subject at the same time says more."""
        alone = self._only_item(claim)
        return any(
            after.counts
            and after.state == claim.state
            and (rank(after) > rank(claim) or (rank(after) == rank(claim) and after.loss < claim.loss))
            and weaker(claim, after) is None
            for after in (self._after[at] for at in (*self._by_subject[claim.subject], *self._by_subject[alone]))
        )

    def _only_item(self, claim: Claim) -> str:
        """The item that a claim about each item is about, where the head takes exactly one from the same value."""
        inner = claim.subject.removeprefix("each(").removesuffix(")")
        one = claim.subject == f"each({inner})" and ("unpacked", "1") in {
            (self._after[at].kind, self._after[at].expected) for at in self._by_subject[inner]
        }
        return f"{inner}[0]" if one else ""

    def _otherwise(self, claim: Claim) -> bool:
        """The same subject, with another expectation, that no other claim needs."""
        for exact in (True, False):
            for at in self._by_subject[claim.subject]:
                after = self._after[at]
                if self._used.get(at) or not after.counts or (after.state != claim.state and exact):
                    continue
                if as_strict(claim, after) and weaker(claim, after) is None:
                    return self._take(at)
        return False

    def _whole(self, claim: Claim) -> bool:
        """A comparison of the whole that the subject is a part of."""
        for at, after in enumerate(self._after):
            if after.kind == "raises" and after.match and _of_its_text(claim.subject, after.subject) and after.counts:
                new = all(one.match is None for one in self._all if one.subject == after.subject)
                if new and after.match.strip("^$.*"):
                    return self._take(at)
            if supports(claim, after) or (after.key not in self._known and _raised_instead(claim, after)):
                return self._take(at)
            if (
                not after.counts
                or after.level < CLOSE
                or after.loss - claim.loss
                or after.kind not in {"equal", "close", "call"}
                or is_shared(after.subject)
            ):
                continue
            inner = _WHOLE.sub(r"\1", after.subject)  # each item of the same value
            part = claim.subject.startswith((f"{inner}.", f"{inner}[", f"each({inner})")) and len(inner) > 1
            around = inner != claim.subject and _given_to(claim.subject, inner) and not wrapper_of(claim, after)
            if (part or (around and after.key not in self._known)) and not set(after.guards) - set(claim.guards):
                return self._take(at)
        return False

    def _written_alike(self, claim: Claim) -> bool:
        """The same text, about a variable that now comes from somewhere else."""
        for expected in (True, False):
            for at in self._by_told[claim.told]:
                after = self._after[at]
                cases = "each(" in after.subject or "each(" in after.expected
                if not after.counts or (not cases and (self._used.get(at) or after.key in self._known)):
                    continue
                if expected and after.expected != claim.expected and not cases:
                    continue
                alike = (after.kind == claim.kind or as_strict(claim, after)) and not first_of(claim, after)
                if alike and weaker(claim, after) is None and (expected or calls_of(claim) & calls_of(after)):
                    self.open = self.open or cases
                    return self._take(at)
        return False

    def _elsewhere(self, claim: Claim) -> bool:
        return self._pool().has(claim)

    def _rewritten(self, claim: Claim) -> bool:
        """A new check, as strict, of something that belongs to the same subject."""
        for at, after in enumerate(self._after):
            room = 1000 if not after.literal and after.level == EQUAL else self._room(at)
            if (
                not after.counts
                or after.key in self._known
                or self._used.get(at, 0) >= room
                or (at in self._used and room == 1000 and after.size == 1)
            ):
                continue
            if not as_strict(claim, after) or after.subject == claim.subject or weaker(claim, after) is not None:
                continue
            if "each(" in claim.subject and "each(" not in after.subject and rank(after) < rank_of("equal"):
                continue
            if first_of(claim, after) and claim.kind != "either":
                continue
            if claim.subject in after.subject and self._parts(claim):
                continue
            if _related(claim, after):
                return self._take(at)
        return False

    def _parts(self, claim: Claim) -> list[int]:
        """The checks of parts of what was compared as a whole, if they are fewer than its parts."""
        if not (claim.literal and claim.kind == "equal" and claim.size > 1):
            return []
        found = [
            at for at, one in enumerate(self._after) if one.counts and claim.subject in one.subject != claim.subject
        ]
        enough = any(not self._after[at].literal for at in found) or sum(map(self._room, found)) >= claim.size
        return [] if enough else found

    def _weakened(self, claim: Claim) -> Fate | None:
        """A check of the same subject that a rule finds weaker."""
        bare = claim.subject.rpartition("(")[0] if claim.kind == "true" else ""
        near = [*self._by_subject[claim.subject], *self._by_told[claim.told], *(self._by_subject[bare] if bare else ())]
        near += [at for other in less_than(claim.subject) for at in self._by_subject[other]]
        near += [at for at, one in enumerate(self._after) if wrapper_of(claim, one)]
        single = claim.kind == "either" or bool(self._only_item(claim))
        for at, after in enumerate(self._after):
            if after.counts and not self._used.get(at) and first_of(claim, after) and not single:
                self._take(at)
                return Fate(claim, "only-the-first", Verdict("only one item is checked, where each was"), after)
        for at in near:
            after = self._after[at]
            if self._used.get(at):
                continue
            verdict = weaker(claim, after)
            if verdict is not None and (
                after.subject in {claim.subject, bare, *less_than(claim.subject)}
                or wrapper_of(claim, after)
                or calls_of(claim) & calls_of(after)
                or not calls_of(claim)
            ):
                self._take(at)
                return Fate(claim, *verdict, after)
        for at in self._parts(claim):
            said = Verdict("only a part of the value is checked, where all of it was")
            return Fate(claim, "only-a-part", said, self._after[at])
        return None

    def _instead(self, fate: Fate, spare: bool) -> Fate:
        for at, after in enumerate(self._after):
            if after.flaw and not self._used.get(at):
                verdict = weaker(fate.claim, after)
                near = (
                    after.flaw in {"constant", "mocked"}
                    or bool(calls_of(fate.claim) & calls_of(after))
                    or after.told == fate.claim.told
                )
                if verdict is not None and near:
                    self._take(at)
                    return Fate(fate.claim, *verdict, after)
        return Fate(fate.claim, replaced=spare or self._minor(fate.claim))

    def _minor(self, claim: Claim) -> bool:
        """A check that says little, beside one of the same result that says more; or one for some environments only."""
        if any(ENVIRONMENT.search(guard) for guard in claim.guards):
            return True
        if claim.expected.startswith("not in"):
            return any(one.counts and one.root == claim.root for one in self._after)
        return rank(claim) <= rank_of("true") and any(
            one.counts and one.root == claim.root and rank(one) > rank_of("true") and one.state == claim.state
            for one in self._after
        )


_NARROW = tuple(
    f"{name}(" for name in ("len", "type", "bool", "isinstance", "hash", "id", "next", "min", "max", "sum", "any")
)
"""What makes less of a value than the whole."""


_TEXTS = frozenset({"value", "exception", "args", "message", "msg", "type"})
"""Attributes on the way from a raised error to its text, and its type, which the expectation names."""


def _of_its_text(subject: str, raising: str) -> bool:
    """Whether a subject is about the text of what is raised: no pattern says anything about `error.code`."""
    _, found, rest = subject.partition(f"raised({raising})")
    return bool(found) and set(re.findall(r"\.(\w+)(?!\w*\()", rest)) <= _TEXTS


def _raised_instead(claim: Claim, raising: Claim) -> bool:
    """Whether an error that is new has the text that was shown before."""
    if raising.kind != "raises" or raising.match is None or not claim.literal or claim.expected[:1] not in "\"'":
        return False
    text = claim.expected[1:-1].removesuffix("\\n").strip()
    return len(text) >= TELLING and text in raising.match.replace("\\", "")


def _given_to(subject: str, whole: str) -> bool:
    """Whether `whole` is made from what `subject` is about, as `vars(x)` and `[y.name for y in x]` are from `x`."""
    root = subject
    while len(root) > 2:
        at = whole.find(root)
        if at > 0 and whole[at - 1] in "( " and whole[at + len(root) : at + len(root) + 1] in {")", "]", ",", " "}:
            return not whole.startswith(_NARROW)
        cut = max(root.rfind("."), root.rfind("["))
        if cut <= 0 or root.count("(", cut):
            return False
        root = root[:cut]
    return False


def _related(claim: Claim, other: Claim) -> bool:
    if claim.root and (claim.root == other.root or claim.root in other.subject):
        return True
    if len(other.root) > 1 and other.root in claim.subject:
        return True
    return bool(calls_of(claim) & calls_of(other))


def claims_of(tests: Iterable[CheckedTest]) -> list[Claim]:
    """The claims of several tests."""
    return [claim for test in tests for claim in test.claims]
