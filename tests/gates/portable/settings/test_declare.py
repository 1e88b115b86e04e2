from __future__ import annotations

import pytest

from gates.portable.settings.declare import Declared, declare, option, replace
from gates.portable.settings.kinds import FLAG, TEXT, WHOLE


class Small(Declared):
    name: str
    number: int = option(WHOLE, "A number.", default=0, short="-n")
    on: bool = declare(FLAG, default=False)
    words: str = option(TEXT, "Words.", default="some", stands=False)


class Larger(Small):
    more: tuple[str, ...] = ()


def test_a_field_that_is_not_given_has_its_default() -> None:
    small = Small(name="a")
    assert (small.name, small.number, small.on, small.words) == ("a", 0, False, "some")
    assert small.given == {}


@pytest.mark.parametrize(
    ("values", "given"),
    [
        ({"number": 3}, {"number": 3}),
        ({"words": "some"}, {"words": "some"}),
        ({"words": "", "on": True}, {"on": True, "words": ""}),
        ({"number": None, "on": False}, {}),
        ({"number": 0}, {}),
    ],
)
def test_what_is_given_is_known_where_it_says_something(values: dict[str, object], given: dict[str, object]) -> None:
    assert Small(name="a", **values).given == given  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [{}, {"name": "a", "nmae": "b"}])
def test_a_field_that_is_missing_or_unknown_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="Small"):
        Small(**values)  # type: ignore[arg-type]


def test_a_value_is_frozen_and_equal_to_one_of_the_same_values() -> None:
    with pytest.raises(AttributeError, match="frozen"):
        Small(name="a").number = 3  # type: ignore[misc]
    assert Small(name="a", number=0) == Small(name="a") != Small(name="b")
    assert len({Small(name="a"), Small(name="a"), Small(name="a", number=1)}) == 2
    assert Small(name="a") != Larger(name="a")
    assert repr(Larger(name="a", number=2, more=("b",))) == "Larger(name='a', number=2, more=('b',))"


def test_a_value_can_be_replaced_and_what_was_given_taken_back() -> None:
    assert replace(Small(name="a", number=3), name="b") == Small(name="b", number=3)
    assert replace(Small(name="a", number=3), number=None).given == {}


def test_options_and_variables_have_the_name_of_the_setting() -> None:
    one = Larger.SETTINGS["number"]
    assert (one.key, one.option, one.short, one.variable) == ("number", "--number", "-n", "GATES_NUMBER")
    assert (Small.SETTINGS["on"].option, Small.SETTINGS["words"].variable) == ("", "")
