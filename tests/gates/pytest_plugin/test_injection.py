"""The injected plugin acts once, takes itself out of the environment, and brings nothing else with it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gates.portable.settings.plugin import PluginSettings, read_settings
from gates.portable.stream import RecordStream
from tests.gates.pytest_plugin.conftest import GATES, INJECTED, Project, clean_environ, entry

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = """
import json, os, pathlib, subprocess, sys

def test_environment():
    names = [name for name in os.environ if name.startswith(("GATES_", "PYTEST_", "PYTHONPATH"))]
    pathlib.Path("seen.json").write_text(json.dumps({name: os.environ[name] for name in names}))

def test_inner(tmp_path):
    tmp_path.joinpath("test_inside.py").write_text("def test_inside(): pass")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
"""


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
def test_processes_that_tests_start_are_not_recorded(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(test_it=ENVIRONMENT)
    ran = project.injected(*arguments)
    assert ran.outcomes == {"test_environment": "passed", "test_inner": "passed"}, ran.output
    seen = json.loads((project.root / "seen.json").read_text())
    assert not [name for name in seen if name.startswith("GATES_") and name != "GATES_WORKER"]  # which finds strays
    assert "PYTHONPATH" not in seen
    assert "PYTEST_ADDOPTS" not in seen
    assert "_gates_injected" not in str(seen)


@pytest.mark.slow
def test_other_values_of_the_same_variables_stay(project: Project) -> None:
    bed = project.folder / "injection"
    helper = project.folder / "helpers"
    helper.mkdir()
    (helper / "own_plugin.py").write_text("def pytest_report_header(): return 'own plugin'")
    project.write(test_it=ENVIRONMENT)
    ran = project.injected(
        "-n",
        "1",
        PYTHONPATH=f"{helper}{os.pathsep}{bed}",
        PYTEST_PLUGINS=f"own_plugin,{INJECTED}",
        PYTEST_ADDOPTS=f"-v -p {INJECTED} --tb='short'",
    )
    assert ran.exit_code == 0, ran.output
    seen = json.loads((project.root / "seen.json").read_text())
    assert seen["PYTHONPATH"] == str(helper)
    assert seen["PYTEST_ADDOPTS"] == "-v --tb='short'"
    assert seen["PYTEST_PLUGINS"] == "own_plugin"


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
@pytest.mark.parametrize("only", ["PYTEST_PLUGINS", "PYTEST_ADDOPTS"])
def test_either_variable_is_enough(project: Project, only: str, arguments: tuple[str, ...]) -> None:
    project.write(test_it="def test_it(): pass\ndef test_backend(): assert 0")
    other = {"PYTEST_PLUGINS": "PYTEST_ADDOPTS", "PYTEST_ADDOPTS": "PYTEST_PLUGINS"}[only]
    ran = project.injected(*arguments, settings={"exclusions": [entry("backend")]}, **{other: ""})
    assert ran.outcomes == {"test_it": "passed", "test_backend": "excluded"}, ran.output


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
@pytest.mark.parametrize("addopts", [f"-p {INJECTED}", ""])
def test_an_installed_plugin_keeps_still_beside_the_injected_one(
    project: Project, addopts: str, arguments: tuple[str, ...]
) -> None:
    project.write(test_it="def test_it(): pass\ndef test_backend(): assert 0")
    project.write_file("pyproject.toml", "[tool.gates.exclusions.broken]\n")
    bed = project.folder / "injection"
    ran = project.injected(
        "-p",
        "gates.pytest_plugin",
        *arguments,
        settings={"exclusions": [entry("backend")]},
        PYTHONPATH=f"{bed}{os.pathsep}{GATES.parent}",
        PYTEST_ADDOPTS=addopts,
    )
    assert ran.outcomes == {"test_it": "passed", "test_backend": "excluded"}, ran.output
    assert len(list(ran.inbox.glob("*.jsonl"))) == 1
    assert ran.output.count("1 excluded by") == 1


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_an_installed_plugin_that_is_alone_records(project: Project, arguments: tuple[str, ...]) -> None:
    project.write(test_it="def test_it(): pass\ndef test_backend(): assert 0")
    settings = json.dumps({"exclusions": [entry("backend")]})
    ran = project.plain(*arguments, GATES_INBOX=str(project.inbox), GATES_PYTEST=settings)
    assert ran.outcomes == {"test_it": "passed", "test_backend": "excluded"}, ran.output


def test_settings_that_cannot_be_read_are_a_usage_error(project: Project) -> None:
    ran = project.injected(GATES_PYTEST="{nonsense")
    assert ran.exit_code == 4
    assert "the variable GATES_PYTEST, which the runner set, cannot be read" in ran.output
    assert "Traceback" not in ran.output


def test_a_plugin_that_has_nothing_to_do_registers_nothing(project: Project) -> None:
    project.write(
        conftest="""
        def pytest_sessionstart(session):
            names = [name for name, _ in session.config.pluginmanager.list_name_plugin()]
            print("ours:", sorted(name for name in names if name.startswith("gates-")))
        """,
        test_it="def test_it(): pass",
    )
    assert "ours: ['gates-options']" in project.plain("-s").output


def test_results_that_cannot_be_written_fail_no_test(project: Project) -> None:
    project.write(test_it="def test_it(): pass")
    ran = project.injected(GATES_INBOX=str(project.folder / "missing"))
    assert ran.exit_code == 0
    assert "gates: results could not be written" in ran.output


SOURCES = sorted(path for name in ("portable", "pytest_plugin") for path in (GATES / name).rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(GATES)))
def test_injected_code_imports_the_standard_library_pytest_and_itself_relatively(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, "pytest", "_pytest", "tomli"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))):
        if isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert str(node.module).partition(".")[0] in allowed


def test_importing_the_plugin_brings_only_the_standard_library_and_pytest() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import gates.pytest_plugin, gates.portable.exclusions\n"
        "import gates.pytest_plugin.reporting.recorder, gates.pytest_plugin.processes.distribution, gates.pytest_plugin.execution.running\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - sys.stdlib_module_names))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=GATES.parent,
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['gates']"


def test_settings_survive_json() -> None:
    settings = PluginSettings(
        exclusions=(entry("a"),),
        quarantine=(entry("b"),),
        filter="test(x)",
        default_filter="not mark(slow)",
        include_excluded=True,
        test_timeout=2.5,
        workers=3,
        source="somewhere",
        no_tests="warn",
        facts={"flaky()": {"otherwise": None}},
        collect_only=True,
        describe=True,
        rules=({"source": "x", "filter": "", "settings": {}},),
        partition="slice:1/2",
        root="project",
    )
    assert PluginSettings.from_json(settings.to_json()) == settings


def test_settings_of_a_newer_runner_can_be_read() -> None:
    assert PluginSettings.from_json('{"filter": "all()", "unheard_of": 1}').filter == "all()"


@pytest.mark.parametrize("text", ["[]", "{", '{"test_timeout": "x"}'])
def test_broken_settings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        PluginSettings.from_json(text)


def test_without_an_inbox_there_are_no_settings() -> None:
    assert read_settings({"GATES_PYTEST": "{}"}) is None


def test_a_full_disk_stops_the_stream_and_nothing_else(tmp_path: Path) -> None:
    stream = RecordStream(str(tmp_path / "missing" / "stream.jsonl"))
    stream.write("start")
    stream.write("finish")
    assert isinstance(stream.error, OSError)
    stream.close()
