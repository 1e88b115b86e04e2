"""What changed in what a project depends on."""

from __future__ import annotations

import pytest

from gates.analysis.dependencies import Dependencies
from gates.compare.dependencies import compare_dependencies
from gates.compare.scope import out_of_scope


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("1.2", "1.10", "up"),
        ("1.10", "1.2", "down"),
        ("1.0", "1.0.0", "changed"),
        ("2.0rc1", "2.0", "up"),
        ("2.0", "2.0.dev3", "down"),
        ("2.0", "2.0.post1", "up"),
        (">=1,<2", ">=1.5,<2", "up"),
        (">=1,<3", ">=1,<2", "changed"),
        ("", ">=2", "changed"),
    ],
)
def test_a_change_goes_up_or_down(before: str, after: str, kind: str) -> None:
    base, head = (Dependencies(direct={"project": {"a": text}}) for text in (before, after))
    (change,) = compare_dependencies(base, head)
    assert (change.kind, change.name, change.where) == (kind, "a", "project")


def test_what_is_added_or_removed_is_named_with_its_place_and_direct_ones_come_first() -> None:
    base = Dependencies(
        direct={"extra x": {"gone": ">=1"}}, locked={"uv.lock": {"same": "1"}}, requires_python=">=3.11"
    )
    head = Dependencies(
        direct={"group t": {"new": ""}}, locked={"uv.lock": {"same": "1", "deep": "3"}}, requires_python=">=3.12"
    )
    found = [(one.kind, one.name, one.where, one.locked) for one in compare_dependencies(base, head)]
    assert found == [
        ("up", "python", "requires-python", False),
        ("added", "new", "group t", False),
        ("removed", "gone", "extra x", False),
        ("added", "deep", "uv.lock", True),
    ]
    assert compare_dependencies(head, head) == ()


@pytest.mark.parametrize(
    ("scope", "outside"),
    [
        ((), ()),
        (("src/**",), ("docs/a.md", "setup.cfg")),
        (("src/cache", "docs/*.md"), ("src/other.py", "setup.cfg")),
        (("**",), ()),
    ],
)
def test_what_no_glob_matches_is_out_of_scope(scope: tuple[str, ...], outside: tuple[str, ...]) -> None:
    paths = ["src/cache/a.py", "src/other.py", "docs/a.md", "setup.cfg"]
    assert out_of_scope(paths, scope) == outside
