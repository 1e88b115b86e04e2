"""`[tests]` and `[profile.NAME.tests]`: how all tests are run and, in `overrides`, some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gates.config.test_settings import GROUP, OVERRIDE, SCRIPT, SETTINGS
from gates.portable.filters.nearest import meant
from gates.portable.rules import Override, SetupScript
from gates.portable.settings.declare import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gates.config.problems import Problems

    Named = Mapping[str, Sequence[str]]
    """A setting whose value is a name, or a list of names → the existing names."""

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
        for name, fields in _read_named(table, "groups", GROUP, problems)
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
        for name, fields in _read_named(table, "scripts", SCRIPT, problems)
        if "command" in fields
    }


def _read_named(
    table: Any, kind: str, known: Mapping[str, Setting], problems: Problems
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
    fields = problems.fields(table, OVERRIDE, at)
    if "filter" not in table:
        problems.add(at, "an override has no filter", remedy="say which tests it is for")
    text = fields.pop("filter", "")
    return Override(problems.place(at), text, fields)
