"""Versions are read from what lies on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.config import GateConfig
from gates.planning.discover import Gate
from gates.run.versions import tool_versions

if TYPE_CHECKING:
    from pathlib import Path


def a_gate(signature: str) -> Gate:
    return Gate(name="test", group="test", kind="nox", signature=signature, config=GateConfig(name="test"))


@pytest.mark.parametrize(
    ("config", "version"),
    [
        pytest.param("uv = 0.13.9\nversion_info = 3.13.0\n", "3.13.0", id="uv"),
        pytest.param("version = 3.11.7\n", "3.11.7", id="venv"),
        pytest.param("version_info = 3.12.1.final.0\n", "3.12.1", id="virtualenv"),
        pytest.param("home = /usr/bin\n", None, id="neither"),
    ],
)
def test_the_interpreter_of_the_environment_is_known(tmp_path: Path, config: str, version: str | None) -> None:
    folder = tmp_path / ".nox" / "test"
    folder.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(config)
    assert tool_versions(tmp_path, a_gate("test"), []).get("python") == version


@pytest.mark.parametrize(
    ("signature", "folder"),
    [
        pytest.param("test", "test", id="a plain name"),
        pytest.param("test-3.12", "test-3-12", id="a version"),
        pytest.param("Test(db='a b')", "test-db-a-b", id="parameters"),
        pytest.param("min_python", "min_python", id="an underscore"),
        pytest.param("test", "a94a8fe5", id="a digest where the path is too long"),
    ],
)
def test_distributions_are_found_under_noxs_name_of_the_folder(tmp_path: Path, signature: str, folder: str) -> None:
    site = tmp_path / ".nox" / folder / "lib" / "python3.11" / "site-packages"
    for name in ("Junit_XML-1.9.dist-info", "numpy-2.4.6.dist-info", "numpy", "broken.dist-info"):
        (site / name).mkdir(parents=True)
    assert tool_versions(tmp_path, a_gate(signature), []) == {"junit-xml": "1.9", "numpy": "2.4.6"}


def test_a_plain_command_has_no_environment_of_its_own(tmp_path: Path) -> None:
    gate = Gate(name="a", group="a", kind="command", config=GateConfig(name="a", command=("true",)))
    assert tool_versions(tmp_path, gate, []) == {}
