"""A run of many tests, and each side of `benchmarks.reports`: a process that measures its own processor time."""

from __future__ import annotations

import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.junit import Measured
from gates.portable.values import GateOutcome, TestOutcome
from gates.results import Environment, GateResult, Run, Subject, TestResult, count_tests
from gates.results.files import RUN_FILE, TESTS_FILE, load_run, load_tests, to_json

TESTS, FAILING, OUTPUT = 100_000, 20, 2048
"""How many tests, which one of them fails, and the characters of output of those."""

_WORDS = [
    "pool",
    "session",
    "page",
    "block",
    "free",
    "bytes",
    "index",
    "cache",
    "entry",
    "evict",
    "token",
    "layer",
    "head",
    "offset",
    "aligned",
    "request",
    "worker",
    "expected",
    "got",
    "while",
    "reading",
    "from",
    "the",
    "second",
    "tier",
    "before",
    "after",
    "with",
    "without",
    "again",
    "retry",
    "queue",
    "slow",
    "lost",
]
_SEED = 20_261_130


def write_sample(folder: Path) -> None:
    """Write `run.json` and `tests.jsonl`: 2,000 files of 50 tests, on four workers; outputs and tracebacks differ."""
    dice = random.Random(_SEED)
    tests = tuple(_tests(dice))
    counts = count_tests(tests)
    run = Run(
        id="20261130T120000Z-abcd",
        complete=True,
        outcome="failed",
        started=1_796_040_000.0,
        duration=600.0,
        project="sample",
        subject=Subject(kind="commit", name="HEAD", identity="git-tree:" + "4b" * 20, commit="01" * 20, branch="topic"),
        environment=Environment(python="3.11.7", implementation="CPython", system="Linux", machine="x86_64"),
        gates=(
            GateResult(name="test", outcome=GateOutcome.FAILED, duration=600.0, tests=counts, injected=True),
        ),
        planned=("test",),
        tests=counts,
    )  # fmt: skip
    folder.joinpath(RUN_FILE).write_bytes(to_json(run))
    folder.joinpath(TESTS_FILE).write_bytes(b"".join(msgspec.json.encode(test) + b"\n" for test in tests))


def _tests(dice: random.Random) -> Iterator[TestResult]:
    started = 1_796_040_000.0
    for number in range(TESTS):
        module, part = divmod(number, 50)
        file = f"tests/unit/area_{module % 40:02}/test_module_{module:04}.py"
        name = (
            f"{file}::TestWidget::test_{_WORDS[part % len(_WORDS)]}_behaves_as_expected[{part}-{dice.randrange(1000)}]"
        )
        seconds = round(dice.expovariate(100), 6)
        started += seconds / 4
        failed: dict[str, Any] = _failure(dice, file, number) if number % FAILING == 0 else {}
        yield TestResult(
            gate="test",
            id=name,
            outcome=TestOutcome.FAILED if failed else TestOutcome.PASSED,
            duration=seconds,
            worker=f"gw{number % 4}",
            file=file,
            line=9 * part + 4,
            started=round(started, 6),
            **failed,
        )


def _failure(dice: random.Random, file: str, number: int) -> dict[str, str]:
    """A traceback of ten lines, and output of log lines with words and numbers that no other test has."""
    got = dice.randrange(10**6)
    said = f"AssertionError: assert {got} == {number}"
    frames = "\n".join(f"    {' '.join(dice.choices(_WORDS, k=6))} = {dice.randrange(10**4)}" for _ in range(6))
    details = f"{frames}\n>   assert {_WORDS[got % 30]}(value) == {number}\nE   {said}\nE   - {number}\nE   + {got}"
    lines: list[str] = []
    while sum(map(len, lines)) + len(lines) < OUTPUT:
        lines.append(f"{dice.random():.6f} INFO {' '.join(dice.choices(_WORDS, k=7))} {dice.randrange(10**6):06x}")
    place = f"{file}:{number % 50 * 9 + 6}"
    signature = f"{said} @ {file}:test"
    return {
        "message": said, "details": details, "stdout": "\n".join(lines)[:OUTPUT], "place": place, "signature": signature,
    }  # fmt: skip


def read(folder: Path) -> None:
    """Read the tests of the run."""
    load_tests(folder / TESTS_FILE)


def html(folder: Path) -> Callable[[], object]:
    """Make the page of the run, and write it."""
    from gates.render.html import render_html

    run, tests = load_run(folder / RUN_FILE), load_tests(folder / TESTS_FILE)
    return lambda: folder.joinpath("summary.html").write_text(render_html(run, tests), encoding="utf-8")


def markdown(folder: Path) -> Callable[[], object]:
    """Make the Markdown of the run, and write it."""
    from gates.render.markdown import render_markdown

    run, tests = load_run(folder / RUN_FILE), load_tests(folder / TESTS_FILE)
    return lambda: folder.joinpath("summary.md").write_text(render_markdown(run, tests), encoding="utf-8")


def history(folder: Path) -> Callable[[], object]:
    """Record the run in a history that has an earlier one of the same tests."""
    from gates.storage.history import History

    run, tests = load_run(folder / RUN_FILE), load_tests(folder / TESTS_FILE)
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir()
    History(store).record(msgspec.structs.replace(run, id="20261129T120000Z-abcd"), tests)
    return lambda: History(store).record(run, tests)


SIDES: dict[str, Callable[[Path], Callable[[], object]]] = {
    "read": lambda folder: lambda: read(folder),
    "html": html,
    "markdown": markdown,
    "history": history,
}


def main(said: str, side: str, folder: str) -> None:
    """Prepare one side, do it once, and write what that took."""
    work = SIDES[side](Path(folder))
    began = time.process_time()
    work()
    taken = time.process_time() - began
    Path(said).write_bytes(msgspec.json.encode(Measured(seconds=taken, peak=0)))


if __name__ == "__main__":
    main(*sys.argv[1:])
