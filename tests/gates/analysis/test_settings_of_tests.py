"""Settings of tests move from one version of a file to another, and no other setting does."""

from __future__ import annotations

import tomllib
from textwrap import dedent

import pytest

from gates.analysis.settings_of_tests import merged_settings

CODE = """
    # about it
    [project]
    name = "pool"
    dependencies = ["numpy"]

    [project.optional-dependencies]
    test = ["pytest"]
    fast = ["numba"]

    [tool.pytest.ini_options]
    addopts = "-q"

    [tool.ruff]
    line-length = 100

    [[tool.other]]
    x = 1
    """


def toml(text: str) -> dict[str, object]:
    return tomllib.loads(dedent(text))


def merged(head: str, code: str = CODE) -> dict[str, object] | None:
    text = merged_settings("pyproject.toml", dedent(code), dedent(head))
    return None if text is None else tomllib.loads(text)


def test_only_settings_of_tests_come_over() -> None:
    head = (
        CODE.replace('["numpy"]', '["scipy"]')
        .replace('["pytest"]', '["pytest", "hypothesis"]')
        .replace('["numba"]', '["cython"]')
        .replace('"-q"', '"-q --strict-markers"')
        .replace("100", "80")
        + '\n    [dependency-groups]\n    lint = ["ruff"]\n\n    [tool.gates.gate.test]\n    timeout = "1m"\n'
    )
    wanted = (
        CODE.replace('["pytest"]', '["pytest", "hypothesis"]').replace('"-q"', '"-q --strict-markers"')
        + '\n    [dependency-groups]\n    lint = ["ruff"]\n\n    [tool.gates.gate.test]\n    timeout = "1m"\n'
    )
    assert merged(head) == toml(wanted)


@pytest.mark.parametrize(
    ("old", "new", "gone"),
    [
        ('[tool.pytest.ini_options]\n    addopts = "-q"\n', "", '[tool.pytest.ini_options]\n    addopts = "-q"\n'),
        ('test = ["pytest"]\n', "", 'test = ["pytest"]\n'),
    ],
)
def test_settings_that_are_gone_go(old: str, new: str, gone: str) -> None:
    assert merged(CODE.replace(old, new).replace("100", "80")) == toml(CODE.replace(gone, ""))


def test_equal_settings_leave_the_text_alone() -> None:
    assert merged_settings("pyproject.toml", dedent(CODE), dedent(CODE.replace("100", "80"))) == dedent(CODE)


@pytest.mark.parametrize(
    "code",
    [
        '[tool]\npytest = {ini_options = {addopts = "-q"}}\nruff = {x = 1}\n',
        '[tool.ruff]\ntext = """\n[tool.pytest.ini_options]\n"""\n',
        "not = toml = at all",
    ],
)
def test_what_cannot_be_told_apart_is_not_merged(code: str) -> None:
    head = '[tool.pytest.ini_options]\naddopts = "-x"\n\n[tool.ruff]\nx = 2\n'
    assert merged_settings("pyproject.toml", code, head) is None


def test_sections_of_setup_cfg_move_too() -> None:
    code = "[metadata]\nname = pool\n\n[tool:pytest]\naddopts = -q\n"
    head = "[metadata]\nname = other\n\n[tool:pytest]\naddopts = -x\nmarkers =\n    slow: takes long\n"
    found = merged_settings("setup.cfg", code, head)
    assert found == "[metadata]\nname = pool\n\n[tool:pytest]\naddopts = -x\nmarkers =\n    slow: takes long\n\n"
    assert merged_settings("setup.cfg", code, "[[[") is None
    assert merged_settings("setup.cfg", code, code) == code
    assert merged_settings("setup.cfg", code, head.replace("other", "pool")) == head.replace("other", "pool")
