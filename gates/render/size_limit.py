"""The size limit of a summary: a hosting service refuses long comments, so a long summary is cut, with a note.

It is laid out again with less and less room until it fits. Texts and lists become shorter; omitted entries are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from gates.portable.values import plural

MOST = 65_535
"""Maximum bytes of a summary, as UTF-8."""

_HOPELESS = 20 * MOST
"""Beyond this many characters, a full layout is not tried: it takes long and does not fit."""

_Value = TypeVar("_Value")
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class Room(msgspec.Struct, frozen=True):
    """How much is shown.

    Attributes:
        listed: entries of a list; None for all.
        full: how many failures, and reasons of gates, are shown with their lines.
        characters: of each text; None for all.
    """

    listed: int | None = None
    full: int = 20
    characters: int | None = None

    def shown(self, items: Sequence[_Value], most: int | None = None) -> Sequence[_Value]:
        """The entries of a list to show: at most `most`, however much room there is."""
        limits = [limit for limit in (self.listed, most) if limit is not None]
        return items[: min(limits)] if limits else items

    def rest(
        self, items: Sequence[object], what: str, most: int | None = None, *, total: int | None = None
    ) -> list[str]:
        """A line that counts the omitted entries; none if there are none.

        Args:
            items: the entries.
            what: what one of them is.
            most: as in `shown`.
            total: how many there are, if `items` are only the first.
        """
        left = (len(items) if total is None else total) - len(self.shown(items, most))
        return ["", f"… and {plural(left, f'more {what}')}.", ""] if left else []


ROOMS = (
    Room(),
    Room(200, 20, 4000),
    Room(100, 10, 2000),
    Room(60, 5, 1000),
    Room(30, 3, 500),
    Room(15, 2, 300),
    Room(8, 1, 200),
    Room(4, 0, 120),
    Room(2, 0, 60),
)
"""From the largest to one in which everything fits."""


def fitted(struct: _Struct, lay_out: Callable[[_Struct, Room], str]) -> str:
    """The first layout that fits."""
    text = ""
    rooms = ROOMS if _characters(struct) < _HOPELESS else ROOMS[1:]
    for room in rooms:
        text = lay_out(shortened(struct, room.characters) if room.characters else struct, room)
        if len(text.encode("utf-8", "backslashreplace")) <= MOST:
            break
    return text


def _characters(value: Any) -> int:
    if isinstance(value, tuple):
        return sum(map(_characters, value))
    if isinstance(value, msgspec.Struct):
        return sum(_characters(getattr(value, name)) for name in value.__struct_fields__)
    return len(value) if isinstance(value, str) else 0


def shortened(value: Any, characters: int) -> Any:
    """A value with its longer texts cut, visibly."""
    if type(value) is str:
        return value if len(value) <= characters else f"{value[: characters - 1]}…"
    if isinstance(value, tuple):
        return tuple(shortened(item, characters) for item in value)
    if isinstance(value, msgspec.Struct):
        fields = {name: shortened(getattr(value, name), characters) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    return value


def is_cut(text: str, room: Room) -> bool:
    """Whether `shortened` cut it."""
    return room.characters is not None and len(text) >= room.characters and text.endswith("…")
