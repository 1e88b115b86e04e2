from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.readme.fences import PAGES
from tests.readme.picture import PICTURE, SVG, draw, screen, take, words

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_the_picture_says_what_the_program_prints_today(tmp_path: Path) -> None:
    today = words(draw(take(tmp_path)))
    assert words(PICTURE.read_text(encoding="utf-8")) == today, "draw it again: nox -s picture"


def test_the_picture_shows_that_pytest_passes_where_gates_fails() -> None:
    lines = words(PICTURE.read_text(encoding="utf-8"))
    pytest_alone, gates = " ".join(lines).split("$ gates run")
    assert "exit code 0" in pytest_alone
    assert "exit code 1" in gates


PICTURES = sorted(PICTURE.parent.iterdir())


@pytest.mark.parametrize("path", [path for path in PICTURES if path.suffix == ".svg"], ids=lambda path: path.name)
def test_a_picture_needs_nothing_from_another_place(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace(f'xmlns="{SVG}"', "")
    assert re.findall(r"\w+://|href|@import|@font-face|url\((?!#)|<script", text) == []


def test_every_picture_is_shown_and_described() -> None:
    shown = {}
    for page in PAGES:
        for described, link in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert len(described.split()) >= 8, f"{page.name}: say what {link} shows"
            shown[(page.parent / link).resolve()] = described
    assert shown.keys() == {path.resolve() for path in PICTURES}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("one\r\ntwo\r\n", ["one", "two", ""]),
        ("\x1b[31mred\x1b[0m\r\n", ["\x1b[31mred\x1b[0m", ""]),
        ("10 %\r\x1b[2K20 %\r\x1b[2Kdone\r\n", ["done", ""]),
        ("a…\r\nb…\r\x1b[2K\x1b[1A\x1b[2Ka done\r\nb…\r\x1b[2Kb done", ["a done", "b done"]),
        ("\x1b[?25lbusy\r\x1b[2K\x1b[?25h", [""]),
    ],
)
def test_what_was_erased_is_not_on_the_screen(text: str, left: list[str]) -> None:
    assert screen(text) == left


def test_a_full_line_is_broken_as_a_terminal_does_it() -> None:
    assert words(draw(["x" * 150, "", "end"]))[1:] == ["x" * 104, "x" * 46, "", "end"]


def test_times_do_not_count() -> None:
    assert (
        words(draw(["PASS  0.21s", "took 2m 07s", "15 ms"]))[1:]
        == words(draw(["PASS  3.4s", "took 1m 9s", "15 ms"]))[1:]
    )
