"""What it costs to run the changed tests without the change: against the same tests in a worktree, by hand."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.comparing import commit, prepare
from benchmarks.harness import Contestant, added_cpu, cpu, gates_command, interleave, need_modules
from benchmarks.sample import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

CLAIM = Claim(
    name="red-green",
    what="what `--red-green` adds to `gates compare main`, against `git worktree add` and pytest with the 10 changed tests",
    goal=1.0,
)
ROUNDS = 9
CHANGED = 10
"""Number of new tests."""

STEPS = 2_000_000
"""Of work in each of them."""

_TEST = """

def test_new_{number}() -> None:
    from {package} import part_00

    total = 0
    for step in range({steps}):
        total += step
    assert hasattr(part_00, "NEW")
"""


def change(root: Path) -> list[str]:
    """Add a name to the code, and tests that need it to files that there are; the ids of these tests."""
    part = root / PACKAGE / "part_00.py"
    part.write_text(f"{part.read_text(encoding='utf-8')}\n\nNEW = 1\n", encoding="utf-8")
    names = []
    for number in range(CHANGED):
        path = root / "tests" / f"test_part_{number:02}.py"
        added = _TEST.format(number=number, steps=STEPS, package=PACKAGE)
        path.write_text(path.read_text(encoding="utf-8") + added, encoding="utf-8")
        names.append(f"tests/test_part_{number:02}.py::test_new_{number}")
    return names


def by_hand(root: Path, names: list[str]) -> str:
    """What a person types: a worktree of the base, the head's test files, and pytest with the changed tests."""
    tree = shlex.quote(str(root.with_name("by-hand")))
    files = sorted({name.partition("::")[0] for name in names})
    return "; ".join(
        [
            "set -e",
            f"git worktree add --quiet --force --detach {tree} main",
            *(f"cp {file} {tree}/{file}" for file in files),
            f"(cd {tree} && {shlex.quote(sys.executable)} -m pytest -q {' '.join(names)}) || test $? -eq 1 -o $? -eq 4",
            f"git worktree remove --force {tree}",
        ]
    )


def measure(place: Workplace) -> dict[str, Figures]:
    """A comparison without and with it, and by hand, in turns."""
    need_modules("nox", "pytest", "griffe")
    root = place.folder / "red-green"
    prepare(root, place.environment, long=False)
    # pytest itself, as by hand.
    (root / "noxfile.py").unlink()
    command = json.dumps([sys.executable, "-m", "pytest", "-q"])
    (root / "gates.toml").write_text(f'[gate.test]\ncommand = {command}\ntests = "pytest"\n', encoding="utf-8")
    commit(root, place.environment)
    names = change(root)
    compare = ("compare", "main", "--gate", "test")
    sides = (
        Contestant(name="compare", command=gates_command(*compare), cwd=root),
        Contestant(name="red-green", command=gates_command(*compare, "--red-green"), cwd=root),
        Contestant(name="by hand", command=("sh", "-c", by_hand(root, names)), cwd=root),
    )
    samples = interleave(sides, place.environment, rounds=ROUNDS, patience=place.patience)
    added = added_cpu(samples["red-green"], samples["compare"])
    runs = len(samples["by hand"])
    return {CLAIM.name: Figures(ours=added, other=cpu(samples["by hand"]), runs=runs, note="seconds of processors")}


SUBJECT = Subject(name="red-green", claims=(CLAIM,), measure=measure)
