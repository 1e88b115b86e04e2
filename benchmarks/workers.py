"""Whether the number of xdist workers that is chosen by recorded durations is the right one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import Contestant, interleave, need_modules, wall

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.harness import Sample

TESTS, FILES = 820, 41
TINY, SLOW = 0.0, 0.005
TINY_TWO = Claim(name="workers-tiny", what=f"{TESTS} tiny tests: the chosen number of workers against -n 2", goal=1.0)
TINY_NONE = Claim(
    name="workers-tiny-none", what=f"{TESTS} tiny tests: the chosen number of workers (never none) against no xdist"
)
SLOW_NONE = Claim(
    name="workers-5ms", what=f"{TESTS} tests of 5 ms: the chosen number of workers against no xdist", goal=0.8
)
SLOW_TWO = Claim(
    name="workers-5ms-two", what=f"{TESTS} tests of 5 ms: the chosen number of workers against -n 2", goal=1.05
)


def write_tests(folder: Path, pause: float) -> None:
    """Write the tests, and the durations that an earlier run would have recorded."""
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    body = f"time.sleep({pause})" if pause else "assert number * 2 == number + number"
    durations = {}
    for file in range(FILES):
        name = f"test_part_{file:02}.py"
        functions = []
        for test in range(TESTS // FILES):
            functions.append(f"def test_{test:02}():\n    number = {test}\n    {body}\n")
            durations[f"{name}::test_{test:02}"] = pause + 0.0004
        (folder / name).write_text("import time\n\n\n" + "\n\n".join(functions), encoding="utf-8")
    (folder / "durations.json").write_bytes(msgspec.json.encode(durations))


def sides_of(folder: Path) -> tuple[Contestant, ...]:
    """No xdist, two workers, and as many as the durations deserve."""
    start = (sys.executable, "-m", "pytest", "-q", "-p", "gates.pytest_plugin", "-p", "xdist.plugin")
    spread = ("--dist", "worksteal")
    return (
        Contestant(name="none", command=start, cwd=folder),
        Contestant(name="two", command=(*start, "-n", "2", *spread), cwd=folder),
        Contestant(
            name="chosen",
            command=(*start, "-n", "auto", "--gates-workers-from", "durations.json", *spread),
            cwd=folder,
        ),
    )


def run(place: Workplace, name: str, pause: float) -> dict[str, list[Sample]]:
    """Time the three ways on tests that take `pause` seconds."""
    folder = place.folder / name
    write_tests(folder, pause)
    environment = place.environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return interleave(sides_of(folder), environment, rounds=9, patience=place.patience / 2)


def measure(place: Workplace) -> dict[str, Figures]:
    """Tiny tests, then tests of 5 ms."""
    need_modules("pytest", "xdist")
    tiny, slow = run(place, "tiny", TINY), run(place, "slow", SLOW)

    def figures(samples: dict[str, list[Sample]], other: str) -> Figures:
        return Figures(ours=wall(samples["chosen"]), other=wall(samples[other]), runs=len(samples["chosen"]))

    return {
        TINY_TWO.name: figures(tiny, "two"),
        TINY_NONE.name: figures(tiny, "none"),
        SLOW_NONE.name: figures(slow, "none"),
        SLOW_TWO.name: figures(slow, "two"),
    }


SUBJECT = Subject(name="workers", claims=(TINY_TWO, TINY_NONE, SLOW_NONE, SLOW_TWO), measure=measure)
