from __future__ import annotations

import pytest

from gates.render.left_out import left_out_note, left_out_words
from gates.results import LeftOut
from tests.gates.run.making import a_result

MANY = LeftOut(who="-m 'not slow' (addopts in pytest.ini)", tests=31000)


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        ((), ""),
        ((MANY,), "31,000 tests by -m 'not slow' (addopts in pytest.ini)"),
        ((LeftOut(who="conftest.py", tests=1, files=2),), "1 test and 2 test files by conftest.py"),
        (
            tuple(LeftOut(who=who, files=1) for who in "abcde"),
            "1 test file by a, 1 test file by b, 1 test file by c, and more by 2 others",
        ),
    ],
)
def test_it_is_said_how_many_and_by_whom(left_out: tuple[LeftOut, ...], words: str) -> None:
    assert left_out_words(left_out) == words
    assert left_out_note(a_result(left_out=left_out)) == (f"left out: {words}" if words else "")
