"""What reading JUnit costs: against an XML parser that does nothing, against junitparser, in memory, and in a comparison."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import msgspec

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import Contestant, interleave, need_modules

CASES, MANY = 100_000, 1_000_000
ROUNDS = 7

READ = Claim(
    name="junit-read",
    what=f"reading a JUnit file of {CASES:,} cases into results, against an expat loop with an empty start handler",
    goal=2.0,
)
MEMORY = Claim(
    name="junit-memory",
    what="the most memory of a process that reads it, against one that keeps the attributes of each case as expat gives them",
    goal=1.0,
    unit="bytes",
)
PARSER = Claim(name="junit-junitparser", what="reading it, against junitparser", goal=round(1 / 1.4, 3))
COMPARE = Claim(
    name="junit-compare",
    what=f"comparing two files of {CASES:,} cases, reading included, against reading both",
    goal=1.3,
)
LINEAR = Claim(
    name="junit-linear",
    what=f"reading {MANY:,} cases, against {MANY // CASES} times the time of {CASES:,}",
    goal=1.25,
)
MANY_MEMORY = Claim(
    name="junit-million-memory",
    what=f"the same with {MANY:,} cases",
    goal=1.0,
    unit="bytes",
)

_CASE = (
    '<testcase classname="tests.unit.test_module_{module:04}.TestWidget" name="test_behaves_as_expected[{number}]" '
    'file="tests/unit/test_module_{module:04}.py" line="{line}" time="{seconds:.3f}"'
)
_TRACEBACK = "\n".join(f"    line {number} of a traceback with some words in it" for number in range(40))
_PRINTED = "<system-out>" + "printed line with words &amp; signs\n" * 21 + "</system-out>"


def write_sample(path: Path, cases: int, failing: int = 100) -> None:
    """A file of `cases` cases, 330 bytes each: of `failing`, one failed and one skipped; every fifth printed something."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f'<testsuites name="all"><testsuite name="unit" tests="{cases}">\n')
        for number in range(cases):
            module, line = divmod(number, 50)
            seconds = number * 7919 % 10_007 / 10_000
            file.write(_CASE.format(module=module, number=number, line=9 * line, seconds=seconds))
            if number % failing == 0:
                said = f"AssertionError: assert {number} == {number + 1}"
                file.write(f'><failure type="AssertionError" message="{said}">{_TRACEBACK}</failure></testcase>\n')
            elif number % failing == 1:
                file.write('><skipped type="pytest.skip" message="no GPU">tests/x.py:1: no GPU</skipped></testcase>\n')
            else:
                file.write(f">{_PRINTED}</testcase>\n" if number % 5 == 0 else "/>\n")
        file.write("</testsuite></testsuites>\n")


class Measured(msgspec.Struct):
    """What a child process says: seconds of processor time, and the most bytes that it took."""

    seconds: float
    peak: int


def measure(place: Workplace) -> dict[str, Figures]:
    """Each side in a separate process that measures its own time: starting Python is not included."""
    need_modules("junitparser")
    one, two, many = (place.folder / name for name in ("one.xml", "two.xml", "many.xml"))
    write_sample(one, CASES)
    write_sample(two, CASES, failing=99)
    write_sample(many, MANY)
    found: dict[str, list[Measured]] = {}
    few = {
        "expat": ("expat", one),
        "read": ("read", one),
        "junitparser": ("junitparser", one),
        "kept": ("kept", one),
        "both": ("both", one, two),
        "compare": ("compare", one, two),
    }
    _run(place, few, ROUNDS, found)
    _run(place, {"many": ("read", many), "many kept": ("kept", many)}, 3, found)
    seconds = {name: statistics.median(each.seconds for each in runs) for name, runs in found.items()}
    peak = {name: statistics.median(each.peak for each in runs) for name, runs in found.items()}

    def against(ours: str, other: str, times: int = 1) -> Figures:
        return Figures(ours=seconds[ours], other=times * seconds[other], runs=len(found[ours]))

    size = f"{one.stat().st_size / 1e6:.1f} MB"
    return {
        READ.name: msgspec.structs.replace(against("read", "expat"), note=size),
        MEMORY.name: Figures(ours=peak["read"], other=peak["kept"], runs=len(found["read"])),
        PARSER.name: against("read", "junitparser"),
        COMPARE.name: against("compare", "both"),
        LINEAR.name: against("many", "read", MANY // CASES),
        MANY_MEMORY.name: Figures(ours=peak["many"], other=peak["many kept"], runs=len(found["many"])),
    }


def _run(
    place: Workplace, sides: dict[str, tuple[str | Path, ...]], rounds: int, found: dict[str, list[Measured]]
) -> None:
    said = place.folder / "said.json"
    contestants = [
        Contestant(
            name=name,
            command=(sys.executable, "-m", "benchmarks.junit_sides", str(said), *map(str, words)),
            cwd=Path(__file__).parents[1],
            after=lambda name=name: found.setdefault(name, []).append(  # type: ignore[misc]
                msgspec.json.decode(said.read_bytes(), type=Measured)
            ),
        )
        for name, words in sides.items()
    ]
    interleave(contestants, place.environment, rounds=rounds, patience=place.patience, warm=0)


SUBJECT = Subject(name="junit", claims=(READ, MEMORY, PARSER, COMPARE, LINEAR, MANY_MEMORY), measure=measure)
