"""Cases that tests read from a file: how many are gone from it."""

from __future__ import annotations

import csv
import io
import json
import posixpath
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator

from gates.analysis.checks.claims import Claim
from gates.analysis.checks.reading import Side, holds_tests, is_test_code
from gates.analysis.checks.snapshots import is_snapshot
from gates.portable.values import plural
from gates.results.weakening import Weakening

READ = (".txt", ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".toml", ".yaml", ".yml")
"""Ends of names of files whose rows are compared."""

_TABLE = 3
"""Minimum number of entries of one type for a table that holds cases: fewer, or different ones, are settings or one record."""

LARGE = 2_000_000
"""Characters from which on a file is not read."""

_ITEM = re.compile(r"^- ", re.MULTILINE)

Reading = Callable[[Side, str], Iterable[Claim]]


def rows_removed(changed: Collection[str], base: Side, head: Side, claims_in: Reading) -> Iterator[Weakening]:
    """A finding for each file of cases that has fewer rows on the head, and whose rows no other file has.

    It is certain if a test goes through the rows, and was not changed itself; else it is a hint.

    Args:
        changed: paths of files that differ.
        base: the files of the base.
        head: the files of the head.
        claims_in: reads the tests of a file.
    """
    paths = [path for path in changed if path.endswith(READ) and is_test_code(path) and not is_snapshot(path)]
    now = {path: rows_of(path, head.texts.get(path) or "") for path in paths}
    there = set().union(*now.values()) if now else set()
    for path in paths:
        was = rows_of(path, base.texts.get(path) or "")
        lost = [row for row in was if row not in there]
        new = [row for row in now[path] if row not in was]
        if path not in head.texts or len(lost) <= len(new) or not was:
            continue
        readers = [one for one in _readers(path, head) if not changed_in(one, base, head)]
        through = any(
            "each(" in f"{claim.subject} {claim.expected}" for one in readers for claim in claims_in(head, one)
        )
        yield Weakening(
            rule="fewer-rows", what=f"{len(lost)} of {plural(len(was), 'row')} are gone from the cases", path=path,
            before=_short(lost[0]), strength="certain" if through and not new else "hint",
        )  # fmt: skip


def changed_in(path: str, base: Side, head: Side) -> bool:
    """Whether a file is not the same on both sides."""
    return base.texts.get(path) != head.texts.get(path)


def _readers(path: str, side: Side) -> Iterator[str]:
    """The test files that name a data file."""
    name = posixpath.basename(path)
    for one in side.texts:
        if one.endswith(".py") and holds_tests(one) and name in (side.texts.get(one) or ""):
            yield one


def rows_of(path: str, text: str) -> dict[str, None]:
    """The distinct rows of a file, in order; none if it cannot be read, or has none."""
    if not text.strip() or len(text) > LARGE:
        return {}
    try:
        return dict.fromkeys(_rows(path, text))
    except (ValueError, csv.Error, RecursionError):
        return {}


def _rows(path: str, text: str) -> Iterator[str]:
    if path.endswith((".jsonl", ".ndjson")):
        yield from (_told(json.loads(line)) for line in text.splitlines() if line.strip())
    elif path.endswith(".json"):
        yield from _items(json.loads(text))
    elif path.endswith(".toml"):
        yield from _items({name: one for name, one in tomllib.loads(text).items() if isinstance(one, list | dict)})
    elif path.endswith((".csv", ".tsv")):
        read = csv.reader(io.StringIO(text), delimiter="\t" if path.endswith(".tsv") else ",")
        yield from (_told(row) for row in list(read)[1:] if row)
    elif path.endswith(".txt"):
        yield from filter(None, map(str.strip, text.splitlines()))
    else:
        yield from (" ".join(item.split()) for item in _ITEM.split(text)[1:])


def _items(value: object) -> Iterator[str]:
    """The rows of a list, of the only list or table in a table, or the entries of a table."""
    inside = [one for one in value.values() if isinstance(one, list | dict)] if isinstance(value, dict) else []
    lists = [one for one in inside if isinstance(one, list)]
    if isinstance(value, dict) and (len(lists) == 1 or len(inside) == len(value) == 1):
        value = lists[0] if len(lists) == 1 else inside[0]
    if isinstance(value, list):
        yield from map(_told, value)
    elif isinstance(value, dict) and len({type(each) for each in value.values()}) == 1 and len(value) >= _TABLE:
        yield from (_told([key, each]) for key, each in value.items())


def _told(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _short(row: str) -> str:
    return row if len(row) <= 100 else f"{row[:97]}…"
