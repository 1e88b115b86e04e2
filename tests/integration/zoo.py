"""Bad tests of every kind and in every form, and what must become of them and of their neighbours.

`python -m tests.integration.zoo [--runs N] [--seed N]` runs random mixes of them and compares what was collected with
what was reported; `--full` runs all of them in every arrangement.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

from gates.results.files import load_run
from gates.run.processes import marked_processes
from tests.integration.project import Project, checklist, pytest_gate

HEAD = """\
import asyncio, ctypes, itertools, os, signal, subprocess, sys, threading, time
import pytest

def kill_me(number):
    os.kill(os.getpid(), number)

def nest():
    it = iter([])
    for _ in range(100_000):
        it = map(abs, it)
    next(it, None)

def deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGTERM])

def family():
    deaf()
    if not os.fork():
        time.sleep(600)
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    time.sleep(600)

def stubborn():
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

class Odd(BaseException):
    pass

def raises(error):
    raise error

tried = []

def second_time():
    tried.append(1)
    assert len(tried) > 1, "not yet"
"""


class Kind(NamedTuple):
    """A way to be bad.

    Attributes:
        code: an expression.
        outcome: of a test that evaluates it.
        around: of a test in whose fixture it is evaluated.
    """

    code: str
    outcome: str
    around: str


KINDS = {
    "fine": Kind("None", "passed", "passed"),
    "fails": Kind("raises(AssertionError('no'))", "failed", "error"),
    "odd": Kind("raises(Odd('odd'))", "failed", "error"),
    "leaves": Kind("sys.exit(3)", "failed", "error"),
    "exits": Kind("os._exit(0)", "crashed", "crashed"),
    "exits_badly": Kind("os._exit(3)", "crashed", "crashed"),
    "killed": Kind("kill_me(signal.SIGKILL)", "crashed", "crashed"),
    "terminated": Kind("kill_me(signal.SIGTERM)", "crashed", "crashed"),
    "faults": Kind("ctypes.string_at(0)", "crashed", "crashed"),
    "aborts": Kind("os.abort()", "crashed", "crashed"),
    "recurses_in_c": Kind("nest()", "crashed", "crashed"),
    "hangs": Kind("time.sleep(600)", "timeout", "timeout"),
    "hangs_stubbornly": Kind("stubborn()", "timeout", "timeout"),
    "hangs_deaf": Kind("(deaf(), time.sleep(600))", "timeout", "timeout"),
    "holds_the_gil": Kind("ctypes.PyDLL(None).sleep(600)", "timeout", "timeout"),
    "hangs_with_children": Kind("family()", "timeout", "timeout"),
    "shouts": Kind("[print('x' * 1000) for _ in range(2000)]", "passed", "passed"),
    "leaves_a_thread": Kind("threading.Thread(target=threading.Event().wait).start()", "passed", "passed"),
    "flaky": Kind("second_time()", "flaky", "flaky"),
}

FORMS = {
    "function": "def test_NAME_function():\n    CODE\n",
    "method": "class TestNAME:\n    def test_NAME_method(self):\n        CODE\n    def test_good(self): pass\n",
    "parameter": "@pytest.mark.parametrize('n', [0, 1])\ndef test_NAME_parameter(n):\n    if n: CODE\n",
    "setup": "@pytest.fixture\ndef NAME_up():\n    CODE\n    yield\ndef test_NAME_setup(NAME_up): pass\n",
    "teardown": "@pytest.fixture\ndef NAME_down():\n    yield\n    CODE\ndef test_NAME_teardown(NAME_down): pass\n",
    "subtest": (
        "def test_NAME_subtest(subtests):\n    with subtests.test('one'): pass\n    with subtests.test('two'): CODE\n"
    ),
    "async": (
        "def test_NAME_async():\n    async def run():\n        await asyncio.sleep(0)\n        CODE\n"
        "    asyncio.run(run())\n"
    ),
}

CONFIG = """\
timeout = "5m"

[tests]
slow-timeout = { period = "500ms", terminate-after = 1, grace = "300ms" }

[[tests.overrides]]
filter = "test(flaky)"
retries = 1

