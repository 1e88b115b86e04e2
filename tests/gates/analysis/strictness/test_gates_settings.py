"""Settings of gates that decide what a green means."""

from __future__ import annotations

import pytest

from gates.analysis.strictness import gates_rules, setting_changes
from gates.config import tables
from gates.config.test_settings import GROUP, SCRIPT, SETTINGS
from gates.portable.exclusions import FIELDS
from tests.gates.analysis.strictness.changed import changes, mirrored, said

CONFIG = "gates.toml"


@pytest.mark.parametrize(
    ("rules", "declared"),
    [
        (gates_rules.TOP, tables.TOP),
        (gates_rules.GATE, tables.GATE),
        (gates_rules.PROFILE, tables.PROFILE),
        (gates_rules.JUNIT, tables.JUNIT),
        (gates_rules.TESTS, SETTINGS),
        (gates_rules.GROUP, GROUP),
        (gates_rules.SCRIPT, SCRIPT),
        (gates_rules.ENTRY, dict.fromkeys(FIELDS)),
    ],
    ids=["top", "gate", "profile", "junit", "tests", "group", "script", "entry"],
)
def test_every_declared_setting_has_a_rule_that_says_what_it_means_for_a_green(
    rules: dict[str, object], declared: dict[str, object]
) -> None:
    assert rules.keys() == declared.keys(), "say in gates_rules whether a change of it makes a green mean less"


ENTRY = """
    [exclusions.later]
    filter = "{filter}"
    expires = {expires}
    """


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ("", 'no-tests = "pass"', ("weaker", "no-tests")),
        ('no-tests = "warn"', "", ("stronger", "no-tests")),
        ("", "[tests]\nretries = 5", ("weaker", "retries")),
        ("[tests]\nretries = 1", "[tests]\nretries = { count = 1, on = ['failed', 'timeout', 'error'] }", ("weaker", "retries")),
        ("[tests]\nretries = 5", "[tests]\nretries = { count = 2, delay = '1s' }", ("stronger", "retries")),
        ('[tests]\nflaky-result = "fail"', "", ("weaker", "flaky-result")),
        ("", '[tests]\nleak = "fail"', ("stronger", "leak")),
        ("", '[[tests.overrides]]\nfilter = "test(a)"\nretries = 3', ("weaker", "tests test(a): retries")),
        ("", 'timeout = "2h"', ("other", "timeout")),
        ("", "[tests]\nslow-timeout = { period = '5s', terminate-after = 2 }", ("other", "slow-timeout")),
        ("", 'accept-could-not-run = ["types"]', ("weaker", "accept-could-not-run")),
        ('accept-exclusions = ["a"]', "", ("stronger", "accept-exclusions")),
        ('base-failures = "block"', "", ("weaker", "base-failures")),
        ('scope = ["src/**"]', "", ("weaker", "scope")),
        ('scope = ["src/**"]', 'scope = ["docs/**", "src/**"]', ("weaker", "scope")),
        ("", "timing-threshold = 0.5", ("weaker", "timing-threshold")),
        ("", 'unrelated = ["docs/**"]', ("other", "unrelated")),
        ("", 'unrelated = ["src/**"]', ("weaker", "unrelated")),
        ("", 'nox-args = ["--no-error-on-missing-interpreters"]', ("weaker", "nox-args")),
        ("", 'nox-args = ["--verbose"]', ("other", "nox-args")),
        ("", '[junit]\naccept = ["unreadable-counts"]', ("weaker", "junit accept")),
        ("[gate.a]\nneeds = ['b', 'c']", "[gate.a]\nneeds = ['c']", ("weaker", "gate a: needs")),
        ("[gate.a]\njunit = ['a.xml']", "[gate.a]", ("weaker", "gate a: junit")),
        ("[gate.a]\ntests = 'pytest'", "[gate.a]", ("weaker", "gate a: tests")),
        ("[gate.a]", "[gate.a]\nfindings = 'none'", ("weaker", "gate a: findings")),
        ("[gate.a]", "[gate.a]\nenv = { PYTHONOPTIMIZE = { set = '1', reason = 'speed' } }", ("weaker", "gate a: env")),
        ("[gate.a]", "[gate.a]\nenv = { PYTHONWARNINGS = { set = 'error', reason = 'r' } }", ("stronger", "gate a: env")),
        ("[gate.a]", "[gate.a]\nenv = { HOME = { unset = true, reason = 'r' } }", ("other", "gate a: env")),
        ("[profile.p]", "[profile.p]\ngates = ['a']", ("weaker", "profile p: gates")),
        ("[profile.p]\ngates = ['a', 'b']", "[profile.p]\ngates = ['a']", ("weaker", "profile p: gates")),
        ("[profile.p]", "[profile.p]\nfilter = 'not mark(slow)'", ("weaker", "profile p: filter")),
        ("[profile.p]\nfilter = 'test(a)'", "[profile.p]\nfilter = 'test(a) and not mark(slow)'", ("weaker", "profile p: filter")),
        ("[profile.p]\nfilter = 'test(a)'", "[profile.p]\nfilter = 'test(b) or test(a)'", ("stronger", "profile p: filter")),
        ("[profile.p]\nfilter = 'test(a)'", "[profile.p]\nfilter = 'test(b)'", ("other", "profile p: filter")),
        ("", "[profile.default]\nfilter = 'not mark(slow)'", ("weaker", "profile default: filter")),
        ("", ENTRY.format(filter="test(a)", expires="2027-01-01"), ("weaker", "exclusions later: entry")),
        (
            ENTRY.format(filter="test(a)", expires="2027-01-01"),
            ENTRY.format(filter="test(a) or test(b)", expires="'2027-01-01'"),
            ("weaker", "exclusions later: filter"),
        ),
        (
            ENTRY.format(filter="test(a)", expires="2027-01-01"),
            ENTRY.format(filter="test(a)", expires="2028-01-01"),
            ("weaker", "exclusions later: expires"),
        ),
    ],
)  # fmt: skip
def test_a_change_is_weaker_stronger_or_other_and_the_opposite_the_other_way_round(
    base: str, head: str, expected: tuple[str, str]
) -> None:
    assert said(base, head, CONFIG) == [expected]
    assert said(head, base, CONFIG) == mirrored([expected])


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ('no-tests = "fail"', ""),
        ("[tests]\nretries = 0", ""),
        ("[tests]\nretries = 2", "[tests]\nretries = { count = 2 }"),
        ('timeout = "60s"', 'timeout = "1m"  # as before'),
        ('accept-could-not-run = ["a", "b"]', 'accept-could-not-run = [\n  "b",\n  "a",\n]'),
        ("[profile.p]\nfilter = 'test(a) and test(b)'", "[profile.p]\nfilter = '(test(b)) and (test(a))'"),
        ("[profile.p]\nfilter = 'test(a) - test(b)'", "[profile.p]\nfilter = 'test(a) and not test(b)'"),
        ("[tests]\nretries = 3", "[tests]\nretries = 3\n[[tests.overrides]]\nfilter = 'test(a)'\nretries = 3"),
    ],
)
def test_the_same_in_other_words_is_no_change(base: str, head: str) -> None:
    assert changes(base, head, CONFIG) == []


