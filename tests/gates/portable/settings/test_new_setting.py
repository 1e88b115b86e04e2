from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from gates.cli import cli

ROOT = Path(__file__).parents[4]


@pytest.mark.slow
def test_a_new_setting_is_declared_once_and_arrives_everywhere(tmp_path: Path) -> None:
    program = (sys.executable, "-m", "tests.gates.portable.settings.new_setting", str(tmp_path))
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {
        "help": True,
        "completion": ["--fake", "--failure-output"],
        "precedence": {"config": 1, "profile": 2, "option": 3},
        "asks": ["--fake"],
        "plugin": [3, 3],
        "show-config": ["fake", "=", "4", "#", "GATES_FAKE"],
        "mistakes": [
            ["gates.toml:1", "unknown key 'fkae' in the config", "", "did you mean 'fake'?"],
            ["gates.toml:2", "wrong value for 'fake'", "a whole number from 0", ""],
        ],
        "schema": {"description": "A fake setting.", "default": 0, "type": "integer", "minimum": 0},
        "reference": 1,
    }


def test_the_shell_completes_the_values_of_an_option() -> None:
    shell = ShellComplete(cli, {}, "gates", "_GATES_COMPLETE")
    assert [one.value for one in shell.get_completions(["run", "--order"], "l")] == ["longest-first"]
