"""A gate without tests that tell says why it failed, wherever a run is shown."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import msgspec
import pytest

from gates.portable.values import GateOutcome
from gates.readers.junit.write import junit_document
from gates.render.github import render_github
from gates.render.markdown import render_markdown
from gates.render.reasons import FINDINGS, reasons
from gates.render.terminal import render_terminal, terminal_console
from gates.results import Diagnostic, Diagnostics, TestCounts
from tests.gates.readers.junit.sample import a_gate, a_run

if TYPE_CHECKING:
    from gates.results import GateResult, Run

LINT = a_gate(
    "lint",
    GateOutcome.FAILED,
    reason="exit code 1",
    log="logs/lint.log",
    excerpt=("a.py:1:8: F401 `os` imported but unused", "Found 1 error."),
)


def terminal(run: Run) -> str:
    stream = io.StringIO()
    render_terminal(run, [], terminal_console(stream))
    return stream.getvalue()


def test_the_terminal_shows_the_reason_and_where_the_whole_log_is() -> None:
    assert (
        "lint: exit code 1\n  a.py:1:8: F401 `os` imported but unused\n  Found 1 error.\n"
        "  whole log: reports/logs/lint.log\n\nGate"
    ) in terminal(a_run(gates=(LINT,), outcome="failed"))


def test_what_its_tools_found_is_shown_instead_of_the_log_errors_first_and_the_rest_counted() -> None:
    warning = Diagnostic(path="b.py", line=1, rule="W1", severity="warning", message="may be")
    found = Diagnostic(path="a.py", line=3, column=4, rule="arg-type", severity="error", message="is wrong")
    many = Diagnostics(count=FINDINGS + 7, kept=(warning, *[found] * (FINDINGS + 3)))
    gate = msgspec.structs.replace(LINT, diagnostics=many)
    (reason,) = reasons(a_run(gates=(gate,), outcome="failed"))
    assert reason.words == f"{FINDINGS + 7} findings (exit code 1)"
    assert reason.lines == (*["a.py:3:4: arg-type is wrong"] * FINDINGS, "… and 7 more findings")
    timeout = msgspec.structs.replace(gate, outcome=GateOutcome.TIMEOUT)
    assert reasons(a_run(gates=(timeout,), outcome="failed"))[0].lines == LINT.excerpt


def test_the_summary_shows_it_in_a_block_that_nothing_can_leave() -> None:
    hostile = a_gate("lint", GateOutcome.FAILED, reason="exit code 1", excerpt=("```", "# no heading"))
    shown = render_markdown(a_run(gates=(hostile,), outcome="failed"), [])
    assert "## Why gates failed\n\n- **lint**: exit code 1" in shown
    assert "  ````text\n  ```\n  # no heading\n  ````" in shown


def test_an_annotation_and_the_case_of_the_gate_hold_it() -> None:
    run = a_run(gates=(LINT,), outcome="failed")
    assert "::exit code 1%0Aa.py:1:8: F401 `os` imported but unused%0AFound 1 error." in render_github(run, [])
    assert "why, from its log:\na.py:1:8: F401 `os` imported but unused" in junit_document(run, [])


def test_a_gate_that_printed_nothing_says_so() -> None:
    run = a_run(gates=(a_gate("silent", GateOutcome.FAILED, reason="exit code 1"),), outcome="failed")
    assert "silent: exit code 1\n  (its log has nothing more)\n" in terminal(run)


@pytest.mark.parametrize(
    "gate",
    [
        a_gate(),
        a_gate("docs", GateOutcome.SKIPPED),
        a_gate("docs", GateOutcome.INTERRUPTED),
        a_gate("docs", GateOutcome.COULD_NOT_RUN, accepted=True, excerpt=("no such program",)),
        a_gate("test", GateOutcome.FAILED, tests=TestCounts(run=1, failed=1)),
    ],
)
def test_nothing_is_said_of_gates_that_need_no_reason(gate: GateResult) -> None:
    assert reasons(a_run(gates=(gate,))) == ()
