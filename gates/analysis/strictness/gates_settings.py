"""Settings of gates: `[tool.gates]` of pyproject.toml, or gates.toml. Reads text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from gates.analysis.strictness.changes import PRESENCE, Tool
from gates.analysis.strictness.gates_rules import COMMANDS, ENTRY, GATE, GROUP, JUNIT, PROFILE, SCRIPT, TESTS, TOP
from gates.analysis.strictness.rules import Rule, Silent, Switch
from gates.analysis.strictness.side import Key, Side, Toml, Value, Values
from gates.config.tables import GATE as GATE_SETTINGS
from gates.config.tables import JUNIT as JUNIT_SETTINGS
from gates.config.tables import PROFILE as PROFILE_SETTINGS
from gates.config.tables import TOP as TOP_SETTINGS
from gates.config.test_settings import GROUP as GROUP_SETTINGS
from gates.config.test_settings import SCRIPT as SCRIPT_SETTINGS
from gates.config.test_settings import SETTINGS as TESTS_SETTINGS
from gates.portable.settings.declare import Setting
from gates.results import EnvironmentChange

OWN_FILE, PROJECT_FILE = "gates.toml", "pyproject.toml"
LEDGERS = ("exclusions", "quarantine")
SUPPRESSIONS = "mutants"


def config_of(side: Side) -> Toml | None:
    """The config of gates in a folder; None if there is none, or it is broken."""
    if OWN_FILE in side.files:
        return side.toml(OWN_FILE)
    return side.toml(PROJECT_FILE, "tool", "gates")


def _read(side: Side) -> Values:
    config = config_of(side)
    found: dict[Key, Value] = {}
    for key, value in _settings(config) if config is not None else ():
        found.setdefault(key, value)  # of overrides with the same filter, the first decides
    return found


def _settings(config: Toml) -> Iterator[tuple[Key, Value]]:
    top = {key: value for key, value in config.table.items() if not isinstance(value, dict)}
    yield from _declared(config._replace(table=top), TOP_SETTINGS, "")
    yield from _declared(config.below("junit"), JUNIT_SETTINGS, "", "junit ")
    yield from _tests(config.below("tests"), "")
    for name in config.below("gate").table:
        yield (f"gate {name}", PRESENCE), Value(True, config.path)
        yield from _declared(config.below("gate", name), GATE_SETTINGS, f"gate {name}")
    for name in config.below("profile").table:
        profile = config.below("profile", name)
        yield ("profile " + name, PRESENCE), Value(True, config.path)
        yield from _declared(profile, PROFILE_SETTINGS, f"profile {name}")
        yield from _tests(profile.below("tests"), f"profile {name}")
    for name in config.below("tests", "scripts").table:
        yield from _declared(config.below("tests", "scripts", name), SCRIPT_SETTINGS, f"script {name}")
    for name in config.below("tests", "groups").table:
        yield from _declared(config.below("tests", "groups", name), GROUP_SETTINGS, f"group {name}")
    for ledger in (*LEDGERS, SUPPRESSIONS):
        for name, entry in config.below(ledger).table.items():
            layer = f"{ledger} {name}"
            if isinstance(entry, dict):
                yield (layer, PRESENCE), config.value(ledger, name)._replace(value=True)
                for key in entry:
                    value = config.value(ledger, name, key)
                    yield (layer, key), value._replace(value=_date(value.value))


def _declared(table: Toml, known: Mapping[str, Setting], layer: str, front: str = "") -> Iterator[tuple[Key, Value]]:
    """The settings of a table, each as gates reads it; what it would refuse is as it is."""
    for key, setting in known.items():
        if key in table.table and key not in COMMANDS:
            value = table.value(key)
            yield (layer, f"{front}{key}"), value._replace(value=_normal(setting, value.value))


def _tests(table: Toml, layer: str) -> Iterator[tuple[Key, Value]]:
    """`[tests]` and its overrides; one for certain tests applies before all others."""
    rest = {key: value for key, value in table.table.items() if key not in ("overrides", "groups", "scripts")}
    yield from _declared(table._replace(table=rest), TESTS_SETTINGS, layer)
    overrides = table.table.get("overrides", [])
    for number, one in enumerate(overrides if isinstance(overrides, list) else []):
        if isinstance(one, dict):
            place = Toml(one, table.path, (*table.keys, "overrides", str(number)))
            yield from _declared(place, TESTS_SETTINGS, " ".join((layer, f"tests {one.get('filter', '')}")).strip())


def _normal(setting: Setting, value: Any) -> Any:
    try:
        found = setting.kind.read(value)
    except (ValueError, TypeError, AttributeError):
        return value
    if isinstance(found, tuple) and found and isinstance(found[0], EnvironmentChange):
        return {change.name: change.value for change in found}
    return found


def _date(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return value
    return value


_ENTRY = Switch(default=False, strict=False, does="counts the tests")
_SUPPRESSION = Switch(default=False, strict=False, does="asks tests to notice these mutants")
_RULES: Mapping[str, Mapping[str, Rule]] = {
    "": {**TOP, **TESTS, **{f"junit {key}": rule for key, rule in JUNIT.items()}},
    "gate": {**GATE, PRESENCE: Silent()},
    "profile": {**TESTS, **PROFILE, PRESENCE: Silent()},
    "tests": TESTS,
    "group": GROUP,
    "script": SCRIPT,
    **{ledger: {**ENTRY, PRESENCE: _ENTRY} for ledger in LEDGERS},
    SUPPRESSIONS: {PRESENCE: _SUPPRESSION},
}
"""What a layer is → its settings."""


def _kind(layer: str) -> str:
    return layer.partition(" ")[0]


def _rule(key: Key) -> Rule:
    layer, name = key
    return _RULES[_kind(layer)].get(name, Rule())


def _where(layer: str) -> str:
    kind, _, name = layer.partition(" ")
    if kind in LEDGERS:
        return f" of the {kind.removesuffix('s')} {name}"
    if kind == SUPPRESSIONS:
        return f" (suppression {name})"
    if kind == "tests":
        return f" for the tests {name or 'of an override'}"
    return f" in the {layer.replace(' tests ', ', for the tests ', 1)}" if layer else ""


def _whole(layer: str) -> bool:
    """Whether it can be missing; the profile `default` exists without a table."""
    if layer == "profile default":
        return False
    return _kind(layer) not in ("", "tests") and " tests " not in layer


def _inherits(layer: str) -> bool:
    """The settings of tests for some of them, and those of a profile."""
    return _kind(layer) in ("tests", "profile")


SETTINGS = Tool(
    name="gates", files=(PROJECT_FILE, OWN_FILE), read=_read, rule=_rule, where=_where, whole=_whole, inherits=_inherits,
    hinted=lambda key, _said: _kind(key[0]) == SUPPRESSIONS,  # a survivor may be an equal program
)  # fmt: skip
