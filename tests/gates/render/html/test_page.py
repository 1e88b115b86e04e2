from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given, settings

from gates.compare.runs import compare_runs
from gates.portable.values import TestOutcome
from gates.render.html import render_html
from tests.gates.readers.junit.sample import a_gate, a_run, a_subject, a_test, nasty
from tests.gates.render.html.reader import block


def test_the_summary_has_when_each_gate_ran_and_leaves_failures_to_the_tests() -> None:
    gates = (a_gate("a", started=100.0, duration=2.0), a_gate("b", started=101.0, duration=3.0))
    tests = [a_test("t", TestOutcome.FAILED, message="no")]
    run = a_run(tests, gates=gates, outcome="failed")
    found = block(render_html(run, tests, compare_runs(run, tests, run, tests)), "summary")
    assert found["spans"] == [[0.0, 2.0], [1.0, 3.0]]
    assert found["filtered"] == []
    assert found["tests"]["failures"] == []
    assert found["comparison"]["words"] == "no regression"


def test_a_page_has_what_the_base_says_about_changed_tests() -> None:
    base, head = [a_test("t", TestOutcome.FAILED, message="no", duration=0.5)], [a_test("t")]
    run = a_run(head)
    page = render_html(run, head, compare_runs(a_run(base), base, run, head))
    about = {"test": head[0].id, "gate": "test", "outcome": "failed", "seconds": 0.5, "message": "no"}
    assert block(page, "base") == [about]
    assert block(page, "summary")["filtered"] == ["test"]


def test_the_script_does_not_wait_for_the_data_of_the_tests() -> None:
    page = render_html(a_run(), [a_test()])
    assert page.index('id="summary"') < page.index("<script>") < page.index('id="tests"')


@pytest.mark.parametrize(("outcome", "passed"), [("passed", True), ("failed", False)])
def test_the_page_knows_whether_the_run_passed(outcome: str, passed: bool) -> None:
    """The verdict's `passed` is a property, so plain conversion leaves it out."""
    tests = [a_test("t", TestOutcome.PASSED if passed else TestOutcome.FAILED)]
    found = block(render_html(a_run(tests, outcome=outcome), tests), "summary")
    assert found["verdict"]["passed"] is passed


@pytest.mark.parametrize("tag", ["style", "script"])
def test_the_policy_allows_exactly_this_style_and_this_script(tag: str) -> None:
    page = render_html(a_run(), [])
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    text = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    assert policy is not None
    assert text is not None
    digest = base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()
    assert f"{tag}-src 'sha256-{digest}';" in policy[1]
    assert policy[1].startswith("default-src 'none';")


@settings(max_examples=30)
@given(nasty)
def test_no_text_of_a_run_leaves_the_data(text: str) -> None:
    """Outside its data and the title, a page is the same whatever the run was about."""
    tests = [a_test(text, TestOutcome.FAILED, message=text, details=text, file=text)]
    run = a_run(tests, gates=(a_gate(text, reason=text),), subject=a_subject(branch=text, name=text), outcome="failed")
    page = render_html(run, tests, compare_runs(run, tests, run, tests))
    assert shell_of(page) == shell_of(render_html(a_run(), [a_test("t", TestOutcome.FAILED)]))


def shell_of(page: str) -> str:
    shell = re.sub(r'(<script type="text/plain" id="[\w-]+">)[A-Za-z0-9+/=]*', r"\1", page)
    return re.sub(r"<title>[^<>]*</title>|<h1>[^<>]*</h1><p>[^<>]*</p>", "", shell)
