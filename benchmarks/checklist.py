"""A whole checklist on the sample project: `gates run` against everybody else who can run it."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from benchmarks.claims import CannotMeasure, Claim, Figures, Subject, Workplace
from benchmarks.harness import Contestant, cpu, gates_command, interleave, need_modules, wall
from benchmarks.sample import CHECKS, write_sample

if TYPE_CHECKING:
    from pathlib import Path

SERIAL = Claim(
    name="run-serial",
    what="a checklist of 7 gates: `gates run -R` against a shell script with one `nox -R -s NAME` after the other",
    goal=0.85,
)
BOUND = Claim(
    name="run-bound",
    what="the same against what cannot be undercut: the longest gate alone, or all processor time by the cores",
    goal=1.15,
)
TOX = Claim(name="run-tox", what="the same against `tox run-parallel` over the same commands", goal=1.0)
NOX = Claim(name="run-nox", what="the same against one `nox -R` over all sessions, one after the other")
NOX_PARALLEL = Claim(name="run-nox-parallel", what="the same against `nox -R --allow-parallel -j auto` (experimental)")
TOOLS = ("nox", "uv", "tox", "ruff", "mypy", "pytest", "hatchling")
ROUNDS = 7


def prepare(root: Path, environment: dict[str, str]) -> None:
    """Write the project, commit it, and make every environment, outside the time."""
    write_sample(root, sys.executable)
    start = (sys.executable, "-m")
    identity = ("-c", "user.name=Sample", "-c", "user.email=sample@example.invalid", "-c", "commit.gpgsign=false")
    for command in (
        (*start, "ruff", "format", "-q", "."),
        ("git", "init", "-q", "-b", "main"),
        ("git", "add", "-A"),
        ("git", *identity, "commit", "-q", "--no-verify", "-m", "Sample"),
        (*start, "nox", "--install-only"),
        (*start, "tox", "run", "--notest", "-q"),
    ):
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CannotMeasure(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def longest(root: Path) -> float:
    """Seconds of the longest session in the shell script's last run, from the marks that it left."""
    marks = [(root / ".marks" / name).stat().st_mtime_ns for name in ("begin", *CHECKS)]
    return max(end - begin for begin, end in itertools.pairwise(marks)) / 1e9


def measure(place: Workplace) -> dict[str, Figures]:
    """Everything in turns; the bound comes from the serial run of the same round."""
    need_modules(*TOOLS)
    root = place.folder / "sample"
    prepare(root, place.environment)
    alone: list[float] = []
    planned: list[float] = []

    def keep_bound() -> None:
        run = msgspec.json.decode((root / "reports" / "run.json").read_bytes())
        times = [gate["duration"] for gate in run["gates"]]
        planned.append(max(*times, sum(gate["cpu"] for gate in run["gates"]) / cores()))

    nox = (sys.executable, "-m", "nox", "-R")
    tox = ("run-parallel", "-p", "auto", "--skip-pkg-install", "--skip-env-install", "--parallel-no-spinner", "-q")
    sides = (
        Contestant(name="gates", command=gates_command("run", "-R"), cwd=root, after=keep_bound),
        Contestant(name="serial", command=("sh", "serial.sh"), cwd=root, after=lambda: alone.append(longest(root))),
        Contestant(name="tox", command=(sys.executable, "-m", "tox", *tox), cwd=root),
        Contestant(name="nox", command=nox, cwd=root),
        Contestant(name="nox-parallel", command=(*nox, "--allow-parallel", "-j", "auto"), cwd=root),
    )
    samples = interleave(sides, place.environment, rounds=ROUNDS, patience=place.patience * 2)
    ours, runs = wall(samples["gates"]), len(samples["gates"])
    by_round = zip(alone[-runs:], samples["serial"], strict=True)
    bound = statistics.median(max(gate, serial.cpu / cores()) for gate, serial in by_round)
    note = (
        f"longest alone {statistics.median(alone[-runs:]):.2f} s, processor time {cpu(samples['serial']):.2f} s on "
        f"{cores()} cores; bound by the gates' own figures in the very run {statistics.median(planned[-runs:]):.2f} s"
    )

    def against(other: str) -> Figures:
        return Figures(ours=ours, other=wall(samples[other]), runs=runs)

    return {
        SERIAL.name: against("serial"),
        BOUND.name: Figures(ours=ours, other=bound, runs=runs, note=note),
        TOX.name: against("tox"),
        NOX.name: against("nox"),
        NOX_PARALLEL.name: against("nox-parallel"),
    }


def cores() -> int:
    """Processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


SUBJECT = Subject(name="run", claims=(SERIAL, BOUND, TOX, NOX, NOX_PARALLEL), measure=measure)
