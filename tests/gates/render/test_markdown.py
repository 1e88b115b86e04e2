from __future__ import annotations

import functools
import itertools
import re

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gates.compare.inputs import RegressionPolicy, SourceChanges
from gates.compare.runs import compare_runs
from gates.compare.values import Comparison, Confirmation, GateTimes, TestsComparison
from gates.portable.values import GateOutcome, TestOutcome
from gates.render.markdown import LISTED_FAILURES, LISTED_FLAKY, render_markdown
from gates.render.size_limit import Room
from gates.results import (
    AttemptResult,
    Changes,
    EnvironmentChange,
    ExclusionRecord,
    FileChange,
    Run,
    TestCounts,
    TestResult,
)
from tests.gates.readers.junit.sample import a_gate, a_run, a_subject, a_test, any_test, nasty
from tests.gates.render.reader import blocks, folds, headings, rows, tokens, visible

FOLDED = ["Pre-merge checklist", "Reproduce", "Environment", "About this run", "Logs and raw results"]
"""What every summary has behind a title."""


def document(text: str) -> tuple[Run, list[TestResult], Comparison]:
    """A run, its tests and a comparison with `text` in every place that takes any."""
    tests = [a_test(text, outcome, file=text, message=text, details=text, reason=text) for outcome in TestOutcome]
    gates = tuple(
        a_gate(
            f"{text}{outcome}", outcome, reason=text, command_line=text, log=text or "x", log_digest=text,
            tools={text: text}, environment=(EnvironmentChange(name=text, value=text, reason=text),),
        )
        for outcome in GateOutcome
    )  # fmt: skip
    record = ExclusionRecord(
        name=text, filter=text, reason=text, category=text, owner=text, expires=text, issue=text, tests=1
    )
    files = tuple(FileChange(path=text, kind=kind, status=text) for kind in ("production", "test", "docs", "config"))
    run = a_run(
        tests, gates=gates, outcome="failed", project=text, exclusions=(record,), notes=(text,), filter=text,
        effective_filter=text, command_line=text, changes=Changes(commits=((text, text),), files=files),
        subject=a_subject(name=text, branch=text, base=text), planned=(text,),
    )  # fmt: skip
    return run, tests, comparison(text)


def comparison(text: str, *, regression: bool = True) -> Comparison:
    return Comparison(
        base=text, head=text, base_run="", head_run="", base_identity="", head_identity="",
        tests=TestsComparison(new=(text,), newly_failing=(text,) if regression else ()),
        base_counts=TestCounts(run=1, passed=1), head_counts=TestCounts(run=1, failed=1),
        gate_times=(GateTimes(gate=text, base_seconds=1.0, head_seconds=2.0, head_outcome=text),),
        regression=regression, notes=(text,),
        confirmations=(
            Confirmation(test=text, head_failed=2, head_runs=3, base_failed=0, base_runs=3, finding="unconfirmed"),
        ),
    )  # fmt: skip


def test_a_passing_run_has_every_section_of_the_document() -> None:
    tests = [a_test("a"), a_test("b", TestOutcome.SKIPPED), a_test("c", TestOutcome.EXCLUDED)]
    shown = render_markdown(a_run(tests), tests)
    assert headings(shown) == ["Validation summary: feat/entry", "✅ Validation result: PASS", "Gates", "Tests"]
    assert [title.partition(":")[0] for title in folds(shown)] == ["Skipped", *FOLDED]
    assert "Validated `commit HEAD` on `feat/entry` at `0123456789ab`" in shown
    assert "**The only gate passed; the only test that ran passed.**" in shown
    assert "Summary [   0.250s] 1 test run: 1 passed, 1 skipped, 1 excluded\n" in blocks(shown)
    assert ["`test`", "`nox -s test`", "✅ PASS", "1.50s", "1 of 1 test passed"] in rows(shown)
    assert ["no reason given", "1"] in rows(shown)
    assert "- [x] Gate test passes" in shown
    assert "- [ ] No new failures against the base (not shown: no comparison was made)" in shown


def test_packages_are_counted_if_there_are_several() -> None:
    tests = [a_test("a"), a_test("s", TestOutcome.SKIPPED), a_test("b", file="tests/gates/test_run.py")]
    shown = render_markdown(a_run(tests), tests)
    assert ["`kvcache`", "1/1", "1 skipped"] in rows(shown)
    assert ["`gates`", "1/1", "-"] in rows(shown)
    assert "By package" in folds(shown)


