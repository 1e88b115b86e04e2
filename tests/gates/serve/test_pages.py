from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from gates.portable.values import GateOutcome, TestOutcome
from gates.render.html import source_hash
from gates.serve.follow import GateState, RunState
from gates.serve.pages import index_page, live_page, policy, refusal_page
from gates.serve.runs import KnownRun
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, a_subject, a_test, nasty

if TYPE_CHECKING:
    from gates.results import Run


def known(run: Run, **fields: bool) -> KnownRun:
    return KnownRun(run=run, record=Path("x"), **{"goes_on": False, "changed": False} | fields)


class Elements(HTMLParser):
    """The elements of a page, and its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.partition("<main>")[2].partition("</main>")[0]).split())


def test_an_empty_list_says_what_to_do() -> None:
    assert "No run yet. Start one with gates run" in text_of(index_page("shop", ()))


@pytest.mark.parametrize(
    ("run", "word"),
    [
        (known(a_run([a_test()])), "PASS"),
        (known(a_run([a_test("t", TestOutcome.FAILED)], outcome="failed")), "FAIL"),
        (known(a_run([a_test()]), changed=True), "CHANGED"),
        (known(a_run(complete=False, outcome="running")), "INCOMPLETE"),
        (known(a_run(complete=False, outcome="running"), goes_on=True), "running"),
        (known(a_run(gates=(a_gate(outcome=GateOutcome.FAILED),))), "FAIL"),
    ],
    ids=["passed", "failed", "changed", "killed", "running", "contradicts itself"],
)
def test_each_run_has_its_verdict(run: KnownRun, word: str) -> None:
    page = index_page("shop", [run])
    assert f">{word}</strong>" in page
    assert "2026-10-31 12:00:00" in page
    assert "feat/entry" in page
    assert ("1 run on this machine, 1 running" if run.goes_on else "1 run on this machine") in page


def a_state(**fields: object) -> RunState:
    run = a_run(complete=False, outcome="running", planned=("build", "lint", "test", "docs"))
    gates = (
        GateState(name="build", result=a_gate("build")),
        GateState(
            name="lint", result=a_gate("lint", GateOutcome.FAILED, reason="exit code 1", excerpt=("a.py:1: no",))
        ),
        GateState(name="test", started=NOON, usual=60.0, tests=12, bad=1, expected=40),
        GateState(name="docs"),
    )
    failures = (a_test("t", TestOutcome.FAILED, message="no & never", details="E   no"),)
    return RunState(**{"run": run, "gates": gates, "failures": failures, "bad": 1, "tests": 12, "left": 50.0, **fields})  # type: ignore[arg-type]


def test_a_running_run_shows_its_gates_its_failures_and_when_it_ends() -> None:
    page = live_page(a_state(), NOON + 10)
    said = text_of(page)
    assert "2 of 4 gates ended, 1 failed; 1 test failed." in said
    assert re.search(r"PASS build 1\.50s .*FAIL lint 1\.50s exit code 1 .*running test .*waiting docs", said)
    assert "12 of 40" in said
    assert "FAILED tests/kvcache/test_pool.py::t no &amp; never" in said
    assert "lint a.py:1: no" in said
    assert f'data-since="{NOON:.0f}"' in page
    assert f'data-until="{NOON + 60:.0f}"' in page


def test_nothing_is_foretold_where_nothing_is_known() -> None:
    page = live_page(a_state(left=None, gates=(GateState(name="build", started=NOON),), bad=0, failures=()), NOON)
    assert 'data-until="' not in page
    assert "so far." in text_of(page)
    assert "Failed" not in text_of(page)


def test_the_policy_allows_the_style_and_the_script_of_the_pages_only() -> None:
    for page in (index_page("p", ()), live_page(a_state(), NOON), refusal_page("a", "b")):
        for tag in ("style", "script"):
            (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
            assert f"{tag}-src '{source_hash(text)}'" in policy()
        assert "style" not in Elements(page).attributes
    assert "unsafe" not in policy()
    none = {"default-src", "base-uri", "form-action", "frame-ancestors"}
    assert {rule for rule in policy().split("; ") if rule.endswith(" 'none'")} == {f"{name} 'none'" for name in none}


@settings(max_examples=25)
@given(nasty)
def test_foreign_text_never_becomes_markup(text: str) -> None:
    tests = (a_test(text, TestOutcome.FAILED, message=text, details=text, file=""),)
    gate = a_gate(text, GateOutcome.FAILED, reason=text, excerpt=(text,))
    run = a_run(project=text, command_line=text, subject=a_subject(name=text, branch=text), complete=False)

    def elements(page: str) -> list[str]:
        return Elements(page).tags

    plain = a_state(
        run=a_run(complete=False), gates=(GateState(name="g", result=a_gate("g", GateOutcome.FAILED, excerpt=("x",))),)
    )
    state = RunState(run=run, gates=(GateState(name=text, result=gate),), failures=tests, bad=1, left=50.0)
    assert set(elements(live_page(state, NOON))) <= {*elements(live_page(plain, NOON)), "time"}
    assert elements(index_page(text, [known(run)])) == elements(index_page("x", [known(a_run(complete=False))]))
    assert elements(refusal_page(text, text)) == elements(refusal_page("x", "y"))
