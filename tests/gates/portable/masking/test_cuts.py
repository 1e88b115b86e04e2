"""What is left of a secret beside a place where a text was shortened."""

from __future__ import annotations

import reprlib
import unittest

import pytest
from _pytest._io.saferepr import saferepr

from gates.portable.masking import Mask
from gates.pytest_plugin.text import cap, words

TOKEN = "ghp_4f7Zq81mNc0RtYuIoPaSdFgHjKlZxCvBnM12"
MASK = Mask({"MY_TOKEN": TOKEN})


def unittest_message() -> str:
    try:
        unittest.TestCase().assertEqual(f"{TOKEN}{'y' * 90}", f"{TOKEN}{'z' * 90}")  # noqa: PT009
    except AssertionError as error:
        return str(error)
    return ""


CUTS = {
    "pytest": saferepr(TOKEN, maxsize=30),
    "pytest, in a longer text": saferepr(f"the token {TOKEN} is not accepted here", maxsize=50),
    "reprlib": reprlib.repr(TOKEN),
    "unittest": unittest_message(),
    "a line": words(f"401 for {TOKEN}", 30),
    "a long text": cap("x" * 80 + TOKEN + "y" * 80, 190),
    "by hand": f"{TOKEN[:12]}… and {TOKEN[20:]}...",
    "in the middle": f"...{TOKEN[9:30]}...",
    "by json": f"\\u2026{TOKEN[9:30]}\\u2026",
    "a difference": f"E         - {TOKEN[15:]}\nE         + {TOKEN[15:-1]}x",
}


@pytest.mark.parametrize("cut", CUTS)
def test_no_piece_of_a_secret_is_left_beside_a_cut(cut: str) -> None:
    assert any(TOKEN[at : at + 6] in CUTS[cut] for at in range(len(TOKEN) - 5)), "the example shows a piece"
    masked = MASK.text(CUTS[cut])
    assert not [TOKEN[at : at + 6] for at in range(len(TOKEN) - 5) if TOKEN[at : at + 6] in masked], masked


@pytest.mark.parametrize(
    "text",
    [
        "running the tests......... [ 12%]",
        "wait for it... and then",
        "test... pass... word...",
        f"a piece of it, {TOKEN[:12]}, without a cut",
        "E         - something else\nE         + another thing",
    ],
)
def test_other_texts_with_dots_stay(text: str) -> None:
    assert Mask({"MY_TOKEN": TOKEN, "DB_PASS": "testpassword"}).text(text) == text
