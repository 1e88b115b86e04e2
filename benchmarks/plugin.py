"""What the pytest plugin costs a project that has it installed and does not use it."""

from __future__ import annotations

import sys

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import BARE_PYTHON, Contestant, added_cpu, cpu, interleave, need_modules

IDLE = Claim(
    name="plugin-idle",
    what="processor time that the unused plugin adds to the start of pytest, against `python -c pass`",
    goal=1.0,
)
PLUGIN = "gates.pytest_plugin"


def measure(place: Workplace) -> dict[str, Figures]:
    """Run one empty test with and without the plugin; the median of the differences counts."""
    need_modules("pytest")
    (place.folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
    (place.folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    start = (sys.executable, "-m", "pytest", "-q")
    environment = place.environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    sides = (
        Contestant(name="with", command=(*start, "-p", PLUGIN), cwd=place.folder),
        Contestant(name="without", command=start, cwd=place.folder),
        Contestant(name="python", command=BARE_PYTHON, cwd=place.folder),
    )
    samples = interleave(sides, environment, rounds=31, patience=place.patience, warm=2)
    note = f"pytest alone takes {cpu(samples['without']):.3f} s"
    added = added_cpu(samples["with"], samples["without"])
    return {IDLE.name: Figures(ours=added, other=cpu(samples["python"]), runs=len(samples["with"]), note=note)}


SUBJECT = Subject(name="plugin", claims=(IDLE,), measure=measure)