def test_the_config_may_move_to_the_other_file() -> None:
    own = 'no-tests = "pass"\n[gate.a]\ncommand = "true"\n'
    project = '[tool.gates]\nno-tests = "pass"\n[tool.gates.gate.a]\ncommand = "true"\n'
    assert changes({"gates.toml": own}, {"pyproject.toml": project}) == []


def test_a_change_has_its_line_and_both_values() -> None:
    (change,) = changes('timeout = "5m"\n', 'timeout = "5m"\n\nno-tests = "pass"\n', CONFIG)
    assert (change.path, change.line, change.before, change.after) == ("gates.toml", 3, "fail", "pass")
    assert change.what == "gates sets no-tests to pass instead of fail: a gate that selects no test may pass"


def test_a_new_override_counts_for_its_tests_and_one_like_all_others_does_not() -> None:
    base = "[tests]\nretries = 2\n"
    override = "[[tests.overrides]]\nfilter = 'test(a)'\nretries = {}\n"
    assert said(base, base + override.format(2), CONFIG) == []
    assert said(base, base + override.format(0), CONFIG) == [("stronger", "tests test(a): retries")]


@pytest.mark.parametrize("broken", ["no-tests = ", "[tests", '"\x00'])
def test_a_config_that_cannot_be_read_is_said_and_is_no_change_of_its_settings(broken: str) -> None:
    for base, head, where in (("no-tests = 'pass'", broken, "head"), (broken, "no-tests = 'pass'", "base")):
        (change,) = changes(base, head, CONFIG)
        assert change.direction == "other"
        assert f"cannot be read on the {where}" in change.what


def test_values_of_any_type_are_compared_without_an_error() -> None:
    odd = "no-tests = 3\nscope = 4\naccept-exclusions = {}\ntests = 5\ngate = 6\nprofile = { p = 7 }\njunit = []\nexclusions = { a = 1 }\n"
    for one, other in ((odd, ""), ("", odd)):
        assert all(change.what for change in changes(one, other, CONFIG))


def test_a_list_of_gates_says_nothing_about_a_gate_that_is_new_or_gone() -> None:
    base = "[gate.a]\ncommand = 'a'\n[gate.b]\ncommand = 'b'\nneeds = ['a']\n[profile.p]\ngates = ['a', 'b']\n"
    head = "accept-could-not-run = ['c']\n" + base.replace("needs = ['a']", "needs = ['c']").replace(
        "['a', 'b']", "['b', 'c']"
    )
    head = head.replace("[gate.a]\ncommand = 'a'", "[gate.c]\ncommand = 'c c'").replace(
        "command = 'b'", "command = 'b'"
    )
    found = {key: direction for direction, key in said(base, head, CONFIG)}
    assert found["gate a"] == "weaker"
    assert found["gate c"] == "stronger"
    assert {found[key] for key in ("accept-could-not-run", "gate b: needs", "profile p: gates")} == {"other"}


def test_a_suppression_of_mutants_is_a_hint() -> None:
    before = "base = 'main'\n"
    after = before + "[mutants.slow]\npath = '**'\nreason = 'equal'\nowner = 'ada'\nexpires = 2027-01-01\n"
    (found,) = setting_changes({"gates.toml": before}, {"gates.toml": after})
    assert (found.direction, found.strength) == ("weaker", "hint")
    assert found.what == "gates no longer asks tests to notice these mutants (suppression slow)"
