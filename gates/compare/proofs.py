"""Faults that only the base's version of a test notices: the strongest evidence that something checks less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gates.results import Weakening

RULE = "unnoticed-fault"
FAILS = "as it was on the base, the test fails on the head's code"


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that the base's version of a test notices, and no test of the head; without one, that version fails on the head's code.

    Attributes:
        test: id of the test, without parameters.
        diff: of the fault; empty if there is none.
        place: of the fault, for people.
    """

    test: str
    diff: str = ""
    place: str = ""


def with_proofs(weakenings: Iterable[Weakening], proofs: Sequence[Proof]) -> tuple[Weakening, ...]:
    """The findings, each with what confirms it; a test with a fault and no other finding gets a new one.

    That the base's version fails on the head's code is said, and decides nothing: it does so, too, where behaviour changed on purpose.
    """
    by_test: Mapping[str, Proof] = {proof.test: proof for proof in reversed(proofs) if proof.diff}
    failing = {proof.test for proof in proofs if not proof.diff}
    found = [
        msgspec.structs.replace(
            one,
            mutant=one.mutant or (by_test[one.test].diff if one.test in by_test else ""),
            what=f"{one.what}; {FAILS}" if one.test in failing and FAILS not in one.what else one.what,
        )
        for one in weakenings
    ]
    told = {one.test for one in found}
    return (*found, *(_own(proof) for test, proof in by_test.items() if test not in told))


def _own(proof: Proof) -> Weakening:
    return Weakening(
        rule=RULE,
        what=f"the base's version of this test fails with a fault at {proof.place}; no test of the head does",
        path=proof.test.partition("::")[0],
        test=proof.test,
        mutant=proof.diff,
    )
