"""What the body of a test looks like, whatever its formatting."""

from __future__ import annotations

import ast
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from gates.analysis.shapes import Shape, shapes_in, shapes_of

if TYPE_CHECKING:
    from pathlib import Path


def shape(text: str, name: str = "test_it") -> Shape:
    return shapes_in(ast.parse(dedent(text)))[name]


def body(text: str) -> Shape:
    lines = "\n".join(f"    {line}" for line in dedent(text).strip().splitlines())
    return shape(f"def test_it():\n{lines}\n")


SAME = """
    value = make(1)
    assert value.total == 2
    """


@pytest.mark.parametrize(
    "other",
    [
        "value=make( 1 )\nassert value.total==2  # a comment",
        "'''What it is for.'''\nvalue = make(1)\nassert value.total == 2",
        "result = make(1)\nassert result.total == 2",
    ],
    ids=["format", "docstring", "local name"],
)
def test_a_rewrite_that_changes_nothing_keeps_the_fingerprint(other: str) -> None:
    assert body(other).fingerprint == body(SAME).fingerprint


@pytest.mark.parametrize("other", ["value = make(2)\nassert value.total == 2", "value = make(1)\nassert value.total"])
def test_another_body_has_another_fingerprint(other: str) -> None:
    assert body(other).fingerprint != body(SAME).fingerprint


def test_a_renamed_helper_changes_nothing() -> None:
    def text(helper: str) -> str:
        return f"def {helper}(x):\n    assert x\ndef test_it():\n    {helper}(1)\n"

    assert shape(text("check")).fingerprint == shape(text("verify")).fingerprint


def test_files_that_are_gone_or_broken_have_no_tests(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("class TestA:\n    def test_b(self): assert 1\n")
    (tmp_path / "broken.py").write_text("def test_(:\n")
    (tmp_path / "odd.py").write_bytes(b"\x00\xff")
    found = shapes_of(tmp_path, ["good.py", "broken.py", "odd.py", "gone.py", "a.rs"])
    assert set(found) == {"good.py::TestA::test_b"}
