"""What checks less on the head: findings of every kind in one list, the strongest evidence first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from gates.compare.proofs import Proof, with_proofs
from gates.compare.values import Comparison, TestsComparison
from gates.portable.values import plural
from gates.results import SettingChange, Weakening

OF_OUTCOMES = {
    "removed": "the head does not have this test",
    "newly_skipped": "it ran on the base, and is skipped now",
    "newly_xfailed": "it is expected to fail now",
    "newly_xpassed": "it passes, but is allowed to fail now",
}
"""Field of the test comparison → what became weaker."""


def rule_of(field: str) -> str:
    """The name of the rule behind a field of the test comparison: `newly-skipped`, `removed-test`."""
    return "removed-test" if field == "removed" else field.replace("_", "-")


def weakenings_of(
    tests: TestsComparison,
    found: Iterable[Weakening] = (),
    settings: Sequence[SettingChange] = (),
    accepted: Mapping[str, str] | None = None,
    proofs: Sequence[Proof] = (),
) -> tuple[Weakening, ...]:
    """All findings, each once: confirmed by a mutant, then certain ones, then hints; accepted ones last.

    Args:
        tests: what became of each test.
        found: what tests check less.
        settings: changed settings; those that got weaker become findings.
        accepted: id of a finding → why it is accepted.
        proofs: faults that only the base's versions of tests notice.
    """
    weaker = [change.weakening for change in settings if change.direction == "weaker"]
    told = (*_of_outcomes(tests), *_of_parameters(tests), *found, *weaker)
    told = with_proofs(told, proofs)
    each = {one.id: one for one in sorted(told, key=lambda one: bool(one.mutant))}
    reasons = accepted or {}
    said = [
        msgspec.structs.replace(one, accepted=reasons[one.id]) if one.id in reasons else one for one in each.values()
    ]
    return tuple(sorted(said, key=_rank))


def with_records(
    read: Sequence[Weakening], recorded: Sequence[Weakening], ran: Collection[tuple[str, int]]
) -> tuple[Weakening, ...]:
    """Findings of the sources and of what ran, one for each fault: the rule is the one of the sources, the evidence that of the runs.

    Args:
        read: from the sources of both sides.
        recorded: from the assertions that ran.
        ran: file and line of assertions that ran and passed on the head.
    """
    seen = {(one.path, one.line): one for one in recorded}
    known = {(one.path, one.line) for one in read}
    told = []
    for one in read:
        place = one.path, one.line
        record = seen.get(place)
        if record is not None:
            told.append(
                msgspec.structs.replace(
                    one, before=record.before, after=record.after, what=record.what, strength="certain"
                )
            )
        elif not (one.rule == "unreachable" and place in ran) and not _is_part(one, recorded):
            told.append(one)
    return (*told, *(one for place, one in seen.items() if place not in known))


def _is_part(one: Weakening, recorded: Iterable[Weakening]) -> bool:
    """Whether a finding is about some cases of an assertion that did not run in any."""
    texts = [other.before.rpartition(" (")[0] for other in recorded if other.test == one.test]
    return not one.after and any(one.before.startswith(f"{text}: ") for text in texts)


def accepted_weakenings(entries: Iterable[str]) -> dict[str, str]:
    """What `ID=REASON` entries say: id of a finding → why it is accepted."""
    return {name.strip(): reason.strip() for name, _, reason in (entry.partition("=") for entry in entries)}


def noting_unknown(comparison: Comparison, accepted: Iterable[str]) -> Comparison:
    """With a note on each id that was accepted, and that no finding has."""
    known = [one.id for one in comparison.weakenings]
    notes = [f"no finding has the id {name!r}, so nothing was accepted by it" for name in accepted if name not in known]
    return msgspec.structs.replace(comparison, notes=(*comparison.notes, *notes)) if notes else comparison


def _rank(one: Weakening) -> tuple[bool, bool, bool, str, int]:
    return bool(one.accepted), not one.mutant, one.strength != "certain", one.path, one.line


def _of_outcomes(tests: TestsComparison) -> Iterator[Weakening]:
    """One for each function, however many of its instances it is about."""
    for field, what in OF_OUTCOMES.items():
        for function, number in Counter(test.partition("[")[0] for test in getattr(tests, field)).items():
            many = f" ({plural(number, 'instance')})" if number > 1 else ""
            yield Weakening(rule=rule_of(field), what=f"{what}{many}", path=_path(function), test=function)


def _of_parameters(tests: TestsComparison) -> Iterator[Weakening]:
    for fewer in tests.fewer:
        yield Weakening(
            rule=f"fewer-{fewer.what}",
            what=f"it has fewer {fewer.what}",
            path=_path(fewer.test),
            test=fewer.test,
            before=plural(fewer.before, fewer.what.removesuffix("s")),
            after=str(fewer.after),
        )


def _path(test: str) -> str:
    """The file of a test, whose id may begin with its gate."""
    return test.partition("::")[0].rpartition(": ")[2]
