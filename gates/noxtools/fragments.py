"""Checks the changelog fragments, and joins them into `CHANGELOG.md` at a release.

A fragment is `changelog.d/NAME.md`: NAME in lower case with hyphens; the text is one or more paragraphs, each a change
that a user can see, each beginning with its kind (`Fixed: …`). Separate files never conflict in a merge; one shared
"Unreleased" section always does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_NAME = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*\.md")
_PARAGRAPH = re.compile(rf"({'|'.join(KINDS)}): (\S.*)", re.DOTALL)
_MARK = "<!-- releases -->\n"


def fragment_problems(folder: Path) -> tuple[str, ...]:
    """What is wrong with the fragments in `folder`, one sentence each."""
    problems = []
    for path in sorted(folder.iterdir()):
        place = f"{folder.name}/{path.name}"
        if path.name == "README.md":
            continue
        if not path.is_file() or not _NAME.fullmatch(path.name):
            problems.append(f"{place}: expected a file named like `faster-start.md`")
        elif not _changes(path) or None in _changes(path):
            problems.append(f"{place}: expected paragraphs that begin with one of {', '.join(KINDS)} and a colon")
    return tuple(problems)


def release(changelog: Path, folder: Path, heading: str) -> tuple[Path, ...]:
    """Move the text of all fragments under a new `heading` of the changelog; returns the fragments that it removed.

    Raises:
        ValueError: there is nothing to release, a fragment is malformed, or the changelog has no `<!-- releases -->`.
    """
    fragments = tuple(path for path in sorted(folder.glob("*.md")) if path.name != "README.md")
    problems = fragment_problems(folder)
    text = changelog.read_text(encoding="utf-8")
    if problems:
        raise ValueError("; ".join(problems))
    if not fragments:
        raise ValueError(f"{folder} holds no fragments: nothing to release")
    if _MARK not in text:
        raise ValueError(f"{changelog} has no line {_MARK.strip()!r} to write below")
    body = _grouped(change for path in fragments for change in _changes(path) if change)
    changelog.write_text(text.replace(_MARK, f"{_MARK}\n## {heading}\n{body}", 1), encoding="utf-8")
    for path in fragments:
        path.unlink()
    return fragments


def _changes(path: Path) -> list[tuple[str, str] | None]:
    paragraphs = re.split(r"\n\s*\n", path.read_text(encoding="utf-8").strip())
    matches = (_PARAGRAPH.fullmatch(paragraph) for paragraph in paragraphs)
    return [(match[1], match[2]) if match else None for match in matches]


def _grouped(changes: Iterable[tuple[str, str]]) -> str:
    known = list(changes)
    lines = []
    for kind in KINDS:
        texts = [text[0].upper() + text[1:].replace("\n", "\n  ") for of, text in known if of == kind]
        lines += [f"\n### {kind}\n\n" + "".join(f"- {text}\n" for text in texts)] if texts else []
    return "".join(lines)
