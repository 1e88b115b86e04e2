"""Checks the changelog fragments, and joins them into `CHANGELOG.md` at a release.

A fragment is `changelog.d/NAME.md`: NAME in lower case with hyphens, the text a Markdown list of user-visible changes.
Separate files never conflict in a merge; one shared "Unreleased" section always does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*\.md")
_MARK = "<!-- releases -->\n"


def fragment_problems(folder: Path) -> tuple[str, ...]:
    """What is wrong with the fragments in `folder`, one sentence each."""
    problems = []
    for path in sorted(folder.iterdir()):
        if path.name == "README.md":
            continue
        place = f"{folder.name}/{path.name}"
        if not path.is_file() or not _NAME.fullmatch(path.name):
            problems.append(f"{place}: expected a file named like `faster-start.md`")
        elif not path.read_text(encoding="utf-8").startswith("- "):
            problems.append(f"{place}: expected a Markdown list that starts with `- `")
    return tuple(problems)


def release(changelog: Path, folder: Path, heading: str) -> tuple[Path, ...]:
    """Move the text of all fragments under a new `heading` of the changelog; returns the fragments that it removed.

    Raises:
        ValueError: there is nothing to release, or the changelog has no line `<!-- releases -->`.
    """
    fragments = tuple(path for path in sorted(folder.glob("*.md")) if path.name != "README.md")
    text = changelog.read_text(encoding="utf-8")
    if not fragments:
        raise ValueError(f"{folder} holds no fragments: nothing to release")
    if _MARK not in text:
        raise ValueError(f"{changelog} has no line {_MARK.strip()!r} to write below")
    body = "".join(path.read_text(encoding="utf-8").rstrip("\n") + "\n" for path in fragments)
    changelog.write_text(text.replace(_MARK, f"{_MARK}\n## {heading}\n\n{body}", 1), encoding="utf-8")
    for path in fragments:
        path.unlink()
    return fragments
