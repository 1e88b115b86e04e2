"""The HTML report in a real browser. Skipped where none is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gates.compare.inputs import SourceChanges
from gates.compare.runs import compare_runs
from gates.portable.values import TestOutcome
from gates.render.html import render_html
from gates.results import Weakening
from tests.gates.readers.junit.sample import a_run, a_test

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CASES = Path(__file__).parents[1] / "gates/portable/filters/cases.toml"
OUTSIDE = re.compile(r"\b(?:changed|new|failed|flaky|slow|deps|rdeps|owner)\(")
"""Predicates that the table answers by facts, and a page by the results that it has."""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="there is no browser")]


def shown(page: Path, fragment: str = "") -> str:
    """The document after its scripts ran. Raises as `loaded`."""
    return loaded(f"{page.as_uri()}{fragment}", page.parent / "profile")


def loaded(address: str, profile: Path) -> str:
    """The document at an address after its scripts ran.

    Raises:
        AssertionError: the console has an error.
    """
    assert BROWSER is not None
    program = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        f"--user-data-dir={profile}", "--enable-logging=stderr", "--virtual-time-budget=20000", "--dump-dom",
        address,
    ]  # fmt: skip
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    return done.stdout


def test_the_filters_of_a_page_pass_the_table_of_the_language(tmp_path: Path) -> None:
    """A page never gives another answer: what it cannot answer is unknown, or refused by name."""
    cases: dict[str, Any] = tomllib.loads(CASES.read_text(encoding="utf-8"))
    script = files("gates.render.html").joinpath("filters.js").read_text(encoding="utf-8")
    page = tmp_path / "cases.html"
    data = json.dumps(cases).replace("<", "\\u003c")
    page.write_text(
        f"<meta charset=utf-8><pre id=out></pre><script>{script}</script><script>const cases = {data};\n"
        """
        const answers = cases.accepted.map(({ text }) => {
          try {
            const holds = Filters.compile(text, cases.named);
            const told = Object.entries(cases.tests).map(([letter, test]) => [letter, holds(test)]);
            return [told.filter(([, one]) => one === true), told.filter(([, one]) => one === null)].map((all) => all.map(([letter]) => letter).join(""));
          } catch (error) { return error instanceof Filters.Unanswerable ? null : String(error); }
        });
        const refused = cases.refused.map(({ text }) => { try { Filters.compile(text, cases.named); return "accepted"; } catch (error) { return error instanceof Filters.Refused || error instanceof Filters.Unanswerable ? "refused" : String(error); } });
        document.getElementById("out").textContent = JSON.stringify({ answers, refused });
        </script>""",
        encoding="utf-8",
    )
    found = re.search(r'<pre id="out">(.*?)</pre>', shown(page), re.DOTALL)
    assert found is not None
    told = json.loads(unescape(found[1]))
    assert set(told["refused"]) == {"refused"}
    wanted = {
        case["text"]: [case["matches"], case.get("unknown", "")]
        for case in cases["accepted"]
        if not OUTSIDE.search(case["text"])
    }
    given = dict(zip((case["text"] for case in cases["accepted"]), told["answers"], strict=True))
    assert {text: given[text] for text in wanted} == wanted
    assert len(wanted) > 100


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    hostile = "<img src=x onerror=alert(1)>"
    tests = [
        a_test("hit", duration=0.1),
        a_test(hostile, TestOutcome.FAILED, message=f"{hostile} @octocat", details=f"E   {hostile}", stdout=hostile),
        a_test("late", TestOutcome.SKIPPED, reason=hostile),
    ]
    path = tmp_path_factory.mktemp("page") / "summary.html"
    path.write_text(render_html(a_run(tests, outcome="failed"), tests), encoding="utf-8")
    return path


def test_a_page_shows_the_verdict_and_runs_nothing_that_a_test_named(page: Path) -> None:
    document = shown(page)
    assert 'data-ready="yes"' in document
    body = document.partition("<main>")[2].partition("</main>")[0]
    assert "✗ FAIL" in body
    assert "<img" not in body
    assert body.count("&lt;img src=x onerror=alert(1)&gt;") >= 3
    assert "3 tests of 3" in body
    assert "gates run -g test -E" in body


def test_a_changed_test_shows_both_sides_and_a_weaker_one_before_and_after(tmp_path: Path) -> None:
    base = [a_test("t", details="E   assert 1 == 2", message="then"), a_test("gone")]
    head = [a_test("t", TestOutcome.FAILED, details="E   - expected\nE   + got", message="now")]
    weaker = Weakening(rule="broader-exception", what="expects less", test="t", before="raises(Full)", after="raises(Exception)")  # fmt: skip
    run = a_run(head, outcome="failed")
    compared = compare_runs(a_run(base), base, run, head, sources=SourceChanges(weakenings=(weaker,)))
    page = tmp_path / "summary.html"
    page.write_text(render_html(run, head, compared), encoding="utf-8")
    body = shown(page)
    for text in ("On the base: ", "Here: ", ">then<", ">now<", "raises(Full)", "raises(Exception)", "Tests that changed: 1 test"):  # fmt: skip
        assert text in body
    assert re.search(r'<span class="del">E   - expected\s*</span><span class="add">E   \+ got\s*</span>', body)


def test_the_details_of_a_test_are_shown_where_the_address_names_it(page: Path) -> None:
    wanted = quote("tests/kvcache/test_pool.py::late", safe="")
    body = shown(page, f"#test={wanted}")
    assert re.search(r'<div id="detail"><article [^>]*data-id="tests/kvcache/test_pool.py::late"', body)
    assert "This run has no test nowhere" in shown(page, "#test=nowhere")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("failed(last)", "1 test of 3"),
        ("mark(slow)", "For 3 tests of them this page cannot know the answer"),
        ("tset(hit)", "Unknown predicate `tset`"),
    ],
)
def test_a_filter_selects_or_says_why_it_cannot(page: Path, text: str, note: str) -> None:
    assert note in shown(page, f"#filter={quote(text)}")


@pytest.mark.parametrize(("outcome", "sign"), [(TestOutcome.PASSED, "✓ PASS"), (TestOutcome.FAILED, "✗ FAIL")])
def test_the_verdict_has_the_sign_of_its_word(tmp_path: Path, outcome: TestOutcome, sign: str) -> None:
    tests = [a_test("t", outcome)]
    page = tmp_path / "summary.html"
    page.write_text(render_html(a_run(tests, outcome=str(outcome)), tests), encoding="utf-8")
    assert f">{sign}<" in shown(page)
