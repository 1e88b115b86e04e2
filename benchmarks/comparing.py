"""What a comparison with the base costs: against the run of the head alone, with the base known and with it unknown."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.claims import CannotMeasure, Claim, Figures, Subject, Workplace
from benchmarks.harness import Contestant, gates_command, interleave, need_modules, wall
from benchmarks.sample import PACKAGE, write_sample

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = Claim(
    name="compare-known",
    what="`gates compare main` of 820 tests and about 8,000 lines, the base known, against `gates run` of the head",
    goal=1.1,
)
FRESH = Claim(name="compare-fresh", what="the same with nothing known: both sides are run", goal=2.2)
ROUNDS = 9
WORK = 3.0
"""Seconds that the longest test takes: a suite that is never compared has no need to be quick."""

_LONG = f"""\
import time


def test_long() -> None:
    end = time.perf_counter() + {WORK}
    while time.perf_counter() < end:
        pass
"""


def prepare(root: Path, environment: dict[str, str], *, long: bool = True) -> None:
    """A base that is committed, and a head with one changed function in the working tree.

    Args:
        root: a folder that does not exist yet.
        environment: of git.
        long: whether one of the tests takes `WORK`.
    """
    write_sample(root, sys.executable, {"test": (("pytest", "-q"),)})
    if long:
        (root / "tests" / "test_long.py").write_text(_LONG, encoding="utf-8")
    commit(root, environment)
    part = root / PACKAGE / "part_00.py"
    part.write_text(f"{part.read_text(encoding='utf-8')}\n\nADDED = 1\n", encoding="utf-8")


def commit(root: Path, environment: dict[str, str]) -> None:
    """Commit everything as the base.

    Raises:
        CannotMeasure: git failed.
    """
    identity = ("-c", "user.name=Sample", "-c", "user.email=sample@example.invalid", "-c", "commit.gpgsign=false")
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        (*identity, "commit", "-q", "--no-verify", "-m", "Base"),
    ):
        done = subprocess.run(("git", *words), cwd=root, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CannotMeasure(f"git {' '.join(words)} failed:\n{done.stderr[-2000:]}")


def measure(place: Workplace) -> dict[str, Figures]:
    """All three in turns."""
    need_modules("nox", "pytest", "griffe")
    root = place.folder / "compared"
    prepare(root, place.environment)
    sides = (
        Contestant(name="head", command=gates_command("run", "--gate", "test"), cwd=root),
        Contestant(name="known", command=gates_command("compare", "main", "--gate", "test"), cwd=root),
        Contestant(name="fresh", command=gates_command("compare", "main", "--gate", "test", "--fresh"), cwd=root),
    )
    samples = interleave(sides, place.environment, rounds=ROUNDS, patience=place.patience)
    head, runs = wall(samples["head"]), len(samples["head"])
    note = f"one test of {WORK:g} s among them"
    return {
        claim.name: Figures(ours=wall(samples[side]), other=head, runs=runs, note=note)
        for claim, side in ((KNOWN, "known"), (FRESH, "fresh"))
    }


SUBJECT = Subject(name="comparing", claims=(KNOWN, FRESH), measure=measure)
