from __future__ import annotations

import pytest

from gates.compare.inputs import RegressionPolicy, SourceChanges
from gates.compare.runs import compare_runs
from gates.compare.values import Fewer, TestsComparison
from gates.compare.weakenings import accepted_weakenings, noting_unknown, weakenings_of, with_records
from gates.portable.values import TestOutcome
from gates.results import SettingChange, Weakening
from tests.gates.readers.junit.sample import a_run, a_test

CERTAIN = Weakening(
    rule="broader-exception", what="it is broader", path="b.py", line=3, test="b.py::t", before="a", after="b"
)
HINT = Weakening(rule="fewer-checks", what="there are fewer", path="a.py", test="a.py::t", strength="hint")
PROVEN = Weakening(
    rule="fewer-checks", what="there are fewer", path="z.py", test="z.py::t", strength="hint", mutant="-a"
)
NONE = TestsComparison()


def test_the_strongest_evidence_comes_first_and_what_was_accepted_last() -> None:
    accepted = Weakening(rule="constant-truth", what="it is always true", path="a.py", test="a.py::u")
    found = weakenings_of(NONE, (HINT, accepted, CERTAIN, PROVEN), accepted={accepted.id: "why"})
    assert [one.rule for one in found] == ["fewer-checks", "broader-exception", "fewer-checks", "constant-truth"]
    assert [one.accepted for one in found] == ["", "", "", "why"]
    assert [one.counts for one in found] == [True, True, False, False]


def test_a_finding_that_a_mutant_confirms_replaces_the_one_that_it_does_not() -> None:
    same = Weakening(rule="fewer-checks", what="there are fewer", path="z.py", test="z.py::t", strength="hint")
    assert same.id == PROVEN.id
    for found in ((same, PROVEN), (PROVEN, same)):
        assert weakenings_of(NONE, found) == (PROVEN,)


def test_an_id_depends_on_rule_place_and_texts_and_on_nothing_else() -> None:
    ids = {
        CERTAIN.id,
        Weakening(rule="x", what="it is broader", path="b.py", line=3, test="b.py::t", before="a", after="b").id,
        Weakening(rule="broader-exception", what="", path="b.py", line=3, test="b.py::u", before="a", after="b").id,
        Weakening(rule="broader-exception", what="", path="b.py", line=3, test="b.py::t", before="c", after="b").id,
        Weakening(rule="broader-exception", what="", path="b.py", line=3, test="b.py::t", before="a", after="c").id,
    }
    assert len(ids) == 5
    assert (
        Weakening(rule="broader-exception", what="?", path="c", line=9, test="b.py::t", before="a", after="b").id in ids
    )


def test_instances_of_one_function_are_one_finding() -> None:
    (one,) = weakenings_of(TestsComparison(newly_skipped=("test: a.py::t[1]", "test: a.py::t[2]")))
    assert (one.test, one.path, one.what) == (
        "test: a.py::t", "a.py", "it ran on the base, and is skipped now (2 instances)",
    )  # fmt: skip


def test_fewer_parameters_are_shown_with_both_numbers() -> None:
    fewer = Fewer(test="a.py::t", what="parameters", before=3, after=1)
    (one,) = weakenings_of(TestsComparison(fewer=(fewer,)))
    assert (one.rule, one.before, one.after) == ("fewer-parameters", "3 parameters", "1")


@pytest.mark.parametrize(("direction", "weaker"), [("weaker", True), ("stronger", False), ("other", False)])
def test_only_a_setting_that_got_weaker_is_a_finding(direction: str, weaker: bool) -> None:
    change = SettingChange(tool="pytest", key="xfail_strict", path="p", before="true", direction=direction, what="w")  # type: ignore[arg-type]
    assert [one.rule for one in weakenings_of(NONE, settings=(change,))] == (["pytest-setting"] if weaker else [])


@pytest.mark.parametrize(
    ("one", "accepted", "regression"),
    [(CERTAIN, {}, True), (CERTAIN, {CERTAIN.id: "why"}, False), (HINT, {}, False), (PROVEN, {}, True)],
)
def test_a_certain_finding_is_a_regression_unless_it_was_accepted(
    one: Weakening, accepted: dict[str, str], regression: bool
) -> None:
    run, tests = a_run([a_test()]), [a_test()]
    compared = compare_runs(
        run, tests, run, tests,
        policy=RegressionPolicy(accepted_weakenings=accepted),
        sources=SourceChanges(weakenings=(one,)),
    )  # fmt: skip
    assert compared.regression is regression
    assert ("weakened" in compared.findings) is regression


@pytest.mark.parametrize("finding", ["survived", "not-red"])
def test_what_was_not_tried_is_not_known_and_does_not_pass_unnoticed(finding: str) -> None:
    run, tests = a_run([a_test()]), [a_test()]
    compared = compare_runs(run, tests, run, tests, policy=RegressionPolicy(fail_on=(finding,)))
    assert compared.unjudged == (finding,)


def test_a_removed_test_can_be_accepted() -> None:
    run, before = a_run([a_test()]), [a_test("gone"), a_test()]
    first = compare_runs(run, before, run, [a_test()])
    (one,) = first.weakenings
    assert (one.rule, first.regression) == ("removed-test", True)
    policy = RegressionPolicy(accepted_weakenings={one.id: "the feature is gone"})
    assert not compare_runs(run, before, run, [a_test()], policy=policy).regression


def test_an_id_that_nothing_has_is_noted() -> None:
    run = a_run([a_test("t", TestOutcome.PASSED)])
    compared = compare_runs(run, [a_test()], run, [a_test()])
    accepted = accepted_weakenings(["removed-test-000000 = because = of it"])
    assert accepted == {"removed-test-000000": "because = of it"}
    assert "no finding has the id 'removed-test-000000'" in noting_unknown(compared, accepted).notes[-1]


RAN = Weakening(
    rule="did-not-run", what="it ran 3 times on the base", path="b.py", line=3, test="b.py::t", before="a (ran 3 times)", after="a (ran 0 times)",
)  # fmt: skip


def test_a_fault_that_sources_and_runs_show_is_one_finding_with_the_evidence_of_the_runs() -> None:
    hint = Weakening(rule="only-sometimes", what="only if x", path="b.py", line=3, test="b.py::t", strength="hint")
    (found,) = with_records((hint,), (RAN,), ())
    assert (found.rule, found.id, found.strength) == ("only-sometimes", hint.id, "certain")
    assert (found.what, found.before, found.after) == (RAN.what, RAN.before, RAN.after)


def test_what_only_the_runs_show_stands_beside_the_rest() -> None:
    assert with_records((HINT,), (RAN,), ()) == (HINT, RAN)


def test_an_assertion_that_ran_is_not_unreachable() -> None:
    unreachable = Weakening(rule="unreachable", what="it is never run", path="b.py", line=3, test="b.py::t")
    assert with_records((unreachable,), (), {("b.py", 4)}) == (unreachable,)
    assert with_records((unreachable,), (), {("b.py", 3)}) == ()


def test_cases_of_an_assertion_that_did_not_run_at_all_are_not_told_again() -> None:
    cases = Weakening(rule="fewer-cases", what="1 of 2", path="b.py", line=1, test="b.py::t", before="a: 1, 2")
    assert with_records((cases,), (RAN,), ()) == (RAN,)
