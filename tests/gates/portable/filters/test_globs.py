from __future__ import annotations

import pytest

from gates.portable.filters.globs import name_pattern, path_pattern

PATHS = ("README.md", "docs/a.md", "docs/deep/b.md", "READMEx.py", "[R]x")


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("README.md", {"README.md"}),
        ("./README.md", {"README.md"}),
        ("*.md", {"README.md"}),
        ("**/*.md", {"README.md", "docs/a.md", "docs/deep/b.md"}),
        ("docs/*", {"docs/a.md", "docs/deep/b.md"}),
        ("docs/*.md", {"docs/a.md"}),
        ("docs/**", {"docs/a.md", "docs/deep/b.md"}),
        ("docs/", {"docs/a.md", "docs/deep/b.md"}),
        ("docs", {"docs/a.md", "docs/deep/b.md"}),
        ("doc", set()),
        ("**/deep/**", {"docs/deep/b.md"}),
        ("**", set(PATHS)),
        ("README?md", {"README.md"}),
        ("[Rd]*.*", {"README.md", "READMEx.py"}),
        ("[!R]*/*.md", {"docs/a.md"}),
        ("README[!/]md", {"README.md"}),
        ("[^]EADME.md", set()),
        ("[R", set()),
        ("[[]R]x", {"[R]x"}),
    ],
)
def test_a_star_stays_in_its_folder_two_do_not_and_a_folder_stands_for_all_below(glob: str, found: set[str]) -> None:
    pattern = path_pattern(glob)
    assert {path for path in PATHS if pattern.match(path)} == found


@pytest.mark.parametrize(
    ("glob", "name", "found"),
    [
        ("a*", "a/b\nc", True),
        ("a?c", "a/c", True),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("[*]", "*", True),
        ("[]]", "]", True),
        ("[!]]", "]", False),
        ("[", "[", True),
        ("a[b", "a[b", True),
        ("[^a]", "^", True),
        ("[&&]", "&", True),
        (r"\d", "5", False),
        (r"[\d]", "d", True),
        ("a", "ab", False),
        ("a.b", "axb", False),
    ],
)
def test_a_glob_is_for_the_whole_name(glob: str, name: str, found: bool) -> None:
    assert (name_pattern(glob).match(name) is not None) == found
