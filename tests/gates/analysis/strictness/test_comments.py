"""Comments that silence a tool."""

from __future__ import annotations

import pytest

from tests.gates.analysis.strictness.changed import changes, said

FILE = "src/a.py"


def found(base: str, head: str) -> list[tuple[str, str, str]]:
    return [(change.direction, change.strength, change.key) for change in changes(base, head, FILE)]


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ("x = f(1)", "x = f(1)  # type: ignore", [("weaker", "certain", "# type: ignore")]),
        ("x = f(1)", "x = f(1)  # type: ignore[arg-type] # it is fine", [("weaker", "certain", "# type: ignore")]),
        ("", "x = f(1)  # type: ignore[arg-type]", [("weaker", "certain", "# type: ignore")]),
        ("", "x = f(1)  # type: ignore[arg-type] # the stubs are wrong", [("weaker", "hint", "# type: ignore")]),
        ("", "x = f(1)  # noqa: S101 (for our own bugs)", [("weaker", "hint", "# noqa")]),
        ("", "x = f(1)  # noqa (for our own bugs)", [("weaker", "certain", "# noqa")]),
        ("def f(): pass", "def f(): pass  # pragma: no cover", [("weaker", "certain", "# pragma: no cover")]),
        ("", "def f(): pass  # pragma: no cover (Windows only)", [("weaker", "hint", "# pragma: no cover")]),
        ("x = 1", "# ruff: noqa\nx = 1", [("weaker", "certain", "# flake8: noqa")]),
        ("x = 1", "# mypy: ignore-errors\nx = 1", [("weaker", "certain", "# mypy: ignore-errors")]),
        ("x = 1", "x = 1  # pyright: ignore[reportA]", [("weaker", "certain", "# pyright: ignore")]),
        ("x = 1", "x = 1  # pylint: disable=invalid-name", [("weaker", "certain", "# pylint: disable")]),
        ("x = 1", "# pylint: skip-file\nx = 1", [("weaker", "certain", "# pylint: skip-file")]),
        ("x = 1", "# pyright: reportA=false\nx = 1", [("weaker", "certain", "# pyright: report")]),
        ("x = 1", "# ruff: disable[E501]\nx = 1", [("weaker", "certain", "# ruff: disable")]),
        ("x = 1", "x = 1  # nosec", [("weaker", "certain", "# nosec")]),
        ("x = 1  # noqa", "x = 1  # noqa: E501", [("stronger", "certain", "# noqa")]),
        ("x = 1  # noqa: E501", "x = 1  # noqa", [("weaker", "certain", "# noqa")]),
        ("x = 1  # noqa: E501", "x = 1  # noqa: E501, F401", [("weaker", "certain", "# noqa")]),
        ("x = 1  # noqa: E501, F401", "x = 1  # noqa: F401", [("stronger", "certain", "# noqa")]),
        ("x = 1  # noqa: E501", "x = 1", [("stronger", "certain", "# noqa")]),
        ("x = 1", "x = 1  # noqa: E501  # type: ignore[x]", [("weaker", "certain", "# noqa"), ("weaker", "certain", "# type: ignore")]),
    ],
)  # fmt: skip
def test_a_new_comment_is_weaker_and_one_that_is_gone_is_stronger(
    base: str, head: str, expected: list[tuple[str, str, str]]
) -> None:
    assert sorted(found(base, head)) == expected
    opposite = {"weaker": "stronger", "stronger": "weaker"}
    assert [(opposite[direction], key) for direction, _, key in sorted(found(head, base))] == [
        (direction, key) for direction, _, key in expected
    ]


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ("x = 1  # noqa: E501\ny = 2", "y = 2\nx = 1  # noqa: E501"),
        ("x = 1  # noqa: E501", "if y:\n    x  =  1  #  NOQA:E501"),
        ("x = compute(1, 2)  # noqa: E501", "x = compute(1, 2, 3)  # noqa: E501"),
        ("x = 1  # noqa: E501,F401", "x = 1  # noqa: F401, E501"),
        ("x = 1  # noqa: E501", "x = 1  # noqa: E501 (because)"),
        ("x = 1", "x = '# noqa'"),
        ("x = 1", 'x = """\n# type: ignore\n"""'),
        ("x = 1", "x = 1  # see the docs about noqa"),
        ("x = 1", "x = 1  # fmt: skip"),
        ("x = 1  # type: ignore", "x = 1  # pyright: ignore"),
    ],
)
def test_a_comment_that_was_moved_or_is_none_is_no_change(base: str, head: str) -> None:
    assert found(base, head) == []


def test_a_function_that_moves_to_another_file_takes_its_comments_along() -> None:
    function = "def f(x):\n    return g(x)  # type: ignore[no-any-return]\n"
    assert (
        said({"a.py": function + "y = 1\n", "b.py": ""}, {"a.py": "y = 1\n", "b.py": f"import g\n\n{function}"}) == []
    )


def test_a_comment_that_moved_into_a_file_with_a_new_one_is_not_new() -> None:
    moved = "y = g(x)  # noqa: E501\n"
    found = changes(
        {"a.py": "x = 1\n", "b.py": moved + "z = 1\n"}, {"a.py": "x = 1  # noqa: F401\n" + moved, "b.py": "z = 1\n"}
    )
    assert [(change.path, change.after) for change in found] == [("a.py", "x = 1  # noqa: F401")]


def test_in_a_test_a_comment_on_new_code_that_names_what_it_silences_is_a_hint() -> None:
    text = "def test_wrong_type():\n    f('x')  # type: ignore[arg-type]\n"
    (change,) = changes({"tests/test_a.py": ""}, {"tests/test_a.py": text})
    assert change.strength == "hint"
    (change,) = changes({"tests/test_a.py": text.split("  #", maxsplit=1)[0]}, {"tests/test_a.py": text})
    assert change.strength == "certain"


@pytest.mark.parametrize(("comment", "strength"), [("# type: ignore[arg-type]", "hint"), ("# type: ignore", "certain")])
def test_in_a_new_file_only_a_blanket_comment_is_certain(comment: str, strength: str) -> None:
    (change,) = changes({}, {"src/new.py": f"x = f(1)  {comment}\n"})
    assert change.strength == strength


def test_a_change_has_its_line_and_says_what_it_silences() -> None:
    (change,) = changes("a = 1\nb = 2\n", "a = 1\nb = 2  # noqa: E501\n", FILE)
    assert (change.path, change.line, change.after) == (FILE, 2, "b = 2  # noqa: E501")
    assert change.what == "a new # noqa silences E501"


@pytest.mark.parametrize("broken", ["x = (  # noqa\n", "'''  # noqa\n", "\x00  # noqa\n", "if x:\n  a\n b  # noqa\n"])
def test_a_file_that_is_no_python_is_read_as_far_as_it_is(broken: str) -> None:
    changes("x = 1\n", broken, FILE)
    changes(broken, "x = 1\n", FILE)
