"""Measure how long `gates list -E` takes to list many cases of a test, and how that grows with their number."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import Contestant, cpu, gates_command, interleave, need_modules

if TYPE_CHECKING:
    from pathlib import Path

FEW, MANY = 16_000, 60_000
EXPRESSION = "param(/7$/) and not param(/77$/)"
LIST = Claim(
    name="list-filter",
    what=f"`gates list -E` over {MANY:,} cases of a test against `pytest --collect-only -q`",
    goal=1.5,
)
GROWTH = Claim(
    name="list-growth",
    what=f"`gates list -E` over {MANY:,} cases against {MANY / FEW:g} times the time of {FEW:,}",
    goal=1.1,
)


def write_tests(folder: Path, tests: int) -> None:
    """A project whose only gate runs this many cases of one test."""
    folder.mkdir()
    text = f"import pytest\n\n\n@pytest.mark.parametrize('number', range({tests}))\ndef test_case(number):\n    pass\n"
    (folder / "test_cases.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = f"{sys.executable} -m pytest -q -p no:cacheprovider"
    (folder / "gates.toml").write_text(f'[gate.test]\ncommand = "{command}"\ntests = "pytest"\n', encoding="utf-8")


def measure(place: Workplace) -> dict[str, Figures]:
    """Both sizes in turns, each compared with pytest alone."""
    need_modules("pytest")
    collect = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q")
    sides = []
    for name, tests in (("few", FEW), ("many", MANY)):
        folder = place.folder / name
        write_tests(folder, tests)
        sides.append(Contestant(name=f"list {name}", command=gates_command("list", "-E", EXPRESSION), cwd=folder))
        sides.append(Contestant(name=f"collect {name}", command=collect, cwd=folder))
    samples = interleave(sides, place.environment, rounds=5, patience=place.patience)
    runs = len(samples["list many"])
    few, many, bare = (cpu(samples[name]) for name in ("list few", "list many", "collect many"))
    note = f"{FEW:,} tests: {few / cpu(samples['collect few']):.2f}"
    return {
        LIST.name: Figures(ours=many, other=bare, runs=runs, note=note),
        GROWTH.name: Figures(ours=many, other=few * MANY / FEW, runs=runs),
    }


SUBJECT = Subject(name="listing", claims=(LIST, GROWTH), measure=measure)
