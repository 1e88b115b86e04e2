from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gates
from gates.portable.protocol import INJECTED_PLUGIN
from gates.portable.settings.declare import replace
from gates.portable.settings.plugin import PluginSettings, read_settings
from gates.run.inject import injected, write_injection

HOME = Path(gates.__file__).parent


def test_only_the_injected_package_becomes_importable(tmp_path: Path) -> None:
    folder = write_injection(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["_gates_injected"]
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import _gates_injected.portable.values as values; "
        "import importlib.util; print(values.__file__, importlib.util.find_spec('gates'))"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    file, _, spec = done.stdout.strip().rpartition(" ")
    assert Path(file) == HOME / "portable/values.py"
    assert spec == "None"


def test_an_odd_path_of_the_installation_is_kept(tmp_path: Path) -> None:
    folder = write_injection(tmp_path / "a 'quoted' \"path\"")
    namespace: dict[str, list[str]] = {}
    exec((folder / "_gates_injected" / "__init__.py").read_text(), namespace)  # what the import does
    assert namespace["__path__"] == [str(HOME)]


def test_variables_of_the_user_stay_behind_ours(tmp_path: Path) -> None:
    own = {"PYTHONPATH": "src", "PYTEST_PLUGINS": "theirs", "PYTEST_ADDOPTS": "-q -x", "OTHER": "1"}
    added = injected(own, tmp_path / "inject", tmp_path / "inbox", PluginSettings())
    assert added["PYTHONPATH"] == f"{tmp_path / 'inject'}{os.pathsep}src"
    assert added["PYTEST_PLUGINS"] == f"{INJECTED_PLUGIN},theirs"
    assert added["PYTEST_ADDOPTS"] == f"-p {INJECTED_PLUGIN} -q -x"
    assert "OTHER" not in added


def test_tox_is_told_to_hand_the_injection_on_unless_the_user_overrides_it(tmp_path: Path) -> None:
    added = injected({}, tmp_path, tmp_path / "inbox", PluginSettings())
    assert added["TOX_OVERRIDE"].startswith("testenv.pass_env+=PYTHONPATH,")
    assert "TOX_OVERRIDE" not in injected({"TOX_OVERRIDE": "a.b=c"}, tmp_path, tmp_path / "inbox", PluginSettings())


def test_an_empty_variable_leaves_no_separator(tmp_path: Path) -> None:
    added = injected({"PYTHONPATH": ""}, tmp_path, tmp_path / "inbox", PluginSettings())
    assert added["PYTHONPATH"] == str(tmp_path)  # an empty entry would be the current folder


def test_the_plugin_reads_what_the_runner_writes(tmp_path: Path) -> None:
    inbox = str(tmp_path / "inbox")
    told = PluginSettings(
        exclusions=({"name": "x"},), filter="test(a)", include_excluded=True, test_timeout=2.5, workers=2
    )
    assert read_settings(injected({}, tmp_path, tmp_path / "inbox", told)) == replace(told, inbox=inbox)


def test_settings_that_are_too_long_for_a_variable_travel_in_a_file(tmp_path: Path) -> None:
    told = PluginSettings(filter=" or ".join(f"test(=a.py::test[{number}\u00e4\n])" for number in range(10_000)))
    environment = injected({}, tmp_path, tmp_path / "inbox", told)
    assert max(map(len, environment.values())) < 1000
    assert read_settings(environment) == replace(told, inbox=str(tmp_path / "inbox"))
    (tmp_path / "settings.json").unlink()
    with pytest.raises(ValueError, match=r"settings\.json: No such file"):
        read_settings(environment)


def test_the_plugin_takes_the_injection_out_again(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": "src", "PYTEST_ADDOPTS": "-q"}
    folder = write_injection(tmp_path)
    environment |= injected(environment, folder, tmp_path / "inbox", PluginSettings())
    code = (
        "import json, os; from _gates_injected.portable.protocol import remove_injection; "
        "remove_injection(os.environ); print(json.dumps({k: v for k, v in os.environ.items() if 'PYT' in k or 'GATES' in k}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert json.loads(done.stdout) == {"PYTHONPATH": "src", "PYTEST_ADDOPTS": "-q"}
