"""The picture of packages and stages in the docs is what the layers and the code say now."""

from __future__ import annotations

import importlib.util
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.documentation import ROOT

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "gates/commands/run.py"


@pytest.fixture(scope="module")
def architecture() -> Any:
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_the_layers_and_stages_of_today(architecture: Any) -> None:
    page = (ROOT / architecture.PAGE).read_text(encoding="utf-8")
    assert page == architecture.updated(page), "run: python docs/architecture.py"


def test_a_layer_that_is_declared_elsewhere_changes_the_picture(architecture: Any, tmp_path: Path) -> None:
    for package in ("planning", "compare"):
        (tmp_path / "gates" / package).mkdir(parents=True)
        (tmp_path / "gates" / package / "__init__.py").write_text(f'"""The {package}. More."""\n')

    def boxes(layers: str) -> str:
        (tmp_path / "pyproject.toml").write_text(
            f'[[tool.importlinter.contracts]]\ncontainers = ["gates"]\nlayers = {layers}\n'
        )
        return "\n".join(architecture.boxes(tmp_path))

    assert boxes('["planning | (compare)"]').count("├") == 0
    assert boxes('["planning", "compare", "(later)"]').count("├") == 1


def test_the_stages_are_the_calls_of_the_command_with_their_comments(architecture: Any, tmp_path: Path) -> None:
    (tmp_path / COMMAND).parent.mkdir(parents=True)
    shutil.copy(ROOT / COMMAND, tmp_path / COMMAND)
    assert len(list(architecture.stages(tmp_path))) == 7
    (tmp_path / COMMAND).write_text("from gates.x import look, act\n\nlook(1)  # first\nact(2)  # then\nprint(3)\n")
    assert [line.split() for line in architecture.stages(tmp_path)] == [["look", "x", "first"], ["act", "x", "then"]]


def test_the_stages_of_a_run_fit_into_one_short_function(architecture: Any) -> None:
    text = (ROOT / COMMAND).read_text(encoding="utf-8")
    function = text[text.index("def run(") :].rstrip().splitlines()
    assert len(function) <= 25
