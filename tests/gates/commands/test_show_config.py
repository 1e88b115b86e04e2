from __future__ import annotations

from pathlib import Path

import pytest

from gates.commands.show_config import run_settings
from gates.config.request import Request
from gates.portable.errors import UsageError

CONFIG = """\
jobs = 3
test-timeout = "1m"

[profile.quick]
gates = ["lint"]
filter = "not mark(slow)"
jobs = 2
"""


def lines(text: str) -> dict[str, str]:
    return {line.split()[0]: " ".join(line.split()[2:]) for line in text.splitlines()}


def test_each_setting_is_shown_with_the_place_that_decides_it(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text(CONFIG)
    asked = Request(profile="quick", filter="test(a)", retries=1, order="random", variables=frozenset({"retries"}))
    found = lines(run_settings(tmp_path, asked))
    assert found["jobs"] == "2 # gates.toml:7"
    assert found["test-timeout"] == "60 # gates.toml:2"
    assert found["filter"] == "'(not mark(slow)) and (test(a))' # -E and gates.toml:6"
    assert found["gates"] == "['lint'] # gates.toml:5"
    assert (found["retries"], found["order"]) == ("1 # GATES_RETRIES", "'random' # --order")
    assert (found["workers"], found["no-tests"]) == ("from durations, cores and memory # default", "'fail' # default")
    assert (found["timeout"], found["base"]) == ("30m # default", "asks git # default")


def test_a_line_of_pyproject_is_a_line_of_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'a'\n[tool.gates]\nbase = 'main'\n")
    assert lines(run_settings(tmp_path, Request()))["base"] == "'main' # pyproject.toml:4"


def test_without_a_config_the_defaults_are_shown(tmp_path: Path) -> None:
    assert {line.rpartition("# ")[2] for line in run_settings(tmp_path, Request()).splitlines()} == {"default"}


def test_a_profile_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no profile is named 'quick'"):
        run_settings(tmp_path, Request(profile="quick"))
