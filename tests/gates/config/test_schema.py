from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gates.config.schema import config_schema, explanation, pyproject_schema
from gates.config.tables import GATE, JUNIT, PROFILE, TOP
from gates.config.test_settings import SETTINGS
from gates.portable.settings.declare import Declared, declare, option
from gates.portable.settings.kinds import FLAG, TEXT, WHOLE
from tests.gates.config.test_load import EVERYTHING

ROOT = Path(__file__).parents[3]
CONFIG, PYPROJECT = Draft202012Validator(config_schema()), Draft202012Validator(pyproject_schema())
EXAMPLES = [
    (page.name, block)
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for block in re.findall(r"^ *```toml\n(.*?)^ *```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
]


def as_editors_see(value: Any) -> Any:
    """Dates are strings to them."""
    if isinstance(value, dict):
        return {key: as_editors_see(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_editors_see(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def errors(text: str, validator: Draft202012Validator = CONFIG) -> list[str]:
    found = validator.iter_errors(as_editors_see(tomllib.loads(text)))
    return [".".join(map(str, error.absolute_path)) for error in found]


def test_the_config_of_this_project_fits() -> None:
    assert errors((ROOT / "pyproject.toml").read_text(encoding="utf-8"), PYPROJECT) == []


def test_a_config_with_every_setting_fits() -> None:
    assert errors(EVERYTHING) == []


@pytest.mark.parametrize(("page", "block"), EXAMPLES)
def test_the_examples_of_the_docs_fit(page: str, block: str) -> None:
    assert errors(block, PYPROJECT if "[tool.gates" in block else CONFIG) == []


def test_there_are_examples() -> None:
    assert len({page for page, _ in EXAMPLES}) > 3


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("jbos = 2", ""),
        ("jobs = 0", "jobs"),
        ('no-tests = "maybe"', "no-tests"),
        ("[gate.a]\ncommand = 1", "gate.a.command"),
        ('[gate.a.env]\nA = { set = "x" }', "gate.a.env.A"),
        ("[profile.a]\nmax-fail = 'x'", "profile.a.max-fail"),
        ("[tests]\nretries = { backoff = 'fixed' }", "tests.retries"),
        ("[[tests.overrides]]\npriority = 1", "tests.overrides.0"),
        ("[tests.groups.a]", "tests.groups.a"),
        ("[junit]\naccept = ['x']", "junit.accept.0"),
        ("[exclusions.a]\nfilter = 'all()'", "exclusions.a"),
    ],
)
def test_a_mistake_is_shown_where_it_is(text: str, place: str) -> None:
    assert place in errors(text)
    assert f"tool.gates.{place}".rstrip(".") in errors(
        re.sub(r"^(\[+)", r"\1tool.gates.", text, flags=re.MULTILINE) if "[" in text[:1] else f"[tool.gates]\n{text}",
        PYPROJECT,
    )


def test_every_setting_is_explained() -> None:
    for table in (TOP, GATE, PROFILE, JUNIT, SETTINGS):
        assert [key for key, one in table.items() if len(explanation(one)) < 10] == []


class Small(Declared):
    """Some fields.

    Attributes:
        number: how many
            there are.
        on: whether it is on.
    """

    number: int = option(WHOLE, "A number.", default=0)
    on: bool = declare(FLAG, default=False)
    words: str = option(TEXT, "Words.", default="")


def test_a_setting_is_explained_by_the_docstring_and_else_by_its_help() -> None:
    found = {name: explanation(one) for name, one in Small.SETTINGS.items()}
    assert found == {"number": "how many there are.", "on": "whether it is on.", "words": "Words."}
