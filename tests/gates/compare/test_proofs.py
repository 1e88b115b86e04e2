from __future__ import annotations

from gates.compare.proofs import RULE, Proof, with_proofs
from gates.compare.tests import compare_tests
from gates.compare.weakenings import weakenings_of
from gates.results import Weakening

PROOF = Proof(test="test_a.py::test_it", diff="-a\n+b", place="a.py:3")


def weakening(test: str = PROOF.test, **fields: str) -> Weakening:
    return Weakening(rule="fewer-checks", what="x", test=test, strength="hint", **fields)  # type: ignore[arg-type]


def test_a_hint_becomes_a_finding_that_counts() -> None:
    hint = weakening()
    (found,) = with_proofs([hint], [PROOF])
    assert (hint.counts, found.counts, found.mutant, found.id) == (False, True, PROOF.diff, hint.id)


def test_a_test_without_another_finding_gets_one_of_its_own() -> None:
    other = weakening("test_a.py::test_other")
    first, own = with_proofs([other], [PROOF])
    assert (first, own.rule, own.test, own.path) == (other, RULE, PROOF.test, "test_a.py")
    assert own.counts


def test_a_failure_of_the_base_s_version_is_said_and_decides_nothing() -> None:
    hint = weakening()
    (found,) = with_proofs(with_proofs([hint], [Proof(test=hint.test)]), [Proof(test=hint.test)])
    assert (found.what, found.counts, found.id) == (
        "x; as it was on the base, the test fails on the head's code",
        False,
        hint.id,
    )
    assert with_proofs([], [Proof(test=hint.test)]) == ()  # an honest change of behaviour has no finding


def test_what_is_proven_comes_first() -> None:
    certain = Weakening(rule="broader-exception", what="x", test="test_a.py::test_other")
    assert [one.test for one in weakenings_of(compare_tests((), ()), [certain], proofs=[PROOF])] == [
        PROOF.test,
        certain.test,
    ]
