"""The first layer that has a setting for a test decides that setting, and is named."""

from __future__ import annotations

from gates.portable.filters import Candidate
from gates.portable.filters.resolution import TableFacts
from gates.portable.rules import Override, Retries, RuleBook, Rules, SlowTimeout

ONCE = {"count": 1, "backoff": "fixed", "delay": 0.0, "max_delay": None, "jitter": False, "on": ["failed"]}


def test_without_layers_the_defaults_hold() -> None:
    (chosen,) = RuleBook().choose([Candidate("a.py::x")])
    assert chosen.rules == Rules()
    assert set(chosen.sources.values()) == {"default"}


def test_each_setting_comes_from_the_first_layer_that_has_it() -> None:
    book = RuleBook(
        [
            Override("first", "name(=x)", {"flaky_result": "fail"}),
            Override("second", "test(a.py)", {"retries": ONCE, "flaky_result": "pass"}),
            Override("third", "", {"retries": {**ONCE, "count": 9}}),
        ]
    )
    x, y, other = book.choose([Candidate("a.py::x"), Candidate("a.py::y"), Candidate("b.py::y")])
    assert (x.rules.flaky_result, x.sources["flaky_result"], x.sources["retries"]) == ("fail", "first", "second")
    assert (y.rules.flaky_result, y.sources["flaky_result"]) == ("pass", "second")
    assert y.rules.retries == Retries(count=1, on=("failed",))
    assert (other.rules.retries.count, other.sources["retries"]) == (9, "third")
    assert other.sources["slow_timeout"] == "default"


def test_a_setting_holds_for_a_test_that_may_be_meant() -> None:
    book = RuleBook([Override("here", "flaky()", {"retries": ONCE})])
    (chosen,) = book.choose([Candidate("a.py::x")], TableFacts({}, "nobody knows"))
    assert chosen.rules.retries.count == 1


def test_a_book_survives_json() -> None:
    book = RuleBook([Override("here", "test(x)", {"retries": ONCE})])
    assert RuleBook.from_json(book.to_json()).layers == book.layers


def test_a_limit_is_a_number_of_periods() -> None:
    assert SlowTimeout(period=2.0, terminate_after=3).limit == 6.0
    assert SlowTimeout().limit is None
