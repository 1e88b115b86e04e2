from __future__ import annotations

import pytest

from gates.facts.globs import matches

PATTERNS = [
    ("README.md", {"README.md"}),
    ("*.md", {"README.md"}),
    ("**/*.md", {"README.md", "docs/a.md", "docs/deep/b.md"}),
    ("docs/*", {"docs/a.md"}),
    ("/docs/**", {"docs/a.md", "docs/deep/b.md"}),
    ("docs/", {"docs/a.md", "docs/deep/b.md"}),
    ("docs", set()),
    ("**/deep/**", {"docs/deep/b.md"}),
    ("**", {"README.md", "docs/a.md", "docs/deep/b.md", "READMEx.py"}),
    ("README?md", {"README.md"}),
    ("[R]EADME.md", set()),
]


@pytest.mark.parametrize(("pattern", "paths"), PATTERNS)
def test_a_star_stays_in_its_folder_and_two_do_not(pattern: str, paths: set[str]) -> None:
    every = ("README.md", "docs/a.md", "docs/deep/b.md", "READMEx.py")
    assert {path for path in every if matches(path, pattern)} == paths
