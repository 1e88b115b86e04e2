"""A class that compares less than before is found, with certainty where tests compare its objects."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import weaker_checks

TEST = "from shop import Room, room\n\n\ndef test_room():\n    assert room() == Room('hall', 2)\n"
PLAIN = """class Room:
    def __init__(self, name, doors):
        self.name = name
        self.doors = doors

    def __eq__(self, other):
        return {}
"""
BOTH = PLAIN.format("(self.name, self.doors) == (other.name, other.doors)")
DATA = "@dataclass\nclass Room:\n    name: str\n    doors: int{}\n"


def found(before: str, after: str, *, test: tuple[str, str] = (TEST, TEST)) -> list[tuple[str, str]]:
    sides = [{"shop.py": code, "tests/test_shop.py": text} for code, text in zip((before, after), test, strict=True)]
    return [(one.rule, one.strength) for one in weaker_checks(*sides).weakenings]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BOTH, PLAIN.format("self.name == other.name")),
        (BOTH, PLAIN.format("True")),
        (BOTH, PLAIN.format("isinstance(other, Room) and self.doors == other.doors")),
        (DATA.format(""), DATA.format(" = field(compare=False)")),
        (DATA.format(""), DATA.format(" = field(default=0, eq=False)")),
        (DATA.format(""), DATA.format("") + "    def __eq__(self, other):\n        return self.name == other.name\n"),
        (
            BOTH.replace("__eq__(self, other):\n        return ", "key(self):\n        return ") + "    def __eq__(self, other):\n        return self.key() == other.key()\n",
            PLAIN.replace("__eq__(self, other)", "key(self)").format("self.name") + "    def __eq__(self, other):\n        return self.key() == other.key()\n",
        ),
    ],
    ids=["fewer", "everything", "one of two", "dataclass", "attrs", "by hand", "through a method"],
)  # fmt: skip
def test_what_compares_less_is_found(before: str, after: str) -> None:
    assert found(before, after) == [("equality-of-less", "certain")]
    assert found(after, before) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BOTH, "@dataclass\nclass Room:\n    name: str\n    doors: int\n"),
        (BOTH, PLAIN.format("self.name == other.name and self.doors == other.doors")),
        (BOTH, PLAIN.format("vars(self) == vars(other)")),
        (BOTH, PLAIN.format("self.__dict__ == other.__dict__")),
        (BOTH, PLAIN.format("self.name == other.name").replace("        self.doors = doors\n", "")),
        (DATA.format(""), DATA.format("").replace("@dataclass", "@dataclass(eq=False)")),
        (PLAIN.format("True"), PLAIN.format("bool(self)")),
    ],
    ids=["a dataclass", "in two parts", "vars", "dict", "a field is gone", "identity", "was everything"],
)
def test_what_compares_as_much_is_not(before: str, after: str) -> None:
    assert found(before, after) == []


def test_it_is_a_hint_if_tests_say_what_is_equal_now_or_compare_no_such_objects() -> None:
    after = PLAIN.format("self.name == other.name")
    said = TEST.replace("Room('hall', 2)", "Room('hall', 3)")
    assert found(BOTH, after, test=(TEST, said)) == [("equality-of-less", "hint")]
    other = "def test_it():\n    assert 1 + 1 == 2\n"
    assert found(BOTH, after, test=(other, other)) == [("equality-of-less", "hint")]


def test_a_container_that_holds_everything_is_found_if_tests_use_it() -> None:
    shelf = "class Room:\n    def __contains__(self, one):\n        return {}\n"
    assert found(shelf.format("one in self.items"), shelf.format("True")) == [("equality-of-less", "certain")]
    assert found(shelf.format("True"), shelf.format("one in self.items")) == []
