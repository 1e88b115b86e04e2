"""Frozen dataclasses that are made quickly are what those of Python are."""

from __future__ import annotations

import dataclasses
from dataclasses import FrozenInstanceError, asdict, field, replace
from typing import Any

import pytest

from gates.portable.quick_dataclass import dataclass


def declared(decorator: Any) -> Any:
    """The same class, made by a decorator."""

    @decorator(frozen=True)
    class Point:
        """A point."""

        x: int
        name: str = "here"
        tags: list[str] = field(default_factory=list)
        where: str = field(default="", compare=False)

    return Point


QUICK, SLOW = declared(dataclass), declared(dataclasses.dataclass)


@pytest.mark.parametrize("make", [QUICK, SLOW], ids=["quick", "slow"])
def test_it_behaves_as_a_dataclass(make: Any) -> None:
    one = make(1)
    assert one == make(1, where="elsewhere")
    assert one != make(2)
    assert one != (1, "here", [])
    assert repr(one).endswith("Point(x=1, name='here', tags=[], where='')")
    assert make(1).tags is not make(1).tags
    assert asdict(replace(one, name="there")) == {"x": 1, "name": "there", "tags": [], "where": ""}
    assert hash(replace(one, tags=())) == hash(make(1, "here", (), "elsewhere"))
    with pytest.raises(FrozenInstanceError, match="x"):
        one.x = 2
    with pytest.raises(FrozenInstanceError, match="x"):
        del one.x
    with pytest.raises(TypeError, match="x"):
        make()
    with pytest.raises(TypeError, match="unknown"):
        make(1, unknown=2)


def test_methods_of_the_class_stay() -> None:
    @dataclass(frozen=True)
    class Own:
        """Has a hash and words of its own."""

        x: int = 0

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    assert hash(Own(3)) == 7
    assert repr(Own(3)) == "own"
    assert Own(3) == Own(3)
