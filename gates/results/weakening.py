"""What a branch checks less than its base, and which settings it changed: all findings have the same form."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

Strength = Literal["certain", "hint"]
Direction = Literal["weaker", "stronger", "other"]

SHORT_DIGEST = 6
"""Hexadecimal digits at the end of an id: enough to tell the findings of one comparison apart, and short to type."""


class Weakening(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that checks less on the head than on the base.

    Attributes:
        rule: name of the rule that found it, in lower-case words with hyphens: `broader-exception`.
        what: what became weaker, in one sentence.
        path: file of the head, or of the base if the head does not have it; with `/`.
        line: in that file; 0 if unknown.
        test: id of the test, without parameters; empty for a setting.
        before: the text on the base.
        after: the text on the head; empty if it is gone.
        strength: `certain` makes a regression; a `hint` is only shown, unless a mutant confirms it.
        mutant: diff of a mutant that the base's version of the test kills, and the head's does not; empty if none was tried.
        accepted: why it was accepted; empty if it was not.
        id: the name to accept it by; it stays the same while rule, place and texts do.
    """

    rule: str
    what: str
    path: str = ""
    line: int = 0
    test: str = ""
    before: str = ""
    after: str = ""
    strength: Strength = "certain"
    mutant: str = ""
    accepted: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        """Set the id, if it is not read from a file."""
        if not self.id:
            told = "\0".join((self.rule, self.test or self.path, self.before, self.after))
            digest = hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()
            msgspec.structs.force_setattr(self, "id", f"{self.rule}-{digest[:SHORT_DIGEST]}")

    @property
    def counts(self) -> bool:
        """Whether it makes a regression."""
        return not self.accepted and (self.strength == "certain" or bool(self.mutant))


class SettingChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A changed setting that decides what a green gate means.

    Attributes:
        tool: `gates`, `pytest`, `coverage`, `ruff`, `flake8`, `mypy`, `pyright`, `ci` for steps of a CI system, or `comment` for
            `# noqa` and the like.
        key: its name, with the table that it is in where that is needed: `gate test: no-tests`.
        path: the file, with `/`.
        line: in that file; 0 if unknown.
        before: the value on the base; empty if it was not set.
        after: the value on the head; empty if it is not set.
        direction: what the change does to the meaning of a green gate.
        what: what changed, in one sentence.
        strength: of a weaker one: a `hint` is shown and makes no regression.
    """

    tool: str
    key: str
    path: str
    line: int = 0
    before: str = ""
    after: str = ""
    direction: Direction
    what: str
    strength: Strength = "certain"

    @property
    def weakening(self) -> Weakening:
        """The same as a finding."""
        return Weakening(
            rule=f"{self.tool}-setting",
            what=self.what,
            path=self.path,
            line=self.line,
            before=self._named(self.before),
            after=self._named(self.after),
            strength=self.strength,
        )

    def _named(self, value: str) -> str:
        """A value with its key, unless it is a line of code or of a workflow, which shows it."""
        if not value or self.tool in ("comment", "ci"):
            return value
        return f"{self.key} = {value}"
