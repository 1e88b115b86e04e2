"""Read CODEOWNERS: who owns a path.

The syntax is GitHub's: like .gitignore without `!` and `[…]`, the last match wins, a pattern without owners clears them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from gates.portable.filters.bounds import BoundedPattern
from gates.portable.filters.globs import to_regex
from gates.portable.regular import read_bytes

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where the file may be; the first one is used, as on GitHub."""

_FIELD = re.compile(r"(?:\\.|\S)+")
_SECTION = re.compile(r"\^?\[[^\]]*\]")
_OWNER = re.compile(r"@[\w.-]+(/[\w.-]+)?|[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class OwnerRule:
    """One line: a pattern and the owners of its paths.

    Attributes:
        pattern: as written.
        owners: people (`@name`), teams (`@org/team`) and addresses; empty if the line clears ownership.
        line: number in the file, from 1.
    """

    pattern: str
    owners: tuple[str, ...]
    line: int
    _regex: BoundedPattern = field(compare=False, repr=False)

    def matches(self, path: str) -> bool:
        """Whether the rule matches a path."""
        return self._regex.match(path)


@dataclass(frozen=True)
class Owners:
    """A CODEOWNERS file.

    Attributes:
        place: its path from the root.
        rules: in the file's order.
        notes: lines of the file that are ignored, a sentence each.
    """

    place: str
    rules: tuple[OwnerRule, ...]
    notes: tuple[str, ...] = ()

    def of(self, path: str) -> tuple[str, ...]:
        """The owners of a path (from the root, with `/`); none if no rule matches or the last match has no owners."""
        return next((rule.owners for rule in reversed(self.rules) if rule.matches(path)), ())


def read_owners(root: Path) -> Owners | None:
    """The owners that a project names; None if it has no such file."""
    for place in PLACES:
        try:
            text = read_bytes(root / place).decode("utf-8-sig", "replace")
        except OSError:
            continue
        return parse_owners(text, place)
    return None


def parse_owners(text: str, place: str) -> Owners:
    """Read the text of a CODEOWNERS file."""
    rules, notes = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        words = _words(line)
        if not words:
            continue
        try:
            rules.append(_rule(line, words, number))
        except ValueError as error:
            notes.append(f"{place}:{number}: {error}")
    return Owners(place, tuple(rules), tuple(notes))


def _words(line: str) -> list[str]:
    r"""The fields of a line; a field that begins with `#` begins a comment, and `\#` is a `#`."""
    words = []
    for word in _FIELD.findall(line):
        if word.startswith("#"):
            break
        words.append(word)
    return words


def _rule(line: str, words: list[str], number: int) -> OwnerRule:
    pattern, *owners = words
    if _SECTION.match(line.strip()):
        raise ValueError(f"{line.strip()!r} opens a section, which only GitLab supports; ignored")
    if pattern.startswith("!") or re.search(r"(?<!\\)\[", pattern):
        raise ValueError(
            f"{pattern!r} is not a pattern: CODEOWNERS supports neither '!' nor '[…]'; the line is ignored"
        )
    for owner in owners:
        if not _OWNER.fullmatch(owner):
            raise ValueError(f"{owner!r} is not an owner: expected @name, @organisation/team or an address; ignored")
    return OwnerRule(pattern, tuple(owners), number, _compile(re.sub(r"\\(.)", r"\1", pattern)))


def _compile(pattern: str) -> BoundedPattern:
    """The files that a pattern matches.

    A `/` at its beginning or inside anchors it to the root. It may match a folder, which means everything in it,
    except after `/*`: on GitHub, `docs/*` means the files in docs, but not those further down.
    """
    tied = "/" in pattern.removesuffix("/")
    body = pattern.strip("/")
    if body.endswith("/**"):
        body, rest = body.removesuffix("/**"), "/.+"
    elif pattern.endswith("/"):
        rest = "/.+"
    elif pattern.endswith("/*"):
        rest = ""
    else:
        rest = "(?:/.+)?"
    regex = re.compile(("" if tied else "(?:.+/)?") + to_regex(body, sets=False) + rest + r"\Z", re.DOTALL)
    return BoundedPattern(regex, pattern)