def test_failures_come_right_behind_the_gates() -> None:
    tests = [a_test("bad", TestOutcome.FAILED, message="assert 1 == 2", details="def bad():\n>   assert 1 == 2")]
    shown = render_markdown(a_run(tests, outcome="failed"), tests)
    assert headings(shown)[1:4] == ["❌ Validation result: FAIL", "Gates", "Failures"]
    assert (
        "**failed** `tests/kvcache/test_pool.py::bad` at `tests/kvcache/test_pool.py:7` (gate `test`, 0.25s)" in shown
    )
    assert blocks(shown)[0] == "def bad():\n>   assert 1 == 2\n"


def test_flaky_tests_are_listed_with_their_attempts() -> None:
    tests = [a_test("shaky", TestOutcome.FLAKY, message="boom", attempts=(AttemptResult(outcome=TestOutcome.FAILED),))]
    shown = render_markdown(a_run(tests), tests)
    assert "## Flaky tests" in shown
    assert "- `tests/kvcache/test_pool.py::shaky` (gate `test`): passed on attempt 2 of 2; first: boom" in shown
    many = [a_test(f"t{number}", TestOutcome.FLAKY) for number in range(LISTED_FLAKY + 5)]
    assert "… and 5 more" in render_markdown(a_run(many), many)


def test_no_list_of_failures_is_without_end() -> None:
    tests = [a_test(f"t{number}", TestOutcome.FAILED, details="trace") for number in range(LISTED_FAILURES + 5)]
    shown = render_markdown(a_run(tests, outcome="failed"), tests)
    assert blocks(shown).count("trace\n") == Room().full
    assert "… and 5 more" in shown


@pytest.mark.parametrize(
    ("outcome", "accepted", "shown"),
    [
        (GateOutcome.SKIPPED, False, "⚠️ SKIPPED"),
        (GateOutcome.COULD_NOT_RUN, False, "⚠️ COULD NOT RUN"),
        (GateOutcome.COULD_NOT_RUN, True, "⚠️ COULD NOT RUN (accepted)"),
        (GateOutcome.TIMEOUT, False, "❌ TIMEOUT"),
        (GateOutcome.INTERRUPTED, False, "❌ INTERRUPTED"),
    ],
)
def test_what_did_not_pass_never_looks_passed(outcome: GateOutcome, accepted: bool, shown: str) -> None:
    text = render_markdown(a_run(gates=(a_gate("lint", outcome, accepted=accepted),)), [])
    assert ["`lint`", "`nox -s lint`", shown, "1.50s", "-"] in rows(text)
    assert headings(text)[1].startswith("❌")
    assert "- [ ] Gate lint passes" in text


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (a_run(gates=(), outcome="nothing-selected"), "No gate was run."),
        (a_run(), "All tests that ran passed (not shown: no test was run)"),
        (a_run(tests=TestCounts()), "0 tests run: 0 passed"),
        (a_run(gates=(), planned=("lint",), complete=False, outcome="running"), "❌ Validation result: INCOMPLETE"),
        (a_run(), "The changes against the base are shown (not shown: no base to compare files with)"),
        (a_run(started=float("nan"), duration=0.0), "- **Run:** `20261031T120000Z-abcd`"),
        (a_run(changes=Changes()), "The changes against the base are shown (0 commits, 0 files)"),
    ],
)
def test_a_run_that_lacks_something_is_rendered_and_says_so(run: Run, said: str) -> None:
    assert said in render_markdown(run, [])


def test_an_expired_exclusion_is_marked() -> None:
    record = ExclusionRecord(
        name="old", filter="test(a|b)", reason="r", category="c", owner="o", expires="2026-01-01", issue="#12", tests=16
    )
    shown = render_markdown(a_run(exclusions=(record,), effective_filter="not test(a|b)"), [])
    assert ["`old`", "16", "c", "r", "o", "2026-01-01 ❌ expired on 2026-01-01", "`#12`", "`test(a|b)`"] in rows(shown)
    assert "Excluded tests are counted, and never shown as skipped." in shown
    assert "not test(a|b)\n" in blocks(shown)


def test_variables_say_what_was_done_to_them_and_why() -> None:
    changes = (
        EnvironmentChange(name="RUSTC_WRAPPER", value="", reason="the wrapper crashes"),
        EnvironmentChange(name="PYTHONDONTWRITEBYTECODE", reason="slow start"),
        EnvironmentChange(name="CI", value="1", reason="plain output"),
    )
    found = rows(render_markdown(a_run(gates=(a_gate(environment=changes),)), []))
    assert ["`RUSTC_WRAPPER`", "set to an empty value", "`test`", "the wrapper crashes"] in found
    assert ["`PYTHONDONTWRITEBYTECODE`", "cleared", "`test`", "slow start"] in found
    assert ["`CI`", "set to `1`", "`test`", "plain output"] in found


