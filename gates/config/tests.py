"""`[tests]` and `[profile.NAME.tests]`: how all tests are run and, in `overrides`, some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gates.portable.filters.nearest import meant
from gates.portable.rules import ALL_THREADS, NONE, RETRYABLE, Override, SetupScript
from gates.portable.settings.kinds import COUNT, WHOLE, command, expression, flag, one_of, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gates.config.tables import Problems

    Reader = Callable[[Any], Any]
    Named = Mapping[str, Sequence[str]]
    """A setting whose value is a name, or a list of names → the existing names."""

_RETRIES = "a whole number from 0, or { count = 2, backoff = 'exponential', delay = '1s', max-delay = '10s', jitter = true, on = ['failed'] }"
_SLOW = "a duration such as '60s', or { period = '60s', terminate-after = 2, grace = '10s' }"


def _delay(value: Any) -> float:
    return 0.0 if value == 0 and not isinstance(value, bool) else seconds(value)


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
        "count": WHOLE.read,
        "backoff": one_of("fixed", "exponential").read,
        "delay": _delay,
        "max-delay": seconds,
        "jitter": flag,
        "on": _outcomes,
    }
    return {**NONE, "on": list(NONE["on"]), **_table(value, readers, _RETRIES, "count")}


def slow_timeout(value: Any) -> dict[str, Any]:
    """`slow-timeout`: a period, or a table.

    Raises:
        ValueError: it is neither.
    """
    if not isinstance(value, dict):
        value = {"period": value}
    readers: dict[str, Reader] = {"period": seconds, "terminate-after": COUNT.read, "grace": _delay}
    return {"period": 60.0, "terminate_after": None, "grace": 10.0} | _table(value, readers, _SLOW, "period")


def _isolate(value: Any) -> str:
    if isinstance(value, bool):
        return "auto" if value else "no"
    if value not in ("fork", "spawn"):
        raise ValueError("true, false, 'fork' or 'spawn'")
    return str(value)


def _threads(value: Any) -> int:
    if value == "num-test-threads":
        return ALL_THREADS
    try:
        return int(COUNT.read(value))
    except ValueError as error:
        raise ValueError(f"{error}, or 'num-test-threads'") from error


def _priority(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -100 <= value <= 100:
        raise ValueError("a whole number from -100 to 100")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a name")
    return value


def _names(value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError("a name, or a list of names")
    return list(names)


SETTINGS: dict[str, Reader] = {
    "retries": retries,
    "flaky-result": one_of("pass", "fail").read,
    "slow-timeout": slow_timeout,
    "isolate": _isolate,
    "leak": one_of("ignore", "warn", "fail").read,
    "group": _name,
    "threads-required": _threads,
    "priority": _priority,
    "setup": _names,
}
"""A setting that may differ from test to test → how it is read."""


TABLES = ("groups", "scripts")
"""Tables of `[tests]` that are not settings of tests: the things that settings name."""


def names_of(table: Any) -> Named:
    """What the settings may name: the groups and scripts of `[tests]`, even if their own tables have mistakes."""
    found = {}
    for setting, kind in (("group", "groups"), ("setup", "scripts")):
        group = table.get(kind) if isinstance(table, dict) else None
        found[setting] = tuple(group) if isinstance(group, dict) else ()
    return found


def read_layers(table: Any, at: tuple[str, ...], problems: Problems, named: Named) -> tuple[Override, ...]:
    """The layers of a `tests` table: its overrides in their order, then the settings for all tests.

    Args:
        table: the content of `tests`; None if there is none.
        at: its keys, to locate mistakes.
        problems: collects mistakes.
        named: the names that exist, see `names_of`.
    """
    table = problems.table(table, at)
    if not table:
        return ()
    left_out = {"overrides", *(TABLES if at == ("tests",) else ())}
    base = {key: value for key, value in table.items() if key not in left_out}
    own = Override(problems.place(at), "", problems.fields(base, SETTINGS, at))
    overrides = table.get("overrides", [])
    if not isinstance(overrides, list) or not all(isinstance(item, dict) for item in overrides):
        problems.add((*at, "overrides"), "overrides is not a list of tables", expected=f"[[{'.'.join(at)}.overrides]]")
        overrides = []
    found = [_override(item, (*at, "overrides", str(number)), problems) for number, item in enumerate(overrides)]
    for number, layer in enumerate(found):
        _refuse_unknown(layer, (*at, "overrides", str(number)), problems, named)
    _refuse_unknown(own, at, problems, named)
    return (*found, own)


def _refuse_unknown(layer: Override, at: tuple[str, ...], problems: Problems, named: Named) -> None:
    for setting, known in named.items():
        value = layer.settings.get(setting, ())
        for name in [value] if isinstance(value, str) else value:
            if not name or name in known:  # the empty group removes a test from another layer's group
                continue
            kind = "group of tests" if setting == "group" else "setup script"
            table = "[tests.groups.NAME]" if setting == "group" else "[tests.scripts.NAME]"
            known_ones = f"known: {', '.join(known)}" if known else f"none exists: add {table}"
            problems.add(
                (*at, setting),
                f"no {kind} is named {name!r}",
                remedy=meant(name, known, known_ones),
            )


def read_groups(table: Any, problems: Problems) -> dict[str, int]:
    """`[tests.groups.NAME]`: how many tests of a group may run at the same time, across all gates.

    Args:
        table: the content of `tests`.
        problems: collects mistakes.
    """
    return {
        name: fields["max_threads"]
        for name, fields in _read_named(table, "groups", {"max-threads": COUNT.read}, problems)
        if "max_threads" in fields
    }


def read_scripts(table: Any, problems: Problems) -> dict[str, SetupScript]:
    """`[tests.scripts.NAME]`: scripts that must run before the tests that name them.

    Args:
        table: the content of `tests`.
        problems: collects mistakes.
    """
    return {
        name: SetupScript(**fields)
        for name, fields in _read_named(table, "scripts", {"command": command, "timeout": seconds}, problems)
        if "command" in fields
    }


def _read_named(
    table: Any, kind: str, known: Mapping[str, Reader], problems: Problems
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables `[tests.KIND.NAME]`, read; all of their keys are required except `timeout`."""
    if not isinstance(table, dict):
        return
    for name, content in problems.tables(table, kind, ("tests",)):
        at = ("tests", kind, name)
        fields = problems.fields(content, known, at)
        for key in known:
            if key not in content and key != "timeout":
                problems.add(at, f"[{'.'.join(at)}] has no {key!r}")
        yield name, fields


def _override(table: Mapping[str, Any], at: tuple[str, ...], problems: Problems) -> Override:
    fields = problems.fields(table, {"filter": expression, **SETTINGS}, at)
    if "filter" not in table:
        problems.add(at, "an override has no filter", remedy="say which tests it is for")
    text = fields.pop("filter", "")
    return Override(problems.place(at), text, fields)
