from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest

from gates.portable.values import LEVELS, GateOutcome, TestOutcome
from gates.results import GateResult, TestResult, count_tests
from gates.results.event_schema import GateEnded, GateStarted, TestSlow
from gates.run.events import EngineEvent, TestsLanded
from gates.run.progress import PLAIN_EVERY, LiveProgress, PlainProgress, end_line, make_progress
from tests.gates.run.making import a_plan, a_result, a_test, planned

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAN = a_plan(planned("lint"), planned("test"))


class Terminal(io.StringIO):
    """Looks like a terminal."""

    def isatty(self) -> bool:
        return True


class Ascii(io.StringIO):
    """Refuses what does not fit its encoding, as a real stream does."""

    encoding = "ascii"

    def write(self, text: str) -> int:
        text.encode("ascii")
        return super().write(text)


class AsciiTerminal(Ascii):
    def isatty(self) -> bool:
        return True


def started(gate: str, command_line: str, workers: str = "") -> GateStarted:
    return GateStarted(time=0.0, gate=gate, command_line=command_line, workers=workers)


def slow(gate: str, test: str, seconds: float) -> TestSlow:
    return TestSlow(time=0.0, gate=gate, test=test, seconds=seconds)


def ended(result: GateResult) -> GateEnded:
    return GateEnded(time=0.0, result=result)


def landed(*results: TestResult, expected: int = 10) -> TestsLanded:
    return TestsLanded("test", results, expected)


def shown(stream: io.StringIO, events: Sequence[EngineEvent]) -> str:
    with make_progress(PLAN, stream) as progress:
        for event in events:
            progress.take(event)
    return stream.getvalue()


FAILURE = a_test("a.py::b", TestOutcome.FAILED, message="assert 1 == 2")
EVENTS: tuple[EngineEvent, ...] = (
    started("lint", "nox -s lint"),
    started("test", "nox -s test"),
    landed(a_test("a.py::a"), FAILURE),
    ended(a_result("lint", duration=1.25)),
    ended(a_result("test", GateOutcome.FAILED, duration=75.0, reason="1 test failed", inconsistent=True)),
)


def test_a_log_gets_plain_lines() -> None:
    lines = shown(io.StringIO(), EVENTS).splitlines()
    assert lines == [
        "        START  lint  nox -s lint",
        "        START  test  nox -s test",
        "       FAILED  test  a.py::b  assert 1 == 2",
        "         PASS  lint     1.25s",
        "         FAIL  test    1m 15s  inconsistent:  1 test failed",
    ]


def test_a_terminal_gets_the_same_words() -> None:
    text = shown(Terminal(), EVENTS)
    for words in ("FAILED", "a.py::b  assert 1 == 2", "PASS", "inconsistent:", "1m 15s"):
        assert words in text
    assert "\x1b[" in text, "it was live"


def test_a_terminal_shows_what_runs_and_how_far_it_is() -> None:
    stream = Terminal()
    with LiveProgress(PLAN, stream) as progress:
        progress.take(started("test", "nox -s test"))
        progress.take(landed(a_test("a"), FAILURE, expected=7))
        progress._bars.refresh()  # what its own thread does ten times a second
    assert "2 of 7 tests, 1 failed" in stream.getvalue()


def test_tests_that_are_skipped_while_others_are_collected_are_a_part_of_no_number() -> None:
    stream = Terminal()
    with LiveProgress(PLAN, stream) as progress:
        progress.take(started("test", "nox -s test"))
        progress.take(landed(a_test("a"), a_test("b"), expected=0))
        progress._bars.refresh()
    assert "2 tests" in stream.getvalue()
    assert "of 0" not in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["log", "terminal"])
def test_it_is_said_why_a_gate_has_so_many_workers(stream: io.StringIO) -> None:
    assert "-n auto: 2 workers: why" in shown(stream, [started("test", "nox", "2 workers: why")])


@pytest.mark.parametrize("stream", [Ascii(), AsciiTerminal()], ids=["log", "terminal"])
def test_no_name_of_a_test_ends_the_run(stream: io.StringIO) -> None:
    odd = a_test("a.py::größe[\ud800]", TestOutcome.FAILED, message="[bold]…[/nothing] \udcff")
    text = shown(stream, [started("test", "größe"), landed(odd), ended(a_result(reason="größe"))])
    assert "gr\\xf6\\xdfe[\\ud800]" in text
    assert "[bold]\\u2026[/nothing] \\udcff" in text


@pytest.mark.parametrize(
    ("outcome", "told"),
    [(outcome, outcome.value in {"failed", "error", "timeout", "crashed"}) for outcome in TestOutcome],
)
def test_only_tests_that_are_wrong_are_told_one_by_one(outcome: TestOutcome, told: bool) -> None:
    assert ("a.py::b" in shown(io.StringIO(), [landed(a_test("a.py::b", outcome))])) is told


