"""How long `gates --help` takes to appear."""

from __future__ import annotations

import sys

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import BARE_PYTHON, Contestant, gates_command, interleave, wall

HELP = Claim(name="startup-help", what="`gates --help` against `python -c pass`", goal=8.0)
VERSION = Claim(name="startup-nox", what="`gates --help` against `nox --version`")


def measure(place: Workplace) -> dict[str, Figures]:
    """Start each some twenty times."""
    sides = (
        Contestant(name="help", command=gates_command("--help"), cwd=place.folder),
        Contestant(name="python", command=BARE_PYTHON, cwd=place.folder),
        Contestant(name="nox", command=(sys.executable, "-m", "nox", "--version"), cwd=place.folder),
    )
    samples = interleave(sides, place.environment, rounds=25, patience=place.patience, warm=2)
    ours, runs = wall(samples["help"]), len(samples["help"])
    return {
        HELP.name: Figures(ours=ours, other=wall(samples["python"]), runs=runs),
        VERSION.name: Figures(ours=ours, other=wall(samples["nox"]), runs=runs),
    }


SUBJECT = Subject(name="startup", claims=(HELP, VERSION), measure=measure)
