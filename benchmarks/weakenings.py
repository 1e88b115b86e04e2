"""What it adds to a comparison that it looks for tests and settings that got weaker."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import msgspec

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.comparing import prepare
from benchmarks.harness import Contestant, added_cpu, cpu, interleave, need_modules, timed

if TYPE_CHECKING:
    from pathlib import Path

CHANGED, ROUNDS = 10, 5
FRESH = Claim(
    name="weakenings-fresh",
    what="processor time of `gates compare main --fresh` of 820 tests, 10 of them changed, against the same without a look at what got weaker",
    goal=1.05,
)
KNOWN = Claim(name="weakenings-known", what="the same, with the base known", goal=1.05)

_DRIVER = """\
import sys

from gates.analysis.checks import weaker
from gates.pipeline import measured_comparison, python_sources
from gates.commands import compare

if sys.argv.pop(1) == "without":
    compare.watch_changed_tests = lambda *words: {}
    measured_comparison.changed_settings = lambda *words, **more: ()
    python_sources.weaker_checks = lambda *words: weaker.WeakerChecks()
from gates.cli import main

main()
"""
"""Starts gates with or without the three parts."""


def change_tests(root: Path) -> None:
    """Change one test in each of some files; each still checks the same."""
    for path in sorted((root / "tests").glob("test_part_*.py"))[:CHANGED]:
        text = path.read_text(encoding="utf-8")
        changed = re.sub(r"    assert (.*) == (.*)\n", r"    found = \1\n    assert found == \2\n", text, count=1)
        path.write_text(changed, encoding="utf-8")


def measure(place: Workplace) -> dict[str, Figures]:
    """With and without, in turns: the difference in each round is what the parts cost, whatever else the machine does."""
    need_modules("nox", "pytest", "griffe")
    root = place.folder / "weaker"
    prepare(root, place.environment, long=False)
    change_tests(root)
    driver = place.folder / "driver.py"
    driver.write_text(_DRIVER, encoding="utf-8")
    figures = {}
    for claim, more in ((FRESH, ("--fresh",)), (KNOWN, ())):
        sides = [
            Contestant(
                name=name,
                command=(sys.executable, str(driver), name, "compare", "main", "--gate", "test", *more),
                cwd=root,
            )
            for name in ("with", "without")
        ]
        if claim is KNOWN:  # the base is stored with its records, as the usual comparison leaves it
            fresh = msgspec.structs.replace(sides[0], command=(*sides[0].command, "--fresh"))
            timed(fresh, place.environment)
        samples = interleave(sides, place.environment, rounds=ROUNDS, patience=place.patience / 2)
        added, other = added_cpu(samples["with"], samples["without"]), cpu(samples["without"])
        note = f"{added:+.3f} s of processors a comparison"
        figures[claim.name] = Figures(ours=other + added, other=other, runs=len(samples["with"]), note=note)
    return figures


SUBJECT = Subject(name="weakenings", claims=(FRESH, KNOWN), measure=measure)
