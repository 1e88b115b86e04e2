"""The tables of a config file, field by field: name → how it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gates.config.problems import Problems
from gates.config.tests import read_layers
from gates.config.values import Config, GateConfig, Profile
from gates.portable.settings.declare import Declared, Setting
from gates.readers.junit.rules import JUnitRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gates.config.tests import Named


def _declared(kind: type[Declared], table: str) -> dict[str, Setting]:
    """The settings that a table may have: key → what is declared of it."""
    return {one.key: one for one in kind.SETTINGS.values() if not one.option or table in one.tables}


TOP = _declared(Config, "top")
PROFILE = _declared(Profile, "profile")
GATE = _declared(GateConfig, "gate")
JUNIT = _declared(JUnitRules, "junit")


def read_top(table: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """The settings outside sub-tables."""
    return problems.fields(table, TOP, ())


def read_junit_rules(table: Mapping[str, Any], problems: Problems) -> dict[str, int | tuple[str, ...]]:
    """`[junit]`."""
    return problems.fields(problems.table(table.get("junit"), ("junit",)), JUNIT, ("junit",))


def read_gate(name: str, table: Mapping[str, Any], problems: Problems) -> GateConfig:
    """`[gate.NAME]`."""
    fields = problems.fields(table, GATE, ("gate", name))
    if "command" in fields and "session" in fields:
        problems.add(("gate", name), f"gate {name!r} is both a command and a session", remedy="keep one of them")
    return GateConfig(name=name, **fields)


def read_profile(name: str, table: Mapping[str, Any], problems: Problems, named: Named) -> Profile:
    """`[profile.NAME]`; its settings of tests may name what is `named`."""
    own = {key: value for key, value in table.items() if key != "tests"}
    at = ("profile", name)
    rules = read_layers(table.get("tests"), (*at, "tests"), problems, named)
    return Profile(name=name, rules=rules, **problems.fields(own, PROFILE, at))