def test_a_long_gate_says_now_and_then_that_it_lives() -> None:
    stream, now = io.StringIO(), [0.0]
    progress = PlainProgress(PLAN, stream, clock=lambda: now[0])
    progress.take(started("test", "nox -s test"))
    for step in range(7):
        now[0] = step * PLAIN_EVERY / 2
        progress.take(landed(a_test(f"t{step}"), a_test(f"x{step}", TestOutcome.EXCLUDED)))
    assert [line.strip() for line in stream.getvalue().splitlines()[1:]] == [
        "test  3 of 10 tests, 0 failed",
        "test  5 of 10 tests, 0 failed",
        "test  7 of 10 tests, 0 failed",
    ]


@pytest.mark.parametrize("outcome", GateOutcome)
def test_every_outcome_of_a_gate_has_a_word(outcome: GateOutcome) -> None:
    assert shown(io.StringIO(), [ended(a_result("lint", outcome))]).split()[0] in {
        "PASS", "FAIL", "TIMEOUT", "COULD", "SKIPPED", "INTERRUPTED",
    }  # fmt: skip


def test_a_gate_that_never_started_ends_on_a_terminal_too() -> None:
    assert "SKIPPED" in shown(Terminal(), [ended(a_result("lint", GateOutcome.SKIPPED))])


def test_the_end_of_a_gate_names_its_tests() -> None:
    outcomes = [TestOutcome.PASSED] * 3 + [TestOutcome.SKIPPED, TestOutcome.EXCLUDED, TestOutcome.NOT_RUN]
    counts = count_tests(a_test(f"t{number}", outcome) for number, outcome in enumerate(outcomes))
    assert end_line(a_result(duration=2.0, tests=counts)) == (
        "   2.00s  3 tests run: 3 passed, 1 skipped, 1 excluded, 1 not run"
    )


def test_what_the_config_accepts_is_said() -> None:
    result = a_result(outcome=GateOutcome.COULD_NOT_RUN, reason="static check only", accepted=True)
    assert end_line(result).endswith("static check only (accepted by the config)")


@pytest.mark.parametrize("make", [io.StringIO, Terminal])
@pytest.mark.parametrize("level", LEVELS)
def test_tests_that_still_run_are_spoken_of_from_their_level_on(level: str, make: type[io.StringIO]) -> None:
    stream = make()
    with make_progress(a_plan(planned("test"), status_level=level), stream) as progress:
        progress.take(slow("test", "a.py::a", 60.0))
    assert ("SLOW" in stream.getvalue()) == (level not in ("none", "fail", "flaky"))


@pytest.mark.parametrize("make", [io.StringIO, Terminal])
def test_no_name_of_a_test_moves_the_cursor_or_begins_a_line(make: type[io.StringIO]) -> None:
    stream = make()
    with make_progress(PLAN, stream) as progress:
        progress.take(slow("test", "a.py::a[\x1b]0;owned\x07\n::error::]", 60.0))
        progress.take(landed(a_test("a.py::b[\x1b[2J]", TestOutcome.FAILED, message="no\n::error::")))
    assert "\x1b]0;" not in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()
    assert not any(line.startswith("::") for line in stream.getvalue().splitlines())


def test_a_terminal_shows_how_long_a_gate_usually_takes_and_when_the_run_ends() -> None:
    stream, now = Terminal(), [100.0]
    plan = a_plan(planned("lint", expected=4.0), planned("test", expected=60.0), jobs=2)
    with LiveProgress(plan, stream, clock=lambda: now[0]) as progress:
        progress.take(started("lint", "nox -s lint"))
        progress.take(started("test", "nox -s test"))
        now[0] = 110.0
        progress.take(landed(a_test("a")))
        progress._bars.refresh()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert re.search(r" test +\S+ 1 of 10 tests +0s of about 1m 00s", text)
    assert re.search(r" 0 of 2 gates ended +0s of about 1m 00s", text)


def test_a_log_says_how_long_a_gate_usually_takes_and_when_the_run_ends() -> None:
    stream, now = io.StringIO(), [100.0]
    plan = a_plan(planned("lint", expected=4.0), planned("test", expected=60.0), jobs=2)
    progress = PlainProgress(plan, stream, clock=lambda: now[0])
    progress.take(started("test", "nox -s test"))
    now[0] += PLAIN_EVERY
    progress.take(landed(a_test("a")))
    assert [line.strip() for line in stream.getvalue().splitlines()] == [
        "START  test  nox -s test  (usually 1m 00s)",
        "test  1 of 10 tests, 0 failed; all in about 45.0s",
    ]


def test_live_lines_keep_the_name_and_the_time_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    plan = a_plan(planned("integration", expected=4.0), planned("test"), jobs=2)
    with LiveProgress(plan, stream) as progress:
        progress.take(started("integration", "python -m pytest " + "-q " * 40))
        progress._bars.refresh()
    lines = [
        line for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).splitlines() if "integration" in line
    ]
    assert re.fullmatch(r"\r?. integration \S+ python -m pytest [-q ]*… 0s of about 4.00s", lines[-1])
    assert len(lines[-1].strip("\r")) == 80
