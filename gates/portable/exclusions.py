"""The ledgers of tests that do not count yet; each entry has reason, category, owner and expiry.

`exclusions` are not run; the tests of the `quarantine` are run, and their failures do not count. Both have entries of
the same kind.

Standard library only, Python 3.9 syntax: the pytest plugin reads the ledger too (see `values`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from .errors import ConfigError
from .filters import Expression, FilterSyntaxError, Not, Or, Predicate, parse, to_text
from .filters.nearest import meant
from .quick_dataclass import dataclass

CATEGORIES = ("unimplemented", "todo", "hang", "flaky", "environment")

Place = Callable[["tuple[str, ...]"], str]
"""From keys below the ledger's table to `file:line`, for errors."""


@dataclass(frozen=True)
class Exclusion:
    """One entry of the ledger.

    Attributes:
        name: its key in the table.
        filter: expression of the filter language; what it selects is excluded.
        reason: why, for people.
        category: one of `CATEGORIES`.
        owner: who will resolve it.
        expires: the last day on which it applies.
        issue: where it is tracked; may be empty.
        signature: the observed failure, as results show it; may be empty.
    """

    name: str
    filter: str
    reason: str
    category: str
    owner: str
    expires: dt.date
    issue: str = ""
    signature: str = ""


FIELDS = tuple(field.name for field in fields(Exclusion) if field.name != "name")
OPTIONAL = ("issue", "signature")
EXCLUSION, QUARANTINE = "exclusion", "quarantine"
DEFINED_BY = {EXCLUSION: (), QUARANTINE: ("quarantined", "default")}
"""Kind of ledger → predicates that its entries define, and so cannot use."""


def read_exclusions(
    table: Mapping[str, object], place: Place, kind: str = EXCLUSION
) -> tuple[tuple[Exclusion, ...], tuple[ConfigError, ...]]:
    """Read the table of a ledger, in its order.

    Args:
        table: entries by name.
        place: finds a key's line.
        kind: of ledger: `EXCLUSION` or `QUARANTINE`.

    Returns:
        The entries without mistakes, and every mistake of the others.
    """
    entries: list[Exclusion] = []
    errors: list[ConfigError] = []
    for name, content in table.items():
        if not isinstance(content, dict):
            errors.append(
                ConfigError(
                    f"{kind} {name!r} is not a table",
                    place=place((name,)),
                    expected=f"[….{'exclusions' if kind == EXCLUSION else kind}.{name}]",
                )
            )
            continue
        reader = _Entry(kind, name, content, place)
        entry = reader.read()
        errors += reader.errors
        if entry is not None:
            entries.append(entry)
    return tuple(entries), tuple(errors)


class _Entry:
    """Reads one entry and collects its mistakes."""

    def __init__(self, kind: str, name: str, content: Mapping[str, object], place: Place) -> None:
        self._kind, self._name, self._content, self._place = kind, name, content, place
        self.errors: list[ConfigError] = []

    def read(self) -> Exclusion | None:
        for key in self._content:
            if key not in FIELDS:
                remedy = meant(str(key), FIELDS, f"known fields: {', '.join(FIELDS)}")
                self._error(f"unknown field {key!r}", key, remedy=remedy)
        missing = [key for key in FIELDS if key not in self._content and key not in OPTIONAL]
        if missing:
            self._error(
                f"missing {', '.join(repr(key) for key in missing)}",
                "",
                remedy=f"every {self._kind} says why and until when",
            )
        texts = {key: self._text(key) for key in FIELDS if key != "expires" and key in self._content}
        if texts.get("category") and texts["category"] not in CATEGORIES:
            self._error(
                "unknown category",
                "category",
                expected=", ".join(CATEGORIES),
                got=repr(texts["category"]),
                remedy=meant(texts["category"], CATEGORIES),
            )
        if texts.get("filter"):
            try:
                parse(texts["filter"], DEFINED_BY[self._kind])
            except FilterSyntaxError as error:
                self._error(str(error), "filter")
        expires = self._date() if "expires" in self._content else None
        if self.errors or expires is None:
            return None
        return Exclusion(name=self._name, expires=expires, **texts)

    def _error(self, what: str, key: str, **fields: str) -> None:
        place = self._place((self._name, key) if key else (self._name,))
        self.errors.append(ConfigError(f"{self._kind} {self._name!r}: {what}", place=place, **fields))

    def _text(self, key: str) -> str:
        value = self._content[key]
        if not isinstance(value, str):
            self._error(f"{key} is not a string", key, got=repr(value)[:80])
            return ""
        if not value.strip() and key not in OPTIONAL:
            self._error(f"{key} is empty", key)
        return value

    def _date(self) -> dt.date | None:
        value = self._content["expires"]
        # For Python a date with a time is a `date`, too; here it would suggest a precision that is not checked.
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value
        if isinstance(value, str) and len(value) == len(
            "2026-12-31"
        ):  # newer versions of Python accept more forms than 3.9
            try:
                return dt.date.fromisoformat(value)
            except ValueError:
                pass
        self._error("expires is not a date", "expires", expected="a date like 2026-12-31", got=repr(value)[:80])
        return None


def union(entries: Sequence[Exclusion]) -> Expression:
    """The expression that selects what any of the entries selects.

    Raises:
        FilterSyntaxError: an entry's filter has an error.
    """
    trees = tuple(parse(entry.filter) for entry in entries)
    return Or(trees) if len(trees) > 1 else trees[0] if trees else Predicate("none")


def named_expressions(default_filter: str, quarantine: Sequence[Exclusion]) -> dict[str, Expression]:
    """The meanings of `default()` and `quarantined()`.

    Raises:
        FilterSyntaxError: one of them has an error.
    """
    named: dict[str, Expression] = {}
    if default_filter.strip():
        named["default"] = parse(default_filter, without=("default",))
    if quarantine:
        named["quarantined"] = union(quarantine)
    return named


def effective_filter(exclusions: Sequence[Exclusion], user_filter: str = "") -> str:
    """The expression that tests must match to run: the user's, without what the ledger excludes.

    Raises:
        FilterSyntaxError: an entry's filter, or the user's, has an error.
    """
    user = user_filter.strip()
    if user:
        parse(user)
    if not exclusions:
        return user
    ledger = to_text(Not(union(exclusions)))
    return f"({user}) and {ledger}" if user else ledger


def expired(exclusions: Iterable[Exclusion], today: dt.date) -> tuple[Exclusion, ...]:
    """The expired entries."""
    return tuple(entry for entry in exclusions if entry.expires < today)


def to_json(entry: Exclusion) -> dict[str, Any]:
    """An entry as a JSON object."""
    return {**asdict(entry), "expires": entry.expires.isoformat()}


def from_json(data: Mapping[str, Any]) -> Exclusion:
    """Read what `to_json` made.

    Raises:
        ConfigError: it is not an object of this kind.
    """
    name = str(data.get("name", ""))
    content = {key: value for key, value in data.items() if key != "name"}
    entries, errors = read_exclusions({name: content}, ".".join)
    if errors:
        raise errors[0]
    return entries[0]
