from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.analysis.owners import parse_owners, read_owners
from tests.gates.analysis.sample import write

if TYPE_CHECKING:
    from pathlib import Path

# One line of a file, a path, and whether the line is about it: the examples of GitHub's documentation come first.
LINES = [
    ("*       @global-owner1 @global-owner2", "any/thing.at.all", ("@global-owner1", "@global-owner2")),
    ("*.js    @js-owner #This is an inline comment.", "src/app.js", ("@js-owner",)),
    ("*.js    @js-owner #This is an inline comment.", "src/app.jsx", ()),
    ("*.go docs@example.com", "main.go", ("docs@example.com",)),
    ("*.txt @octo-org/octocats", "a/b.txt", ("@octo-org/octocats",)),
    ("/build/logs/ @doctocat", "build/logs/a/b.log", ("@doctocat",)),
    ("/build/logs/ @doctocat", "src/build/logs/a.log", ()),
    ("docs/* docs@example.com", "docs/getting-started.md", ("docs@example.com",)),
    ("docs/* docs@example.com", "docs/build-app/troubleshooting.md", ()),
    ("apps/ @octocat", "apps/a.rb", ("@octocat",)),
    ("apps/ @octocat", "deeply/nested/apps/a/b.rb", ("@octocat",)),
    ("/docs/ @doctocat", "docs/deep/a.md", ("@doctocat",)),
    ("/docs/ @doctocat", "src/docs/a.md", ()),
    ("/scripts/ @doctocat @octocat", "scripts/a.sh", ("@doctocat", "@octocat")),
    ("**/logs @octocat", "logs/a", ("@octocat",)),
    ("**/logs @octocat", "build/logs/a", ("@octocat",)),
    ("**/logs @octocat", "deeply/nested/logs/a", ("@octocat",)),
    ("/apps/github @doctocat", "apps/github/a.rb", ("@doctocat",)),
    ("/apps/github @doctocat", "apps/github", ("@doctocat",)),
    ("/apps/github @doctocat", "apps/github2", ()),
    ("/* @root", "a.md", ("@root",)),
    ("/* @root", "docs/a.md", ()),
    ("/docs/** @doctocat", "docs/a/b.md", ("@doctocat",)),
    ("docs/**/a.md @doctocat", "docs/a.md", ("@doctocat",)),
    ("docs/**/a.md @doctocat", "docs/x/y/a.md", ("@doctocat",)),
    ("pool @someone", "src/pool/a.py", ("@someone",)),
    ("pool?.py @someone", "src/pool1.py", ("@someone",)),
    ("Pool @someone", "src/pool/a.py", ()),
    ("\\#notes @someone", "#notes", ("@someone",)),
    ("a\\ b.md @someone", "docs/a b.md", ("@someone",)),
    ("a#b.md @someone", "a#b.md", ("@someone",)),
    ("  # nothing @someone", "nothing", ()),
    ("\ufeff* @someone", "a", ()),
]


@pytest.mark.parametrize(("line", "path", "owners"), LINES)
def test_a_line_is_about_the_paths_that_github_says(line: str, path: str, owners: tuple[str, ...]) -> None:
    assert parse_owners(line, "CODEOWNERS").of(path) == owners


def test_the_last_match_wins_and_may_clear_ownership() -> None:
    owners = parse_owners("* @all\n/apps/ @octocat\n/apps/github\n*.md @writer\n", "CODEOWNERS")
    assert owners.of("a.py") == ("@all",)
    assert owners.of("apps/a.py") == ("@octocat",)
    assert owners.of("apps/github/a.py") == ()
    assert owners.of("apps/github/a.md") == ("@writer",)


LEFT_OUT = [
    ("[Docs] @writer", "opens a section"),
    ("^[Docs][2]", "opens a section"),
    ("[Two words] @writer", "opens a section"),
    ("!a.py @writer", "is not a pattern"),
    ("[ab].py @writer", "opens a section"),
    ("x[ab].py @writer", "is not a pattern"),
    ("a.py writer", "is not an owner"),
]


@pytest.mark.parametrize(("line", "note"), LEFT_OUT)
def test_a_line_that_github_would_not_read_is_left_out_and_noted(line: str, note: str) -> None:
    owners = parse_owners(f"* @all\n{line}\n", "docs/CODEOWNERS")
    assert owners.of("a.py") == ("@all",)
    (found,) = owners.notes
    assert found.startswith("docs/CODEOWNERS:2: ")
    assert note in found


@pytest.mark.parametrize("place", ["CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS"])
def test_the_file_may_lie_in_three_places(tmp_path: Path, place: str) -> None:
    assert read_owners(tmp_path) is None
    write(tmp_path, {place: "\ufeff*.py @someone\r\n"})
    owners = read_owners(tmp_path)
    assert owners is not None
    assert (owners.place, owners.of("a.py")) == (place, ("@someone",))
    write(tmp_path, {"docs/CODEOWNERS": "* @last", ".github/CODEOWNERS": "* @first"})
    again = read_owners(tmp_path)
    assert again is not None
    assert again.of("a.py") == ("@first",)
