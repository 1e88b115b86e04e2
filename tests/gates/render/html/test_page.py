from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given, settings

from gates.compare.runs import compare_runs
from gates.portable.values import TestOutcome
from gates.render.html import render_html
from gates.results import AttemptResult
from tests.gates.readers.junit.sample import a_gate, a_run, a_subject, a_test, nasty
from tests.gates.render.html.reader import block

FRAME = '  File "/p/tests/kvcache/test_pool.py", line 4 in wait'
DUMP = f'timed out\n\nThread 0x1 (most recent call first):\n{FRAME}\n  File "/v/lib/python3.11/site-packages/pluggy/a.py", line 1 in b\n'  # fmt: skip


def test_a_page_has_each_test_once_and_what_few_have_beside_it() -> None:
    tests = [
        a_test("a", duration=0.25),
        a_test("b", TestOutcome.FAILED, message="no", attempts=(AttemptResult(outcome=TestOutcome.FAILED),)),
        a_test("c", TestOutcome.FLAKY, quarantine="shaky", process=1),
    ]
    page = render_html(a_run(tests, outcome="failed"), tests, recent={("test", tests[1].id): ".F"})
    found = block(page, "tests")
    columns = found["columns"]
    assert columns["id"] == [test.id for test in tests[:2]] + [f"{tests[2].id} (process 1)"]
    assert [columns["outcomes"][number] for number in columns["outcome"]] == ["passed", "failed", "flaky"]
    assert columns["recent"] == ["", ".F", ""]
    assert (columns["ms"][0], columns["failed"], columns["quarantined"]) == (250.0, [1], [2])
    assert found["more"] == {"1": {"message": "no", "attempts": [{"outcome": "failed"}]}}


def test_a_stack_dump_is_folded_and_kept_whole_beside_that() -> None:
    tests = [a_test("t", TestOutcome.TIMEOUT, details=DUMP)]
    more = block(render_html(a_run(tests, outcome="failed"), tests), "tests")["more"]["0"]
    assert '  File "tests/kvcache/test_pool.py", line 4 in wait' in more["details"]
    assert "pluggy/a.py" not in more["details"]
    assert more["whole"] == DUMP


def test_the_summary_has_when_each_gate_ran_and_leaves_failures_to_the_tests() -> None:
    gates = (a_gate("a", started=100.0, duration=2.0), a_gate("b", started=101.0, duration=3.0))
    tests = [a_test("t", TestOutcome.FAILED, message="no")]
    run = a_run(tests, gates=gates, outcome="failed")
    found = block(render_html(run, tests, compare_runs(run, tests, run, tests)), "summary")
    assert found["spans"] == [[0.0, 2.0], [1.0, 3.0]]
    assert found["tests"]["failures"] == []
    assert found["comparison"]["words"] == "no regression"


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


@settings(deadline=None, max_examples=30)
@given(nasty)
def test_no_text_of_a_run_leaves_the_data(text: str) -> None:
    """Outside the two blocks and the title, a page is the same whatever the run was about."""
    tests = [a_test(text, TestOutcome.FAILED, message=text, details=text, file=text)]
    run = a_run(tests, gates=(a_gate(text, reason=text),), subject=a_subject(branch=text, name=text), outcome="failed")
    page = render_html(run, tests, compare_runs(run, tests, run, tests))
    shell = re.sub(r'(<script type="text/plain" id="\w+">)[A-Za-z0-9+/=]*', r"\1", page)
    shell = re.sub(r"<title>[^<>]*</title>|<h1>[^<>]*</h1><p>[^<>]*</p>", "", shell)
    assert shell == re.sub(
        r"<title>[^<>]*</title>|<h1>[^<>]*</h1><p>[^<>]*</p>", "",
        re.sub(r'(<script type="text/plain" id="\w+">)[A-Za-z0-9+/=]*', r"\1", render_html(a_run(), [])),
    )  # fmt: skip
