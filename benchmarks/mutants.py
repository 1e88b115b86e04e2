"""What it costs to try a mutant in a pure function, against a fork that runs the same tests without one."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

import gates
from benchmarks.claims import CannotMeasure, Claim, Figures, Subject, Workplace
from benchmarks.harness import need_modules

MUTANT = Claim(
    name="mutant",
    what="a mutant in a pure function of a module with 400 lines that 20 tests reach, against a fork that runs these tests",
    goal=1.5,
)
ROUNDS = 41
TESTS, FUNCTIONS = 20, 100

_PLUGIN = """
import json, os, time


import pytest
from gates.pytest_plugin.mutants.child import Child
from gates.pytest_plugin.mutants.code import Code
from gates.pytest_plugin.mutants.order import Planted
from gates.pytest_plugin.mutants.recording import Known
from gates.pytest_plugin.mutants.trying import Trier


def plain(items):
    pid = os.fork()
    if pid == 0:
        try:
            for number, item in enumerate(items):
                following = items[number + 1] if number + 1 < len(items) else None
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    text = open("pure.py").read()
    start = text.index("value + 50") + len("value + ")
    fault = Planted("it", "pure.py", 1, start, start + 2, "51", (1, 0))
    known = Known()
    known.seconds = dict.fromkeys(range(len(session.items)), 1.0)
    items = session.items
    trier = Trier(Child(session.config, os.path.abspath("t"), os.getcwd()), items, Code(os.getcwd(), {"pure.py": text}), {"pure.py": text}, known)
    found = {"ours": [], "other": []}
    for _ in range(ROUNDS):
        began = time.perf_counter()
        tried = trier.attempt(fault, range(len(items)))
        found["ours"].append(time.perf_counter() - began)
        assert (tried.finding, len(tried.tests)) == ("survived", len(items)), tried
        began = time.perf_counter()
        plain(items)
        found["other"].append(time.perf_counter() - began)
    with open("found.json", "w") as file:
        json.dump(found, file)
    os._exit(0)
"""


def measure(place: Workplace) -> dict[str, Figures]:
    """Try the same mutant again and again, in turns with forks that run the tests."""
    need_modules("pytest")
    folder = place.folder
    functions = "\n\n".join(f"def pure_{n}(value):\n    return value + {n}" for n in range(FUNCTIONS))
    tests = "\n\n".join(f"def test_{n}():\n    assert pure.pure_50({n}) != 0" for n in range(TESTS))
    (folder / "pure.py").write_text(f"{functions}\n", encoding="utf-8")
    (folder / "test_pure.py").write_text(f"import pure\n\n{tests}\n", encoding="utf-8")
    (folder / "conftest.py").write_text(f"ROUNDS = {ROUNDS}\n{_PLUGIN}", encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    environment = place.environment | {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(Path(gates.__file__).parents[1]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if not (folder / "found.json").exists():
        raise CannotMeasure(f"pytest failed: {done.stdout[-600:]}")
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    ours, other = (statistics.median(found[side]) for side in ("ours", "other"))
    return {MUTANT.name: Figures(ours=ours, other=other, runs=ROUNDS)}


SUBJECT = Subject(name="mutants", claims=(MUTANT,), measure=measure)
