"""The ledger: every entry says why, who and until when, and every mistake in it is found at once."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from gates.portable.errors import ConfigError
from gates.portable.exclusions import (
    CATEGORIES,
    Exclusion,
    effective_filter,
    expired,
    from_json,
    read_exclusions,
    to_json,
)
from gates.portable.filters import Candidate, FilterSyntaxError, compile_filter

GOOD: dict[str, object] = {
    "filter": "test(backend_helpers)",
    "reason": "not written yet",
    "category": "unimplemented",
    "owner": "backend team",
    "expires": dt.date(2026, 12, 31),
}


def place(keys: tuple[str, ...]) -> str:
    return f"gates.toml:{'.'.join(keys)}"


def read(**changes: object) -> tuple[tuple[Exclusion, ...], tuple[ConfigError, ...]]:
    """Read a table whose only entry is the good one with changes; None takes a field out."""
    content = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    return read_exclusions({"helpers": content}, place)


def exclusion(name: str, **changes: Any) -> Exclusion:
    fields = {**GOOD, "filter": f"test({name})", **changes}
    return Exclusion(name=name, **fields)


def test_a_good_entry_is_read() -> None:
    entries, errors = read(issue="#12")
    assert not errors
    assert entries == (Exclusion(name="helpers", issue="#12", **GOOD),)  # type: ignore[arg-type]


def test_entries_keep_the_order_of_the_ledger() -> None:
    entries, _ = read_exclusions(dict.fromkeys(("z", "a", "m"), GOOD), place)
    assert [entry.name for entry in entries] == ["z", "a", "m"]


def test_an_empty_ledger_is_fine() -> None:
    assert read_exclusions({}, place) == ((), ())


def test_a_date_may_be_a_text() -> None:
    (entry,), _ = read(expires="2026-12-31")
    assert entry.expires == dt.date(2026, 12, 31)


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_category_is_accepted(category: str) -> None:
    assert read(category=category)[0][0].category == category


@pytest.mark.parametrize(
    ("changes", "at", "words"),
    [
        ({"owner": None}, "helpers", "missing 'owner'"),
        ({"owner": None, "reason": None}, "helpers", "missing 'reason', 'owner'"),
        ({"expires": None}, "helpers", "missing 'expires'"),
        ({"resaon": "x"}, "helpers.resaon", "did you mean 'reason'?"),
        ({"zzz": "x"}, "helpers.zzz", "known fields: filter, reason, category, owner, expires, issue"),
        ({"category": "hangs"}, "helpers.category", "did you mean 'hang'?"),
        ({"category": "zzz"}, "helpers.category", "expected: unimplemented, todo, hang, flaky, environment"),
        ({"category": 3}, "helpers.category", "category is not a string"),
        ({"owner": "  "}, "helpers.owner", "owner is empty"),
        ({"filter": ""}, "helpers.filter", "filter is empty"),
        ({"filter": "tset(x)"}, "helpers.filter", "did you mean `test`?"),
        ({"expires": "tomorrow"}, "helpers.expires", "got: 'tomorrow'"),
        ({"expires": "2026-02-30"}, "helpers.expires", "expected: a date like 2026-12-31"),
        ({"expires": "20261231"}, "helpers.expires", "expires is not a date"),
        ({"expires": 2026}, "helpers.expires", "expires is not a date"),
        ({"expires": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}, "helpers.expires", "expires is not a date"),
    ],
)
def test_a_mistake_names_its_place_and_what_would_be_right(changes: dict[str, object], at: str, words: str) -> None:
    entries, errors = read(**changes)
    assert entries == ()
    (error,) = errors
    assert error.place == f"gates.toml:{at}"
    assert words in str(error)
    assert "'helpers'" in str(error)


def test_all_mistakes_of_all_entries_are_collected() -> None:
    table: dict[str, object] = {
        "first": {**GOOD, "category": "hangs", "expires": "soon", "filter": "a && b"},
        "good": GOOD,
        "second": "not a table",
    }
    entries, errors = read_exclusions(table, place)
    assert [entry.name for entry in entries] == ["good"]
    assert [error.place.partition(":")[2] for error in errors] == [
        "first.category",
        "first.filter",
        "first.expires",
        "second",
    ]


def test_the_effective_filter_leaves_out_the_ledger_in_its_order() -> None:
    ledger = [exclusion("runtime_detection_warning"), exclusion("backend_helpers")]
    assert effective_filter(ledger) == "not (test(runtime_detection_warning) or test(backend_helpers))"


def test_the_effective_filter_of_a_user_is_narrowed() -> None:
    ledger = [exclusion("a"), exclusion("b")]
    assert effective_filter(ledger, "test(x) or test(y)") == "(test(x) or test(y)) and not (test(a) or test(b))"


@pytest.mark.parametrize(
    ("ledger", "user", "expected"),
    [
        ([], "", ""),
        ([], " test(x) ", "test(x)"),
        ([exclusion("a")], "", "not test(a)"),
        ([exclusion("a", filter="test(a) - test(b)")], "", "not (test(a) and not test(b))"),
        ([exclusion("a", filter="test(a)|test(b)"), exclusion("c")], "", "not ((test(a) or test(b)) or test(c))"),
    ],
)
def test_the_effective_filter_is_always_an_expression(ledger: list[Exclusion], user: str, expected: str) -> None:
    assert effective_filter(ledger, user) == expected
    if expected:
        assert compile_filter(expected).matches(Candidate("x"))


def test_a_wrong_user_filter_is_refused() -> None:
    with pytest.raises(FilterSyntaxError):
        effective_filter([exclusion("a")], "test(x")


def test_an_entry_holds_on_its_last_day() -> None:
    ledger = [exclusion("old", expires=dt.date(2026, 1, 1)), exclusion("new", expires=dt.date(2026, 1, 2))]
    assert [entry.name for entry in expired(ledger, dt.date(2026, 1, 2))] == ["old"]


def test_an_entry_survives_json() -> None:
    entry = exclusion("ü", issue="https://example.org/1")
    assert from_json(json.loads(json.dumps(to_json(entry)))) == entry


def test_json_that_is_no_entry_is_refused() -> None:
    with pytest.raises(ConfigError, match="missing"):
        from_json({"name": "a"})
