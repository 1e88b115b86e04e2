"""What the tests of the head check less than those of the base, as far as their sources show it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gates.analysis.checks.anew import Newcomer, Newcomers, key, new_checks
from gates.analysis.checks.answers import answers_written_out
from gates.analysis.checks.asking import code_that_asks
from gates.analysis.checks.autouse import replaced_for_all
from gates.analysis.checks.both_sides import BothSides
from gates.analysis.checks.claims import CheckedTest, Claim
from gates.analysis.checks.data_rows import rows_removed
from gates.analysis.checks.equality import weaker_equality
from gates.analysis.checks.excuses import Excuses
from gates.analysis.checks.hooks import hooks_that_hide
from gates.analysis.checks.match import Fate, Matching
from gates.analysis.checks.parts_replaced import parts_replaced
from gates.analysis.checks.profiles import weaker_profiles
from gates.analysis.checks.reading import Side, digest_of, is_test_code
from gates.analysis.checks.rules import TEST_RULES
from gates.analysis.checks.snapshots import updated_snapshots
from gates.analysis.checks.together import Place, told_once
from gates.portable.values import plural
from gates.results.weakening import Strength, Weakening


@dataclass(frozen=True)
class WeakerChecks:
    """What was found.

    Attributes:
        weakenings: what is still there and checks less, and checks that are gone from tests that are still there.
        removed: tests that are gone, with something that nothing else checks: test of the base → what that is.
        excused: tests that are gone, or have fewer parameters, although nothing is checked less: test → why.
    """

    weakenings: tuple[Weakening, ...] = ()
    removed: Mapping[str, str] = field(default_factory=dict)
    excused: Mapping[str, str] = field(default_factory=dict)

    @property
    def fires(self) -> bool:
        """Whether something is certain."""
        return bool(self.removed) or any(one.strength == "certain" for one in self.weakenings)


def weaker_checks(
    base: Mapping[str, str], head: Mapping[str, str], changed: Collection[str] | None = None
) -> WeakerChecks:
    """Compare what tests check.

    Args:
        base: path → text of the files of the base; may be read on demand.
        head: the same, for the head.
        changed: paths of the files that differ; None to find them.
    """
    if changed is None:
        changed = [path for path in {**base, **head} if base.get(path) != head.get(path)]
    comparing = _Comparing(before := Side(base), Side(head, before), sorted(changed))
    return comparing.result()


class _Comparing(BothSides):
    def __init__(self, base: Side, head: Side, changed: list[str]) -> None:
        super().__init__(base, head, changed)
        self._excuses = Excuses(self._production, base)
        self._newcomers: Newcomers | None = None
        self._weakenings: list[Weakening] = []
        self._of_helpers: list[tuple[Place, Weakening]] = []
        self._removed: dict[str, str] = {}
        self._excused: dict[str, str] = {}

    def result(self) -> WeakerChecks:
        """Compare test by test, then look at those that are gone."""
        for name, found in self._was.items():
            now = self._is.get(name)
            if now is not None and not self._equal(found, now):
                self._compare(self._test(False, found), self._test(True, now))
        for name, found in self._was.items():
            if name not in self._is:
                self._gone(self._test(False, found))
        self._weakenings += told_once(self._of_helpers)
        self._weakenings += code_that_asks(self._changed, self._base, self._head)
        self._weakenings += hooks_that_hide(self._changed, self._base, self._head)
        helping = [path for path in self._changed if path.endswith(".py") and is_test_code(path)]
        self._weakenings += replaced_for_all(helping, self._base, self._head)
        self._weakenings += updated_snapshots(self._changed, self._base.texts, self._head.texts)
        self._weakenings += weaker_equality(self._changed, self._base, self._head)
        self._weakenings += weaker_profiles(self._changed, self._base, self._head)
        self._weakenings += answers_written_out(self._changed, self._base, self._head, self._claims_in)
        self._weakenings += rows_removed(self._changed, self._base, self._head, self._claims_in)
        return WeakerChecks(tuple(self._weakenings), self._removed, self._excused)

    def _compare(self, before: CheckedTest, after: CheckedTest) -> None:
        """Note what became weaker from one test to the other."""
        found = [*self._of_test(before, after)]
        found += parts_replaced(before, after, self._is[after.id][1], self._head)
        matching = Matching(before.claims, after.claims, self._everything, self._production.is_gone)
        found += self._of_claims(matching.fates(), before, after)
        self._weakenings += found
        helped = [one for _, one in self._of_helpers if one.test == after.id]
        if not matching.open and not any(one.strength == "certain" for one in (*found, *helped)):
            self._excused[after.id] = "what it checked is still checked"

    def _of_test(self, before: CheckedTest, after: CheckedTest) -> Iterator[Weakening]:
        for rule in TEST_RULES:
            for verdict in rule.judge(before, after):
                yield Weakening(
                    rule=rule.name, what=verdict.what, path=after.path, line=verdict.line or after.line, test=after.id,
                    before=verdict.before, after=verdict.after, strength=verdict.strength,
                )  # fmt: skip

    def _of_claims(self, fates: list[Fate], before: CheckedTest, after: CheckedTest) -> Iterator[Weakening]:
        """One finding for each statement of the base, however many cases it had; those about helpers are kept aside."""
        for claim, found in self._about_statements(fates, before, after):
            helper = self._helper(claim, before)
            if helper is None:
                yield found
            else:
                self._of_helpers.append((helper, found))

    def _helper(self, claim: Claim, before: CheckedTest) -> Place | None:
        """Where a claim stands, if that is not in its test but in what the test uses."""
        found = self._was.get(before.id)
        own = found[0].node if found is not None else None
        if own is None or (claim.path == before.path and own.lineno <= claim.line <= (own.end_lineno or own.lineno)):
            return None
        return claim.path, claim.line

    def _about_statements(
        self, fates: list[Fate], before: CheckedTest, after: CheckedTest
    ) -> Iterator[tuple[Claim, Weakening]]:
        total = Counter(claim.line for claim in before.claims if claim.counts)
        told = {claim.text for claim in before.claims}  # what the base said already is not what became of another check
        by_line: dict[tuple[int, str], list[Fate]] = {}
        rewritten = {fate.claim.line for fate in fates if self._production.is_gone(fate.claim)}
        for fate in fates:
            # What is still checked, and less strictly, has not lost its subject; what was expected of it may have changed.
            if fate.after is not None or not self._production.is_gone(fate.claim):
                # Another part of the same statement may have lost its subject.
                one = replace(fate, replaced=True) if fate.claim.line in rewritten and fate.verdict is None else fate
                by_line.setdefault((fate.claim.line, fate.rule), []).append(one)
        for (line, rule), each in by_line.items():
            first = each[0]
            if rule and first.verdict is not None and first.after is not None:
                other = first.after.text in told - {first.claim.text}
                yield first.claim, Weakening(
                    rule=rule, what=first.verdict.what, path=first.after.path, line=first.after.line, test=after.id,
                    before=first.verdict.before or first.claim.text, after=first.verdict.after or first.after.text,
                    strength="hint" if other or self._expects_another(first) else first.verdict.strength,
                )  # fmt: skip
            else:
                yield (
                    first.claim,
                    self._lost(
                        each,
                        total[line],
                        before,
                        after,
                        other=after.cases != before.cases
                        and len(after.cases) >= len(before.cases)
                        and _cases_of(first.claim, after) >= _cases_of(first.claim, before),
                    ),
                )

    def _expects_another(self, fate: Fate) -> bool:
        """Whether the code changed, and something else is expected of it now."""
        was, now = (set(re.findall(r"\w+", one.expected)) if one else set() for one in (fate.claim, fate.after))
        return bool(now - was and was - now) and bool(self._production.is_gone(fate.claim))

    def _lost(self, each: list[Fate], total: int, before: CheckedTest, after: CheckedTest, *, other: bool) -> Weakening:
        claim = each[0].claim
        strength: Strength = (
            "hint" if all(fate.replaced or self._explained(fate.claim, before, after) for fate in each) else "certain"
        )
        if 0 < len(each) < total:
            if other:
                strength = "hint"  # as many cases as before, some of them with other values
            cases = ", ".join(_short(fate.claim) for fate in each[:3])
            return Weakening(
                rule="fewer-cases", what=f"{len(each)} of {plural(total, 'case')} are no longer checked", path=after.path, line=after.line,
                test=after.id, before=f"{claim.text}: {cases}", strength=strength,
            )  # fmt: skip
        what = (
            "another check took the place of this one"
            if strength == "hint"
            else "the check is gone, and nothing else checks this"
        )
        return Weakening(
            rule="check-removed", what=what, path=after.path, line=after.line, test=after.id, before=claim.text, strength=strength
        )  # fmt: skip

    def _explained(self, claim: Claim, before: CheckedTest, after: CheckedTest) -> bool:
        """Whether a change of the code explains why a check is gone: another call of a changed function is checked now."""
        if self._excuses.accepted_now(claim, before.claims, after.claims):
            return True
        changed = self._production.other_signatures
        names = {name for name in changed if f"{name}(" in claim.subject}
        if not names:
            return False
        return any(one.counts and any(f"{name}(" in one.subject for name in names) for one in after.claims)

    def _gone(self, before: CheckedTest) -> None:
        """Judge a test that the head does not have."""
        heir = self._heir(before)
        claims = heir.claims if heir is not None else ()
        same = heir is not None and heir.id.rpartition("::")[2] == before.id.rpartition("::")[2]
        was = self._was.get(heir.id) if heir is not None else None
        known = () if was is None else self._test(False, was).claims
        gone = self._production.is_gone
        fates = Matching(before.claims, claims, self._everything, gone, anew=same, known=known).fates()
        reasons = [self._excuses.of_claim(fate.claim, before, claims) for fate in fates]
        left = [fate for fate, reason in zip(fates, reasons, strict=True) if not reason]
        counting = [claim for claim in before.claims if claim.counts]
        about_all = self._excuses.of_test(before)
        if about_all:
            self._excused[before.id] = about_all
        elif not counting:
            self._without_checks(before, heir)
        elif not left:
            covered = f"checked by {heir.id}" if heir is not None else "checked by other tests"
            self._excused[before.id] = next(iter(reasons), covered)
        elif self._uses_what_is_gone(before, left):
            pass
        elif heir is not None and 2 * len(fates) <= len(counting):
            self._weakenings += self._of_claims(fates, before, heir)
            self._weakenings += self._of_test(before, heir)
            self._removed_unless_hints(before, left)
        elif any(fate.verdict is not None for fate in left) or not self._checked_anew(before, len(left)):
            self._removed[before.id] = left[0].claim.text

    def _uses_what_is_gone(self, before: CheckedTest, left: Sequence[Fate]) -> bool:
        """Whether a test that is gone could not stay as it is, and nothing checks the same less strictly."""
        lost = [fate.claim for fate in left if fate.verdict is None]
        why = self._excuses.of_names(self._code(before), before, lost) if len(lost) == len(left) else ""
        return self._as_hint(before, why)

    def _checked_anew(self, before: CheckedTest, lost: int) -> bool:
        """Whether the code of a test that is gone changed, and new tests check it."""
        other = self._new_tests().for_test(self._names(before), lost)
        return self._as_hint(before, f"its code changed, and new checks are about it: {other}" if other else "")

    def _as_hint(self, before: CheckedTest, why: str) -> bool:
        """Make a test that is gone a hint, if there is a reason."""
        if why:
            self._excused[before.id] = why
            self._weakenings.append(
                Weakening(rule="removed-test", what=why, path=before.path, test=before.id, strength="hint")
            )
        return bool(why)

    def _new_tests(self) -> Newcomers:
        if self._newcomers is None:
            was = {name: self._test(False, found) for name, found in self._was.items() if self._differs(name)}
            known = {key(claim) for test in was.values() for claim in test.claims}
            self._newcomers = Newcomers(
                (
                    Newcomer(
                        name, digest_of(found[0].node)[1], new_checks(self._test(True, found), was.get(name), known)
                    )
                    for name, found in self._is.items()
                    if self._differs(name)
                ),
                self._production.other_code,
            )
        return self._newcomers

    def _removed_unless_hints(self, before: CheckedTest, left: list[Fate]) -> None:
        certain = [
            fate for fate in left if not fate.replaced and (fate.verdict is None or fate.verdict.strength == "certain")
        ]
        if certain:
            self._removed[before.id] = certain[0].claim.text
        else:
            self._excused[before.id] = "what it checked is checked elsewhere, perhaps in another way"

    def _without_checks(self, before: CheckedTest, heir: CheckedTest | None) -> None:
        gone = self._production.gone_of(before.words)
        if heir is not None:
            self._excused[before.id] = f"it had no checks of its own, and {heir.id} runs the same"
        elif gone:
            self._excused[before.id] = f"its subject is gone: {gone}"
        elif not self._uses_what_is_gone(before, ()) and not self._checked_anew(before, 1):
            self._removed[before.id] = "that it runs without an error"


def _cases_of(claim: Claim, test: CheckedTest) -> int:
    """For how many cases a test checks what a claim is about, as far as it is written in the same way."""
    return len({one.subject for one in test.claims if one.counts and one.told == claim.told})


def _short(claim: Claim) -> str:
    text = f"{claim.subject} {claim.expected}".strip()
    return text if len(text) <= 60 else f"{text[:57]}…"
