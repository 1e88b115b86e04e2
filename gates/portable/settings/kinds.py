"""Kinds of values: how to read each from a config and from the text of an option, and its JSON Schema."""

from __future__ import annotations

import re
import shlex
from math import inf
from typing import TYPE_CHECKING, Any

from ..values import MAX_FAIL, parse_duration, parse_max_fail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Kind:
    """The form of a setting's values.

    Attributes:
        read: a value in a config → the value; a ValueError tells what is expected.
        schema: JSON Schema of the value in a config.
        parse: the text of an option or variable → the value; a ValueError tells what is wrong. None: unchanged.
        words: all possible values, if there are only a few.
        least: the smallest whole number; None if it is not a number.
        metavar: the name of the value in the help.
    """

    def __init__(
        self,
        read: Callable[[Any], Any],
        schema: Mapping[str, Any],
        *,
        parse: Callable[[str], Any] | None = None,
        words: tuple[str, ...] = (),
        least: int | None = None,
        metavar: str = "",
    ) -> None:
        self.read, self.schema, self.parse = read, schema, parse
        self.words, self.least, self.metavar = words, least, metavar


def text(value: Any) -> str:
    """A string.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, str):
        raise ValueError("a string")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """Strings.

    Raises:
        ValueError: it is not a list of strings.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of strings")
    return tuple(value)


def flag(value: Any) -> bool:
    """Yes or no.

    Raises:
        ValueError: it is neither.
    """
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def seconds(value: Any) -> float:
    """A duration in a config: `'90s'`, or seconds.

    Raises:
        ValueError: it is none, or not above zero.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        found = float(value) if number else parse_duration(value) if isinstance(value, str) else 0.0
    except (ValueError, OverflowError):
        found = 0.0
    if not 0 < found < inf:
        raise ValueError("a duration such as '90s' or '10m', or seconds above zero")
    return found


def _parse_seconds(words: str) -> float:
    try:
        found = float(words)
    except ValueError:
        return parse_duration(words)
    if not 0 < found < inf:
        raise ValueError(f"not a duration above zero: {words!r}")
    return found


def _max_fail(value: Any) -> str:
    return _parse_max_fail(str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value))


def _parse_max_fail(words: str) -> str:
    parse_max_fail(words)
    return words


def _parse_partition(words: str) -> str:
    from ..errors import UsageError
    from ..partition import parse_partition

    try:
        parse_partition(words)
    except UsageError as error:
        raise ValueError(f"{error.what} (expected {error.expected})") from error
    return words


def whole(least: int, most: int | None = None) -> Kind:
    """Whole numbers from `least` on, or up to `most`."""
    words = f"a whole number from {least}" if most is None else f"a whole number from {least} to {most}"

    def read(value: Any) -> int:
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or not least <= value <= (inf if most is None else most)
        ):
            raise ValueError(words)
        return value

    limits = {"minimum": least} if most is None else {"minimum": least, "maximum": most}
    return Kind(read, {"type": "integer", **limits}, least=least, metavar="N")


def several_of(*words: str) -> Kind:
    """A list of a few words."""

    def read(value: Any) -> tuple[str, ...]:
        from ..filters.nearest import meant

        names = texts(value)
        for name in names:
            if name not in words:
                hint = meant(name, words)
                raise ValueError(f"a list of {', '.join(words)}; {name!r} is not one of them{hint and f': {hint}'}")
        return names

    return Kind(read, {"type": "array", "items": {"enum": list(words)}})


def one_of(*words: str, metavar: str = "") -> Kind:
    """One of a few words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError("one of " + ", ".join(words))
        return str(value)

    return Kind(read, {"enum": list(words)}, words=words, metavar=metavar)


def command(value: Any) -> tuple[str, ...]:
    """Words of a command, or a string that is split into words as a shell would.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError as error:
            raise ValueError("a command with closed quotes") from error
    words = texts(value)
    if not words or not words[0]:
        raise ValueError("a command")
    if "=" in words[0].split("/")[0]:
        raise ValueError("a command that starts with the program (variables belong in the gate's env table)")
    return words


_BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = rf"(\d+(?:\.\d+)?)\s*({'|'.join(_BYTES)})"


def _size(value: Any) -> int:
    match = re.fullmatch(_SIZE, text(value).strip())
    if match is None:
        raise ValueError("a size such as '500 MB' or '10 GB'")
    return round(float(match[1]) * _BYTES[match[2]])


def _limit(value: Any) -> int:
    if isinstance(value, str):
        value = _size(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number from 1, or a size such as '64 MiB'")
    return value


class MistakenFilter(ValueError):
    """An expression with mistakes; its message shows each under its place."""


def expression(value: Any) -> str:
    """An expression of the filter language.

    Raises:
        MistakenFilter: it has mistakes.
        ValueError: it is not a string.
    """
    # Imported here: a config without filters need not load their language.
    from ..filters import FilterSyntaxError, parse

    found = text(value)
    try:
        if found.strip():
            parse(found, without=("default",))
    except FilterSyntaxError as error:
        raise MistakenFilter(str(error)) from error
    return found


TEXT = Kind(text, {"type": "string"}, metavar="NAME")
TEXTS = Kind(texts, {"type": "array", "items": {"type": "string"}}, metavar="NAME")
FLAG = Kind(flag, {"type": "boolean"})
COUNT, WHOLE = whole(1), whole(0)
DURATION = Kind(
    seconds,
    {"anyOf": [{"type": "string"}, {"type": "number", "exclusiveMinimum": 0}]},
    parse=_parse_seconds,
    metavar="DURATION",
)
MAX_FAIL_KIND = Kind(
    _max_fail,
    {
        "anyOf": [
            {"type": "integer", "minimum": 1},
            {"type": "string", "pattern": rf"^[0-9]+(:({'|'.join(MAX_FAIL)}))?$"},
        ]
    },
    parse=_parse_max_fail,
    metavar=f"N[:{'|'.join(MAX_FAIL)}]",
)
PARTITION = Kind(_parse_partition, {"type": "string"}, parse=_parse_partition, metavar="PART")
EXPRESSION = Kind(expression, {"type": "string"}, metavar="EXPR")
COMMAND = Kind(command, {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]})
_SIZE_SCHEMA = {"type": "string", "pattern": rf"^\s*{_SIZE}\s*$"}
SIZE = Kind(_size, _SIZE_SCHEMA)
LIMIT = Kind(_limit, {"anyOf": [{"type": "integer", "minimum": 1}, _SIZE_SCHEMA]})