def test_changes_list_commits_and_files() -> None:
    files = (
        FileChange(path="gates/a|b.py", kind="production", added=3, removed=1),
        FileChange(path="a.png", kind="docs"),
    )
    shown = render_markdown(a_run(changes=Changes(commits=(("0123456789abcdef", "Fix `x` (#12)"),), files=files)), [])
    assert r"- `0123456789ab` Fix \`x\` (`#12`)" in shown
    assert ["`gates/a|b.py`", "M", "+3", "-1"] in rows(shown)
    assert ["`a.png`", "M", "binary", "binary"] in rows(shown)


def test_long_lists_of_changes_are_cut_and_say_so() -> None:
    files = tuple(FileChange(path=f"f{number}.py", kind="production") for number in range(103))
    shown = render_markdown(a_run(changes=Changes(files=files)), [])
    assert "… and 3 more files." in shown


def test_commands_are_exact() -> None:
    command = "RUSTFLAGS='-D warnings' nox -s test -- -E 'not (test(a) | test(`b`))'"
    shown = render_markdown(a_run(gates=(a_gate(command_line=command),)), [])
    (block,) = [block for block in blocks(shown) if "# gate test" in block]
    assert block.endswith(f"# gate test\n{command}\n")
    assert block.startswith("# the validated commit\ngit switch --detach 0123456789abcdef")


def test_a_comparison_has_its_section_and_ticks_its_box() -> None:
    good = render_markdown(a_run(), [], comparison("main", regression=False))
    bad = render_markdown(a_run(), [], comparison("main"))
    assert "Comparison: main vs main" in headings(good)
    assert "**✅ No regression.**" in good
    assert "**❌ Regression.**" in bad
    assert "- [x] No new failures against the base" in good
    assert "- [ ] No new failures against the base" in bad
    assert ["Tests passing", "1/1", "0/1"] in rows(good)
    assert ["`main`", "unconfirmed", "head 2/3, base 0/3"] in rows(good)


@pytest.mark.slow
@settings(max_examples=40)
@given(nasty)
def test_no_text_breaks_a_table_or_adds_a_section(text: str) -> None:
    run, tests, compared = document(text)
    shown = render_markdown(run, tests, compared)
    shown.encode()
    assert (len(headings(shown)), widths(shown)) == usual()
    assert all(visible(title) is not None for title in folds(shown))


@functools.cache
def usual() -> tuple[int, list[int]]:
    """The number of headings, and the columns of tables, with a text that has nothing in it."""
    shown = render_markdown(*document("x"))
    return len(headings(shown)), widths(shown)


def widths(markdown: str) -> list[int]:
    """The number of columns of every table, in order; rows that do not fit would show as a change."""
    found = []
    all_tokens = tokens(markdown)
    for token, following in itertools.pairwise(all_tokens):
        if token.type == "tr_open" and following.type == "th_open":
            found.append(0)
        if token.type == "th_open":
            found[-1] += 1
    return found


@pytest.mark.slow
@given(st.lists(any_test(), max_size=8), st.booleans())
def test_any_results_render(tests: list[TestResult], complete: bool) -> None:
    shown = render_markdown(a_run(tests, complete=complete, outcome="failed"), tests)
    assert "PASS" not in headings(shown)[1]
    assert headings(shown)[2] == "Gates"
    assert set(FOLDED) <= {title.partition(":")[0] for title in folds(shown)}


def test_lists_of_a_comparison_say_what_they_list() -> None:
    run = a_run([a_test("a")])
    comparison = compare_runs(
        a_run([a_test("a")]),
        [a_test("a")],
        run,
        [a_test("a"), a_test("b")],
        policy=RegressionPolicy(scope=["src/**"], fail_on=["scope"]),
        sources=SourceChanges(
            files=[FileChange(path="docs/x.md", kind="docs")],
            api=([{"kind": "breaking", "package": "p", "name": "p.x", "what": "was removed"}], ""),
        ),
    )
    shown = render_markdown(run, [a_test("a"), a_test("b")], comparison)
    assert "**Files out of scope (1 file)**" in shown
    assert "**Breaking the public API (1 change)**" in shown
    assert "New (1 test)" in folds(shown)
    assert "1 breaking the public API, 1 out of scope. On the head alone" in shown


