from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.analysis.pythons import claimed_pythons

if TYPE_CHECKING:
    from pathlib import Path

CLAIM = "Programming Language :: Python :: "


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("pyproject.toml", f'[project]\nclassifiers = ["{CLAIM}3", "{CLAIM}3.12", "{CLAIM}3.9"]', ("3.9", "3.12")),
        ("pyproject.toml", f'[project]\nclassifiers = ["{CLAIM}3 :: Only", "{CLAIM}Implementation :: CPython"]', ()),
        ("pyproject.toml", '[project]\nrequires-python = ">=3.9"', ()),
        ("pyproject.toml", "[project]\nclassifiers = 3", ()),
        ("pyproject.toml", "project = 3", ()),
        ("pyproject.toml", "no TOML", ()),
        ("setup.cfg", f"[metadata]\nclassifiers =\n    {CLAIM}3.10\n    {CLAIM}3.11\n", ("3.10", "3.11")),
        ("setup.cfg", "[metadata]\nname = 100%", ()),
        ("setup.cfg", "no table", ()),
        ("README.md", f"{CLAIM}3.10", ()),
    ],
)
def test_a_project_claims_what_its_classifiers_say(
    tmp_path: Path, name: str, text: str, found: tuple[str, ...]
) -> None:
    (tmp_path / name).write_text(text)
    assert claimed_pythons(tmp_path) == found
