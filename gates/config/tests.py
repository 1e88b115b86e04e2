"""`[tests]` and `[profile.NAME.tests]`: how tests are run, for all of them and, in `overrides`, for some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gates.config.durations import seconds
from gates.rules import RETRYABLE, Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gates.config.tables import Problems

    Reader = Callable[[Any], Any]

_RETRIES = "a whole number from 0, or { count = 2, backoff = 'exponential', delay = '1s', max-delay = '10s', jitter = true, on = ['failed'] }"
_SLOW = "a duration such as '60s', or { period = '60s', terminate-after = 2, grace = '10s' }"


def _whole(value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"a whole number from {least}")
    return value


def _delay(value: Any) -> float:
    return 0.0 if value == 0 and not isinstance(value, bool) else seconds(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _choice(*choices: str) -> Reader:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return str(value)

    return read


def _outcomes(value: Any) -> list[str]:
    if not isinstance(value, list) or not value or not all(item in RETRYABLE for item in value):
        raise ValueError("a list of " + ", ".join(RETRYABLE))
    return list(value)


def _table(value: Any, readers: Mapping[str, Reader], expected: str, needed: str) -> dict[str, Any]:
    if not isinstance(value, dict) or needed not in value:
        raise ValueError(expected)
    found = {}
    for key, item in value.items():
        if key not in readers:
            raise ValueError(f"{expected}; it has no {key!r}")
        try:
            found[key.replace("-", "_")] = readers[key](item)
        except ValueError as error:
            raise ValueError(f"{error} as {key!r}") from error
    return found


def retries(value: Any) -> dict[str, Any]:
    """`retries`: a number, or a table.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = {"count": value}
    readers: dict[str, Reader] = {
        "count": lambda item: _whole(item, 0),
        "backoff": _choice("fixed", "exponential"),
        "delay": _delay,
        "max-delay": seconds,
        "jitter": _flag,
        "on": _outcomes,
    }
    return {
        "count": 0,
        "backoff": "fixed",
        "delay": 0.0,
        "max_delay": None,
        "jitter": False,
        "on": ["failed", "error"],
    } | (_table(value, readers, _RETRIES, "count"))


def slow_timeout(value: Any) -> dict[str, Any]:
    """`slow-timeout`: a period, or a table.

    Raises:
        ValueError: it is neither.
    """
    if not isinstance(value, dict):
        value = {"period": value}
    readers: dict[str, Reader] = {"period": seconds, "terminate-after": lambda item: _whole(item, 1), "grace": _delay}
    return {"period": 60.0, "terminate_after": None, "grace": 10.0} | _table(value, readers, _SLOW, "period")


SETTINGS: dict[str, Reader] = {
    "retries": retries,
    "flaky-result": _choice("pass", "fail"),
    "slow-timeout": slow_timeout,
}
"""A setting that may differ from test to test → how it is read."""


def read_layers(table: Any, at: tuple[str, ...], problems: Problems) -> tuple[Layer, ...]:
    """The layers of a `tests` table: its overrides in their order, then what holds for all.

    Args:
        table: the content of `tests`; None where there is none.
        at: its keys, for places.
        problems: collects what is wrong.
    """
    if table is None:
        return ()
    if not isinstance(table, dict):
        problems.add(at, f"{'.'.join(at)} is not a table", expected=f"[{'.'.join(at)}]", got=repr(table))
        return ()
    base = {key: value for key, value in table.items() if key != "overrides"}
    own = Layer(problems.place(at), "", problems.fields(base, SETTINGS, at))
    overrides = table.get("overrides", [])
    if not isinstance(overrides, list) or not all(isinstance(item, dict) for item in overrides):
        problems.add((*at, "overrides"), "overrides is no list of tables", expected=f"[[{'.'.join(at)}.overrides]]")
        overrides = []
    found = [_override(item, (*at, "overrides", str(number)), problems) for number, item in enumerate(overrides)]
    return (*found, own)


def _override(table: Mapping[str, Any], at: tuple[str, ...], problems: Problems) -> Layer:
    from gates.config.tables import expression  # which reads profiles, and so needs this module

    fields = problems.fields(table, {"filter": expression, **SETTINGS}, at)
    if "filter" not in table:
        problems.add(at, "an override has no filter", remedy="say which tests it is for")
    text = fields.pop("filter", "")
    return Layer(problems.place(at), text, fields)
