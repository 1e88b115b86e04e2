"""Values to write and to render, and strategies for texts that tests may print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from gates.portable.values import BAD_TESTS, LOST_TESTS, GateOutcome, TestOutcome
from gates.results import (
    AttemptResult,
    Environment,
    GateResult,
    Run,
    Subject,
    SubtestResult,
    TestResult,
    count_tests,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

NOON = 1_793_448_000.0  # 2026-10-31T12:00:00Z

anything = st.text(st.characters(exclude_categories=()), max_size=60)
"""Any text at all, lone surrogates and controls included."""

nasty = st.one_of(
    anything,
    st.text(st.sampled_from("|`\\\n\r*_<>&[]#~$-+=!(){}1. \tax\x00\x1b\ud800\ufffe\u2028'\""), max_size=40),
    st.sampled_from(
        ["]]>", "<!--", "```", "~~~", "| --- |", "a|b", "\\|", "`|`", "<script>", "&#124;", "- [x] done", "# h"]
    ),
)
"""Any text, with a liking for what has a meaning in XML or Markdown."""


def a_test(
    name: str = "test_it", outcome: TestOutcome = TestOutcome.PASSED, **fields: Any
) -> TestResult:  # fields of the value
    file = fields.setdefault("file", "tests/kvcache/test_pool.py")
    values = {"gate": "test", "id": f"{file}::{name}" if file else name, "duration": 0.25, "started": NOON, "line": 7}
    return TestResult(outcome=outcome, **{**values, **fields})


def a_gate(
    name: str = "test", outcome: GateOutcome = GateOutcome.PASSED, **fields: Any
) -> GateResult:  # fields of the value
    values = {
        "command_line": f"nox -s {name}",
        "duration": 1.5,
        "log": f"logs/{name}.log",
        "log_digest": f"sha256:{name}",
    }
    return GateResult(name=name, outcome=outcome, **{**values, **fields})


def a_run(results: Sequence[TestResult] = (), /, **fields: Any) -> Run:  # fields of the value
    values: dict[str, Any] = {
        "id": "20261031T120000Z-abcd",
        "complete": True,
        "outcome": "passed",
        "started": NOON,
        "duration": 6.0,
        "project": "kv-gates",
        "subject": a_subject(),
        "environment": Environment(python="3.11.7", implementation="CPython", system="Linux 6.6", machine="x86_64"),
        "gates": (a_gate(tests=count_tests(results) if results else None, injected=True),),
        "tests": count_tests(results) if results else None,
        "command_line": "gates run",
    }
    return Run(**{**values, **fields})


def a_subject(**fields: Any) -> Subject:  # fields of the value
    values: dict[str, Any] = {
        "kind": "commit",
        "name": "HEAD",
        "identity": "git-tree:4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        "branch": "feat/entry",
        "base": "main",
        "base_commit": "b" * 40,
        "merge_base": "b" * 40,
    }
    return Subject(**{**values, **fields})


def any_attempt(texts: st.SearchStrategy[str] = nasty) -> st.SearchStrategy[AttemptResult]:
    """An attempt that did not pass."""
    return st.builds(
        AttemptResult,
        outcome=st.sampled_from(sorted(BAD_TESTS)),
        phase=st.sampled_from(["setup", "call", "teardown"]),
        duration=st.sampled_from([0.0, 0.25]),
        started=st.sampled_from([0.0, NOON]),
        message=texts,
        details=texts,
        signature=texts,
        stdout=texts,
        stderr=texts,
        worker=st.sampled_from(["", "gw1"]),
    )


def any_subtest(texts: st.SearchStrategy[str] = nasty) -> st.SearchStrategy[SubtestResult]:
    """A subtest that failed."""
    return st.builds(
        SubtestResult,
        name=texts.filter(bool),
        message=texts,
        details=texts,
        signature=texts,
        duration=st.sampled_from([0.0, 0.25]),
    )


@st.composite
def any_tried_test(draw: st.DrawFn, texts: st.SearchStrategy[str] = nasty) -> TestResult:
    """A result with attempts and subtests as far as its outcome can have them."""
    test = draw(any_test(texts))
    bad = test.outcome in BAD_TESTS | LOST_TESTS
    tried = draw(st.lists(any_attempt(texts), min_size=test.outcome is TestOutcome.FLAKY, max_size=3))
    return msgspec.structs.replace(
        test,
        duration=draw(st.sampled_from([0.0, 0.5])),
        started=draw(st.sampled_from([0.0, NOON + 1])),
        phase=draw(st.sampled_from(["setup", "call", "teardown"])),
        signature=draw(texts) if bad or test.outcome is TestOutcome.FLAKY else "",
        attempts=tuple(tried) if bad or test.outcome in {TestOutcome.FLAKY, TestOutcome.QUARANTINED} else (),
        subtests=tuple(draw(st.lists(any_subtest(texts), max_size=3))) if test.outcome in BAD_TESTS else (),
        subtests_passed=draw(st.integers(0, 3)),
        subtests_skipped=draw(st.integers(0, 3)),
        subtests_xfailed=draw(st.integers(0, 3)),
    )


@st.composite
def any_test(draw: st.DrawFn, texts: st.SearchStrategy[str] = nasty) -> TestResult:
    """A result with any outcome and any texts."""
    return TestResult(
        gate=draw(st.sampled_from(["test", "more", "odd | gate"])),
        id=draw(texts),
        outcome=draw(st.sampled_from(TestOutcome)),
        duration=draw(st.floats()),
        started=draw(st.floats()),
        file=draw(st.one_of(st.just(""), st.just("tests/a/test_b.py"), texts)),
        line=draw(st.integers(0, 99)),
        reason=draw(texts),
        exclusion=draw(texts),
        message=draw(texts),
        details=draw(texts),
        stdout=draw(texts),
        stderr=draw(texts),
        worker=draw(texts),
    )
