"""`python -m tests.plugins [NAME ...] [--write]`: run gates beside each plugin, alone and with two workers."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from importlib import metadata
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.project import Project
from tests.plugins.cases import CASES
from tests.plugins.page import PAGE, written

if TYPE_CHECKING:
    from tests.plugins.cases import Case

ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Each plugin is loaded by its name, so that no other one is there."""


def main() -> int:
    """Show where gates does not tell the truth; with --write, put the versions into the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.plugins", description=__doc__)
    parser.add_argument("names", nargs="*", help="distributions; all of them if none is given")
    parser.add_argument("--write", action="store_true", help="write the table of the documentation")
    options = parser.parse_args()
    chosen = [case for case in CASES if not options.names or case.plugin in options.names]
    faults = []
    with tempfile.TemporaryDirectory(prefix="gates-plugins-") as folder:
        for number, case in enumerate(chosen):
            for workers in (0, 2) if case.parallel else (0,):
                name = f"{case.plugin} {version(case.plugin)}, {case.does}, {workers or 'no'} workers"
                found = fault_of(case, workers, Path(folder, f"{number}-{workers}"))
                faults += [f"{name}: {found}"] if found else []
                print(f"{name}: {found or 'told right'}", flush=True)
    print(f"{len(chosen)} cases, {len(faults)} faults")
    if options.write and not faults:
        versions = {case.plugin: version(case.plugin) for case in CASES}
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), versions), encoding="utf-8")
    return bool(faults)


def fault_of(case: Case, workers: int, folder: Path) -> str:
    """What gates says that is not so; empty if all is told right."""
    project = Project(folder / "project", folder / "cache")
    names = [*(["pytest-xdist"] if workers else []), *case.beside, case.plugin]
    words = [word for name in names for plugin in plugins_of(name) for word in ("-p", plugin)]
    words += ["-n", str(workers)] if workers else []
    command = json.dumps([sys.executable, "-m", "pytest", *words, *case.options, "tests"])
    environment = "".join(
        f'env.{name} = {{ set = "{value}", reason = "one plugin at a time" }}\n' for name, value in ALONE.items()
    )
    project.write(
        {
            "tests/test_it.py": case.tests,
            **case.files,
            "gates.toml": f'[gate.test]\ncommand = {command}\ntests = "pytest"\n{environment}',
        }
    )
    project.commit()
    project.environment |= ALONE
    done = project.gates("run", stdin=subprocess.DEVNULL)  # not a warm one: that imports every plugin that is installed
    found = {test.partition("test_it.py::")[2]: outcome for test, outcome in project.outcomes.items()}
    if found != case.truth:
        return f"expected {dict(case.truth)}, got {found}: {done.out}"
    gate = project.gate("test")
    left_out = sum(one.tests for one in gate.left_out)
    if left_out != case.left_out:
        return f"expected {case.left_out} tests left out, got {left_out}"
    failed = any(outcome not in {"passed", "flaky", "skipped"} for outcome in case.truth.values())
    return "" if done.code == int(failed) else f"expected exit code {int(failed)}, got {done.code}: {done.out}"


def plugins_of(distribution: str) -> list[str]:
    """The names by which pytest loads the plugins of a distribution."""
    return [entry.name for entry in metadata.distribution(distribution).entry_points if entry.group == "pytest11"]


if __name__ == "__main__":
    sys.exit(main())