def test_failures_of_the_base_are_kept_apart() -> None:
    base = [a_test("known", TestOutcome.FAILED), a_test("new")]
    head = [a_test("known", TestOutcome.FAILED), a_test("new", TestOutcome.FAILED)]
    run = a_run(head, outcome="failed")
    shown = render_markdown(run, head, compare_runs(a_run(base), base, run, head))
    first, _, rest = shown.partition("## Failures that the base also has\n")
    assert ("::new`" in first.partition("## Failures\n")[2], "::known`" in first) == (True, False)
    assert "::known`" in rest.partition("\n## ")[0]
    assert "::new`" not in rest.partition("\n## ")[0]
    only = render_markdown(run, base, compare_runs(a_run(base), base, run, base))
    assert headings(only)[3:4] == ["Failures that the base also has"]
    assert "Failures" not in headings(only)


HOSTILE = [
    *(
        "@octocat",
        "thanks @org/team,",
        "me@example.org",
        "#9",
        "fixes #9",
        "GH-9",
        "gh-9",
        "octo/cat#9",
        "octo/cat@0123abc",
    ),
    *(
        "https://evil.example/x",
        "http://evil.example|x",
        "www.evil.example",
        "0123456789abcdef0123456789abcdef01234567",
    ),
    *("<img src=https://evil.example/x>", "![x](https://evil.example/x)", "[x](https://evil.example)", "<!-- @octocat"),
    *(
        "a | b | @octocat",
        "`@octocat`",
        "``` @octocat",
        "x\n@octocat",
        "\\@octocat",
        "(@octocat)",
        "*@octocat*",
        ":+1:",
    ),
    *("[x]: https://evil.example", "<https://evil.example>", "@octocat`", "`|@octocat|\\", "a`#9`b|#9", "~~#9~~"),
]
LIVE = re.compile(r"@[\w-]|#\d|gh-\d|evil|\b0123abc\b|\b[0-9a-f]{40}\b|:\+1:", re.IGNORECASE)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_hosting_service_looks_for_is_outside_of_code(text: str) -> None:
    """It finds names, issues, commits and addresses in what Markdown came to, entities and escapes read."""
    shown = render_markdown(*document(text))
    for title in folds(shown):
        assert not LIVE.search(visible(title)), title
    for token in tokens(shown):
        for child in token.children or []:
            assert child.type not in {"link_open", "image", "html_inline"}
            assert child.type == "code_inline" or not LIVE.search(child.content), child.content


sizes = st.sampled_from([(1, 1), (1, 60), (40, 1), (1, 300), (100, 10), (2000, 1)])
"""How often a text is repeated, and how many there are of each thing that has it."""


@pytest.mark.slow
@settings(max_examples=12)
@given(text=nasty, size=sizes)
@example(text="`|", size=(9000, 1))
def test_a_summary_fits_into_a_comment_whatever_it_is_about(text: str, size: tuple[int, int]) -> None:
    times, number = size
    run, tests, compared = document(text[: 40_000 // times] * times if times > 1 else text)
    run = msgspec.structs.replace(
        run, gates=run.gates * number, notes=run.notes * number, exclusions=run.exclusions * number,
        planned=run.planned * number,
    )  # fmt: skip
    shown = render_markdown(run, tests * number, compared)
    assert len(shown.encode()) <= 65_535
    assert headings(shown)[1].endswith("REGRESSION")


@pytest.mark.slow
def test_what_is_cut_is_counted_and_what_failed_comes_first() -> None:
    gates = [a_gate(f"gate-{number}-{'x' * 60}") for number in range(3000)]
    gates += [a_gate("the-one", GateOutcome.FAILED, reason="exit code 1")]
    tests = [a_test(f"t{number}", TestOutcome.FAILED, details="trace " * 90) for number in range(5000)]
    shown = render_markdown(a_run(tests, gates=tuple(gates), outcome="failed"), tests)
    assert len(shown.encode()) <= 65_535
    assert "`the-one`" in shown
    assert "3000 of 3,001 gates passed" in shown
    gate_rows = [row for row in rows(shown) if row[0].startswith("`gate-")]
    listed = sum(row[0].startswith("`gate-") for row in gate_rows)
    assert f"… and {3000 - listed:,} more gates." in shown
    failures = shown.count("- **failed** `t")
    assert f"… and {5000 - failures:,} more failures." in shown


def test_a_command_is_shown_whole_or_not_at_all() -> None:
    gates = (a_gate("long", command_line=f"rm -rf build/{'x' * 70_000}"), a_gate("short", command_line="make it"))
    shown = render_markdown(a_run(gates=gates), [])
    assert "rm -rf build" not in "".join(blocks(shown))
    assert "make it" in "".join(blocks(shown))
    assert "1 command more in `run.json`" in shown
