"""What the test gate costs the tests that it runs, and what a process of its own costs a test."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import BARE_PYTHON, Contestant, added_cpu, cpu, gates_command, interleave, need_modules, wall

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.harness import Sample

MANY, FEW, ALONE = 10_000, 820, 200
GATE_MANY = Claim(name="gate-many", what=f"{MANY} tiny tests through the test gate against bare pytest -n 2", goal=1.05)
GATE_COST = Claim(
    name="gate-cost",
    what="processor time that a test gate adds to a tiny test, JUnit and summary included, against bare pytest -n 2 for it",
    goal=1.0,
)
GATE_FEW = Claim(
    name="gate-few",
    what=f"{FEW} tiny tests through the test gate, without the start of gates and its worker, against bare pytest",
    goal=1.15,
)
ISOLATE = Claim(
    name="isolate-fork",
    what="processor time that a forked process of its own adds to a test, against `python -c pass`",
    goal=1.0,
)

QUIET = ("-q", "-p", "no:cacheprovider")


def write_project(folder: Path, name: str, tests: int, *options: str, config: str = "") -> None:
    """A project whose only gate runs tiny tests."""
    folder.mkdir(parents=True)
    per_file = 500
    for first in range(0, tests, per_file):
        lines = [f"def test_{number}():\n    pass\n" for number in range(first, min(first + per_file, tests))]
        (folder / f"test_{first:05}.py").write_text("\n".join(lines), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = shlex.join(pytest_command(*options))
    text = f'[gate.{name}]\ncommand = "{command}"\ntests = "pytest"\n{config}'
    (folder / "gates.toml").write_text(text, encoding="utf-8")


def pytest_command(*options: str) -> tuple[str, ...]:
    """Bare pytest, as the gate runs it."""
    return (sys.executable, "-m", "pytest", *QUIET, *options)


def sides(folder: Path, label: str, *options: str) -> tuple[Contestant, ...]:
    """The tests of a folder through gates, and bare."""
    return (
        Contestant(name=f"gate {label}", command=gates_command("run"), cwd=folder),
        Contestant(name=f"bare {label}", command=pytest_command(*options), cwd=folder),
    )


def measure(place: Workplace) -> dict[str, Figures]:
    """Each size in turns with its bare side."""
    need_modules("pytest", "xdist")
    many = _many(place)
    few = _few(place)
    return many | few | _isolated(place)


def _many(place: Workplace) -> dict[str, Figures]:
    folder = place.folder / "many"
    write_project(folder, "test", MANY, "-n", "2")
    samples = interleave(sides(folder, "many", "-n", "2"), place.environment, rounds=7, patience=place.patience / 2)
    ours, other = samples["gate many"], samples["bare many"]
    cost = added_cpu(ours, other) / MANY
    return {
        GATE_MANY.name: Figures(ours=wall(ours), other=wall(other), runs=len(ours)),
        GATE_COST.name: Figures(ours=cost, other=cpu(other) / MANY, runs=len(ours), note="the start of gates is in it"),
    }


def _few(place: Workplace) -> dict[str, Figures]:
    folder, one = place.folder / "few", place.folder / "one"
    write_project(folder, "test", FEW)
    write_project(one, "test", 1)
    contestants = (*sides(folder, "few"), *sides(one, "one"))
    samples = interleave(contestants, place.environment, rounds=11, patience=place.patience / 2)
    start = wall(samples["gate one"]) - wall(samples["bare one"])
    ours, other = wall(samples["gate few"]), wall(samples["bare few"])
    note = f"the start takes {start:.3f} s; with it {ours / other:.2f}"
    return {GATE_FEW.name: Figures(ours=ours - start, other=other, runs=len(samples["gate few"]), note=note)}


def _isolated(place: Workplace) -> dict[str, Figures]:
    here, alone = place.folder / "here", place.folder / "alone"
    write_project(here, "test", ALONE)
    write_project(alone, "test", ALONE, config='[tests]\nisolate = "fork"\n')
    contestants = (
        Contestant(name="alone", command=gates_command("run"), cwd=alone),
        Contestant(name="here", command=gates_command("run"), cwd=here),
        Contestant(name="python", command=BARE_PYTHON, cwd=here),
    )
    samples: dict[str, list[Sample]] = interleave(contestants, place.environment, rounds=5, patience=place.patience / 4)
    added = added_cpu(samples["alone"], samples["here"]) / ALONE
    return {ISOLATE.name: Figures(ours=added, other=cpu(samples["python"]), runs=len(samples["alone"]))}


SUBJECT = Subject(name="running", claims=(GATE_MANY, GATE_COST, GATE_FEW, ISOLATE), measure=measure)
