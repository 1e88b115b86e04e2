"""Tables of the documentation that name tests: what a page claims, a test shows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = re.search(r"(?m)(?:^\|.*\n)+", section)
    assert table, heading
    lines = [re.split(r"(?<!\\)\|", line.strip()[1:-1]) for line in table[0].splitlines()]
    return [[cell.strip() for cell in cells] for cells in lines[2:]]


def assert_shown(cell: str) -> None:
    """Each test that a cell names exists, and there is one."""
    named = re.findall(r"`([^`]+\.py)::(\w+)`", cell)
    assert named, cell
    for file, test in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{file}::{test}"


def assert_claimed(ours: str, shown: str) -> None:
    """A tick names a test that exists, a cross a reason."""
    if ours.startswith("✗"):
        assert len(shown.split()) >= 5, shown
        return
    assert ours.startswith("✓")
    assert_shown(shown)
