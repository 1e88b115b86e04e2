"""What the filter language costs: matching many tests against a long expression, and leaving some of them out."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

import msgspec

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.harness import Contestant, cpu, interleave, need_modules, timed

if TYPE_CHECKING:
    from pathlib import Path

TESTS, FILES = 100_000, 100
FEWER = 50_000
MATCH_GOAL, DESELECT_GOAL = 0.15, 1.03
PLUGIN = "gates.pytest_plugin"

OR = " or "
TEN_LEAVES = OR.join(
    (
        "test(~cell_9) and test(/x[0-9]+_7/)",
        "name(=test_cell_1) and file(part_1*/**)",
        "module(part_2*.*) and not class(TestNobody)",
        "mark(slow, reason=~network) and fixture(table)",
        "param(size=7) and docstring(kept)",
    )
)

MATCH = Claim(
    name="filter-match",
    what=f"matching {TESTS:,} tests against ten predicates of ten kinds, against the time in which pytest collects them",
    goal=MATCH_GOAL,
)
DESELECT = Claim(
    name="filter-deselect",
    what=f"collecting {FEWER:,} tests of which -E leaves a tenth out, against collecting them all",
    goal=DESELECT_GOAL,
)

_MODULE = """\
import pytest

@pytest.fixture
def cell(): return 1
@pytest.fixture
def table(cell): return [cell]
"""
_TEST = '''
@pytest.mark.slow(reason="needs the network")
@pytest.mark.parametrize("size", range({sizes}))
def test_cell_{number}(table, size):
    """Rows are kept."""
'''

_CONFTEST = """\
import json, time
import pytest

BEGAN = [0.0]

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session):
    BEGAN[0] = time.perf_counter()
    return (yield)

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    collected = time.perf_counter() - BEGAN[0]
    from gates.portable.filters import compile_filter
    from gates.pytest_plugin.selection.candidates import ItemCandidates

    began = time.perf_counter()
    found = compile_filter(config.getini("expression")).select(ItemCandidates(items))
    matched = time.perf_counter() - began
    with open("times.json", "w") as file:
        json.dump({"tests": len(items), "collect": collected, "match": matched, "found": sum(found.matched)}, file)

def pytest_addoption(parser):
    parser.addini("expression", "")
"""


def write_tests(folder: Path, tests: int) -> None:
    """A project of parametrised tests, ten functions a file."""
    folder.mkdir()
    (folder / "pytest.ini").write_text(f"[pytest]\nmarkers = slow\nexpression = {TEN_LEAVES}\n", encoding="utf-8")
    sizes = tests // FILES // 10
    text = _MODULE + "".join(_TEST.format(sizes=sizes, number=number) for number in range(10))
    for number in range(FILES):
        part = folder / f"part_{number:02}"
        part.mkdir()
        (part / "__init__.py").touch()
        (part / f"test_part_{number:02}.py").write_text(text, encoding="utf-8")


def measure(place: Workplace) -> dict[str, Figures]:
    """Match inside the run that collects; deselect in whole runs, in turns."""
    need_modules("pytest")
    many, fewer = place.folder / "many", place.folder / "fewer"
    write_tests(many, TESTS)
    (many / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    write_tests(fewer, FEWER)
    environment = place.environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = (sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "--collect-only", "-qq")
    return {MATCH.name: _matching(many, command, environment), **_deselecting(fewer, command, environment, place)}


def _matching(folder: Path, command: tuple[str, ...], environment: dict[str, str]) -> Figures:
    times = []
    for _ in range(3):
        timed(Contestant(name="match", command=command, cwd=folder), environment)
        times.append(msgspec.json.decode((folder / "times.json").read_bytes()))
    middle = sorted(times, key=lambda one: one["match"] / one["collect"])[1]
    note = f"{middle['tests']:,} tests, {middle['found']:,} match"
    return Figures(ours=middle["match"], other=middle["collect"], runs=len(times), note=note)


def _deselecting(
    folder: Path, command: tuple[str, ...], environment: dict[str, str], place: Workplace
) -> dict[str, Figures]:
    sides = (
        Contestant(name="some", command=(*command, "-E", "not test(cell_7)"), cwd=folder),
        Contestant(name="all", command=command, cwd=folder),
    )
    samples = interleave(sides, environment, rounds=15, patience=place.patience)
    ratios = [one.cpu / two.cpu for one, two in zip(samples["some"], samples["all"], strict=True)]
    note = f"median of the ratios of each round: {statistics.median(ratios):.3f}"
    return {DESELECT.name: Figures(ours=cpu(samples["some"]), other=cpu(samples["all"]), runs=len(ratios), note=note)}


SUBJECT = Subject(name="filters", claims=(MATCH, DESELECT), measure=measure)
