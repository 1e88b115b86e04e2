from __future__ import annotations

import pytest

from gates.config.locate import locate

TEXT = '''\
# [gate.no]
top = 1
[ gate . one ]  # a comment
timeout = "1m"
"needs" = [
  "a",
]
[gate."two words"]
env.A.set = "x"
'env'.B = { set = "y" }
reason = """
[gate.three]
timeout = 3
"""
late = 1
inline = """on one line"""
later = 2
[[gate.list]]
a = 1
[profile]
quick.gates = []
[[gate.list]]
a = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("gate", "one"), 3),
        (("gate", "one", "timeout"), 4),
        (("gate", "one", "needs"), 5),
        (("gate", "one", "nothing"), 3),
        (("gate", "two words"), 8),
        (("gate", "two words", "env", "A"), 8),
        (("gate", "two words", "env", "A", "set"), 9),
        (("gate", "two words", "env", "B"), 10),
        (("gate", "two words", "env", "B", "set"), 10),
        (("gate", "two words", "late"), 15),
        (("gate", "two words", "later"), 17),
        (("gate", "list", "a"), 19),
        (("gate", "list", "0", "a"), 19),
        (("gate", "list", "1", "a"), 23),
        (("gate", "list", "2", "a"), 18),
        (("profile", "quick", "gates"), 21),
        (("profile", "quick", "gates", "x"), 21),
        (("nothing",), 0),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else str(value),
)
def test_a_key_is_found_where_it_stands_or_at_its_nearest_parent(path: tuple[str, ...], line: int) -> None:
    assert locate(TEXT, path) == line
    assert locate(TEXT.replace("\n", "\r\n"), path) == line


def test_what_looks_like_a_key_inside_a_text_is_none() -> None:
    assert locate(TEXT, ("gate", "three", "timeout")) == 0


def test_an_empty_file_has_no_lines() -> None:
    assert locate("", ("gate",)) == 0


def test_only_line_feeds_end_lines() -> None:
    assert locate("a = '\u2028\x0c\x85'\nb = 1\n", ("b",)) == 2