# Only what is to be ended has a short limit: on a busy machine everything else may take its time.
[[tests.overrides]]
filter = "not test(hang) and not test(gil)"
slow-timeout = { period = "30s", terminate-after = 1, grace = "1s" }
"""


class Cage(NamedTuple):
    """One bad test."""

    kind: str
    form: str

    @property
    def source(self) -> str:
        """The test, with a good neighbour."""
        text = FORMS[self.form].replace("NAME", self.kind).replace("CODE", KINDS[self.kind].code)
        return f"{text}\ndef test_behind_{self.kind}_{self.form}(): pass\n"

    @property
    def outcomes(self) -> dict[str, str]:
        """What must become of it and of its neighbours, by the part of the id behind the file."""
        kind = KINDS[self.kind]
        found = {f"test_behind_{self.kind}_{self.form}": "passed"}
        name = f"test_{self.kind}_{self.form}"
        if self.form == "method":
            return found | {f"Test{self.kind}::{name}": kind.outcome, f"Test{self.kind}::test_good": "passed"}
        if self.form == "parameter":
            return found | {f"{name}[0]": "passed", f"{name}[1]": kind.outcome}
        if self.form in ("setup", "teardown"):
            return found | {name: kind.around}
        if self.form == "subtest" and self.kind == "flaky":
            return found | {name: "failed"}  # a test whose subtests failed is not tried again
        return found | {name: kind.outcome}


def every_cage() -> list[Cage]:
    """All kinds in all forms."""
    return [Cage(kind, form) for kind in KINDS for form in FORMS]


def options_of(workers: int, dist: str) -> tuple[str, ...]:
    """Arguments of pytest."""
    return ("-n", str(workers), "--dist", dist) if workers else ()


def build(project: Project, cages: list[Cage], *arrangements: tuple[int, str]) -> dict[str, str]:
    """Write a project with a gate for each arrangement; the outcomes that must come of it in each."""
    expected: dict[str, str] = {}
    for cage in cages:
        file = f"test_{cage.kind}_{cage.form}.py"
        project.write({file: HEAD + "\n" + cage.source})
        expected |= {f"{file}::{name}": outcome for name, outcome in cage.outcomes.items()}
    gates = [pytest_gate(*options_of(*each), name=f"test{number}") for number, each in enumerate(arrangements, 1)]
    project.write(checklist(*gates, config=CONFIG))
    return expected


def faults_of(project: Project, cages: list[Cage], *arrangements: tuple[int, str]) -> list[str]:
    """Build, run in all arrangements at once, and say what is not as it must be."""
    expected = build(project, cages, *arrangements)
    done = project.gates("run", "--jobs", str(len(arrangements)))
    run = load_run(project.reports / "run.json")
    bad = set(expected.values()) - {"passed", "flaky"}
    faults = [] if done.code == (1 if bad else 0) else [f"exit code {done.code}"]
    for number, (workers, dist) in enumerate(arrangements, 1):
        gate = project.gate(f"test{number}")
        results = [test for test in project.tests if test.gate == gate.name]
        found = {test.id: str(test.outcome) for test in results}
        wrong = ["a test has two results"] if len(found) < len(results) else []
        wrong += [
            f"{test}: {found.get(test, 'lost')} instead of {outcome}"
            for test, outcome in expected.items()
            if found.get(test) != outcome
        ]
        wrong += [f"{test}: {found[test]}, and was never there" for test in found if test not in expected]
        if gate.inconsistent:
            wrong.append(f"inconsistent: {gate.reason}")
        wrong += [f"process {pid} is left" for pid in marked_processes(f"{run.id}-{number}")]
        faults += [f"-n {workers} --dist {dist}: {each}" for each in wrong]
    return faults


ARRANGEMENTS = [(0, "no"), *((workers, dist) for workers in (1, 2, 8) for dist in ("load", "worksteal"))]


def main() -> int:
    """Run random mixes, or everything; the number of faults decides."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    dice = random.Random(asked.seed)
    cages = every_cage()
    if asked.full:
        mixes = [(cages, *arrangement) for arrangement in ARRANGEMENTS]
    else:
        mixes = [(dice.sample(cages, dice.randint(1, 12)), *dice.choice(ARRANGEMENTS)) for _ in range(asked.runs)]
    broken = tests = 0
    for number, (mix, workers, dist) in enumerate(mixes, 1):
        with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
            project = Project(Path(folder, "project"), Path(folder, "cache"))
            project.patience = 900.0
            faults = faults_of(project, mix, (workers, dist))
            tests += len(project.tests)
        broken += bool(faults)
        print(
            f"{number}/{len(mixes)}: {len(mix)} cages, -n {workers} --dist {dist}: {'; '.join(faults) or 'as it must'}"
        )
        sys.stdout.flush()
        if faults:
            print(indent("\n".join(f"{cage.kind} {cage.form}" for cage in mix), "    "))
    print(f"{len(mixes)} runs, {tests} tests, {broken} runs with faults")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
