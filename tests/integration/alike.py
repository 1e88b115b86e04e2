"""Compare a branch that changes nothing with its base, again and again, and see that nothing is found.

`python -m tests.integration.alike [--runs N] [--budget SECONDS]` does real work on both sides (sorting, JSON, hashing,
compressing, text); `--planted` makes one test 30% and one 1% slower, and says what each was called.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.integration.project import Project, noxfile, pytest_session

SLOWER, LITTLE = "test_slower", "test_little"

TESTS = """
import hashlib, json, random, re, zlib
import pytest

DICE = random.Random(1)
NUMBERS = [DICE.random() for _ in range(20_000)]
ROWS = [{{"id": number, "name": f"row {{number}}", "values": NUMBERS[number:number + 5]}} for number in range(400)]
TEXT = " ".join(f"word{{int(1000 * number)}}" for number in NUMBERS)

def sorting(): assert sorted(NUMBERS)[0] >= 0
def dumping(): assert json.loads(json.dumps(ROWS)) == ROWS
def hashing(): assert len(hashlib.sha256(TEXT.encode() * 20).hexdigest()) == 64
def packing(): assert zlib.decompress(zlib.compress(TEXT.encode())) == TEXT.encode()
def finding(): assert len(re.findall(r"word(\\d+)", TEXT)) == len(NUMBERS)

WORK = (sorting, dumping, hashing, packing, finding)

@pytest.mark.parametrize("number", range({number}))
def test_some_work(number):
    for _ in range(1 + number % 6):
        WORK[number % len(WORK)]()

def chain(times):
    data = b"x"
    for _ in range(times):
        data = hashlib.sha256(data).digest() * 125
    assert data

def test_slower(): chain({slower})
def test_little(): chain({little})
"""

CHAIN = 30_000
"""Links of the chain: about a tenth of a second."""


def write(project: Project, number: int, *, planted: bool) -> None:
    """A base that is committed, and a head whose sources differ in a comment."""
    project.patience = 3600.0
    project.write(noxfile(pytest_session()) | {"gates.toml": "[gate.test]\ntests = 'pytest'\n"})
    (project.folder / "test_work.py").write_text(TESTS.format(number=number, slower=CHAIN, little=CHAIN))
    project.write({".gitignore": "__pycache__\nreports\n"})
    project.commit()
    slower, little = (int(1.3 * CHAIN), int(1.01 * CHAIN)) if planted else (CHAIN, CHAIN)
    text = TESTS.format(number=number, slower=slower, little=little)
    (project.folder / "test_work.py").write_text(f"# The head.\n{text}")


def compare(project: Project, budget: float) -> dict[str, Any]:
    """One comparison, with both long tests timed again in any case: few others are suspected on a quiet machine."""
    also = ("--timed", f"test({SLOWER}) | test({LITTLE})")
    done = project.gates("compare", "main", "--confirm", "2", "--timing-budget", str(budget), *also)
    if done.code != 0:
        sys.stdout.write(done.text)
    found: dict[str, Any] = project.json("comparison.json")
    return found


def main() -> int:
    """Exit code 1 where something was found that is not there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--budget", type=float, default=90.0)
    parser.add_argument("--tests", type=int, default=300)
    parser.add_argument("--planted", action="store_true")
    options = parser.parse_args()
    verdicts: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    false = 0
    with tempfile.TemporaryDirectory(prefix="gates-alike-") as work:
        project = Project(Path(work, "project"), Path(work, "cache"))
        write(project, options.tests, planted=options.planted)
        for number in range(1, options.runs + 1):
            started = time.monotonic()
            found = compare(project, options.budget)
            changes = {one["test"].rpartition("::")[2]: one for one in found["timing"]["changes"]}
            for test in (SLOWER, LITTLE) if options.planted else ():
                one = changes.pop(test, None)
                planted[f"{test}: {one['verdict'] if one else 'not timed'}"] += 1
            verdicts.update(one["verdict"] for one in changes.values())
            wrong = [name for name, one in changes.items() if one["verdict"] in ("slower", "faster")]
            others = [name for name in found["findings"] if name != "slower"]
            false += bool(wrong or others)
            said = f"{found['suspects']} suspects, {len(changes)} timed, {found['timing']['rounds']} rounds"
            sys.stdout.write(
                f"{number}: {said}, {time.monotonic() - started:.0f} s; false: {wrong + others or 'none'}\n"
            )
            for name, one in changes.items():
                sys.stdout.write(
                    f"    {name}: {one['verdict']}, ratio {one['ratio'] or math.nan:.3f}, p = {one['adjusted_p']:.2g}\n"
                )
            sys.stdout.flush()
    sys.stdout.write(f"{options.runs} comparisons, {false} with a false finding; verdicts {dict(verdicts)}\n")
    if options.planted:
        sys.stdout.write(f"planted, +30% and +1%: {dict(planted)}\n")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
