"""What `gates run` costs by itself: gates that do nothing, one and twenty of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import BARE_PYTHON, Contestant, cpu, gates_command, interleave, need_modules

if TYPE_CHECKING:
    from pathlib import Path

FEW, MANY = 1, 20
COMMANDS_FIXED = Claim(
    name="runner-fixed",
    what="processor time of a run of plain commands before any gate is counted, against `nox --list` of one session",
    goal=1.2,
)
COMMANDS_GATE = Claim(
    name="runner-gate", what="processor time of each further plain command, against `python -c pass`", goal=1.0
)
SESSIONS = Claim(
    name="runner-nox",
    what=f"processor time of a run of {FEW} nox session, its own time aside, against `nox --list` of it",
    goal=2.2,
)


def write_commands(folder: Path, count: int) -> None:
    """A project, no git repository, whose gates are `true`."""
    folder.mkdir()
    tables = [f'[gate.g{number:02}]\ncommand = ["true"]\n' for number in range(count)]
    (folder / "gates.toml").write_text("\n".join(tables), encoding="utf-8")


def write_sessions(folder: Path, count: int) -> None:
    """A project, no git repository, whose gates are nox sessions that do nothing."""
    folder.mkdir()
    head = 'import nox\n\nnox.options.default_venv_backend = "none"\n'
    session = '\n\n@nox.session(tags=["gate"])\ndef g{:02}(session):\n    pass\n'
    text = head + "".join(session.format(number) for number in range(count))
    (folder / "noxfile.py").write_text(text, encoding="utf-8")


def measure(place: Workplace) -> dict[str, Figures]:
    """Fit a line through one and twenty plain commands; set one session against what it takes itself."""
    need_modules("nox")
    few, many, nox = (place.folder / name for name in ("few", "many", "nox"))
    write_commands(few, FEW)
    write_commands(many, MANY)
    write_sessions(nox, FEW)
    own: list[float] = []

    def keep_own() -> None:
        run = msgspec.json.decode((nox / "reports" / "run.json").read_bytes())
        own.append(sum(gate["cpu"] for gate in run["gates"]))

    command = gates_command("run", "-R")
    listing = (sys.executable, "-m", "nox", "-f", "noxfile.py", "--list", "--json")
    sides = (
        Contestant(name="few", command=command, cwd=few),
        Contestant(name="many", command=command, cwd=many),
        Contestant(name="nox", command=command, cwd=nox, after=keep_own),
        Contestant(name="listing", command=listing, cwd=nox),
        Contestant(name="python", command=BARE_PYTHON, cwd=nox),
    )
    samples = interleave(sides, place.environment, rounds=15, patience=place.patience)
    runs = len(samples["few"])
    slope = (cpu(samples["many"]) - cpu(samples["few"])) / (MANY - FEW)
    fixed = cpu(samples["few"]) - FEW * slope
    session = sorted(sample.cpu - own for sample, own in zip(samples["nox"], own[-runs:], strict=True))[runs // 2]
    note = f"{FEW}: {cpu(samples['few']):.3f} s, {MANY}: {cpu(samples['many']):.3f} s"
    bare, listed = cpu(samples["python"]), cpu(samples["listing"])
    return {
        COMMANDS_FIXED.name: Figures(ours=fixed, other=listed, runs=runs, note=note),
        COMMANDS_GATE.name: Figures(ours=slope, other=bare, runs=runs, note=note),
        SESSIONS.name: Figures(ours=session, other=listed, runs=runs),
    }


SUBJECT = Subject(name="runner", claims=(COMMANDS_FIXED, COMMANDS_GATE, SESSIONS), measure=measure)
