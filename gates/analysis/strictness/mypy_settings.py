"""Settings of mypy, for everything and for some modules. Reads text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gates.analysis.strictness.changes import Tool
from gates.analysis.strictness.rules import Items, Rule, Said, Silent, Switch, steps
from gates.analysis.strictness.side import Ini, Key, Side, Toml, Value, Values, switch_of, words_of

FILES = ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg")

_STRICT: Mapping[str, str] = {
    "warn_unused_configs": "reports sections for no module",
    "disallow_any_generics": "reports generic types without parameters",
    "disallow_subclassing_any": "reports subclasses of a class of unknown type",
    "disallow_untyped_calls": "reports calls of functions without types",
    "disallow_untyped_defs": "reports functions without types",
    "disallow_incomplete_defs": "reports functions with some types",
    "check_untyped_defs": "checks the bodies of functions without types",
    "disallow_untyped_decorators": "reports decorators without types",
    "warn_redundant_casts": "reports casts that change nothing",
    "warn_unused_ignores": "reports unused `type: ignore` comments",
    "warn_return_any": "reports a returned value of unknown type",
    "no_implicit_reexport": "reports names that a module only imports",
    "strict_equality": "reports comparisons that are never true",
    "extra_checks": "has its extra checks on",
    "strict_bytes": "tells bytes from bytearray",
}
"""What `strict` turns on."""

RULES: Mapping[str, Rule] = {
    "strict": Switch(does="is strict"),
    **{name: Switch(does=does) for name, does in _STRICT.items()},
    "warn_unreachable": Switch(does="reports code that is never reached"),
    "warn_no_return": Switch(default=True, does="reports functions that may end without a value"),
    "strict_optional": Switch(default=True, does="tells None from other values"),
    "strict_equality_for_none": Switch(does="reports comparisons with None that are never true"),
    "local_partial_types": Switch(does="decides the type of a variable in its own scope"),
    "disallow_any_unimported": Switch(does="reports types from imports that it cannot follow"),
    "disallow_any_expr": Switch(does="reports expressions of unknown type"),
    "disallow_any_decorated": Switch(does="reports decorated functions of unknown type"),
    "disallow_any_explicit": Switch(does="reports the type Any"),
    "ignore_errors": Switch(strict=False, does="reports errors"),
    "ignore_missing_imports": Switch(strict=False, does="reports imports that it cannot find"),
    "allow_untyped_globals": Switch(strict=False, does="reports variables of a module without a type"),
    "allow_redefinition": Switch(strict=False, does="reports a variable that gets another type"),
    "implicit_optional": Switch(strict=False, does="reports a default of None for another type"),
    "follow_imports": steps(
        "error", "normal", "silent", "skip", default="normal",
        weaker="modules that are imported are checked less", stronger="modules that are imported are checked more",
    ),
    "enable_error_code": Items(strict=True, does="reports {}"),
    "disable_error_code": Items(does="reports {}"),
    "exclude": Items(does="reads {}"),
    "files": Items(strict=True, does="reads {}"),
    "packages": Items(strict=True, does="reads {}"),
    "modules": Items(strict=True, does="reads {}"),
    **dict.fromkeys(("cache_dir", "show_error_codes", "pretty", "show_column_numbers", "color_output", "show_error_context"), Silent()),
}  # fmt: skip

_OPPOSITES = {"implicit_reexport": "no_implicit_reexport"}
_LISTS = frozenset({"enable_error_code", "disable_error_code", "files", "packages", "modules"})


def _read(side: Side) -> Values:
    for name in ("mypy.ini", ".mypy.ini"):
        if name in side.files:
            return dict(_sections(side, name))
    project = side.toml("pyproject.toml", "tool", "mypy")
    if project is not None:
        return dict(_project(project))
    return dict(_sections(side, "setup.cfg"))


def _sections(side: Side, name: str) -> Iterator[tuple[Key, Value]]:
    for section in side.sections(name):
        table = side.ini(name, section)
        if table is not None and section == "mypy":
            yield from _settings(table, ("",))
        elif table is not None and section.startswith("mypy-"):
            yield from _settings(table, words_of(section.removeprefix("mypy-")))


def _project(project: Toml) -> Iterator[tuple[Key, Value]]:
    yield from _settings(project, ("",))
    overrides = project.table.get("overrides", ())
    for number, one in enumerate(overrides if isinstance(overrides, list) else ()):
        if isinstance(one, dict):
            place = Toml(one, project.path, (*project.keys, "overrides", str(number)))
            yield from _settings(place, words_of(one.get("module", ())))


def _settings(table: Toml | Ini, layers: tuple[str, ...]) -> Iterator[tuple[Key, Value]]:
    for key in table.table:
        value = table.value(key)
        if key != "module" and not isinstance(value.value, Mapping) and key != "overrides":
            name, normal = normal_setting(key, value.value)
            for layer in layers:
                yield (layer, name), value._replace(value=normal)


def normal_setting(key: str, value: Any) -> tuple[str, Any]:
    """A setting under the name that it is known by, and its value."""
    key = key.replace("-", "_")
    if key == "exclude":
        return key, tuple(map(str, value)) if isinstance(value, list) else (str(value).strip(),)
    if key in _LISTS:
        return key, words_of(value)
    value = switch_of(value)
    opposite = _OPPOSITES.get(key) or (f"dis{key}" if key.startswith("allow_") else "") or (f"no_{key}" if f"no_{key}" in RULES else "")  # fmt: skip
    for other in (opposite, key.removeprefix("no_") if key.startswith("no_") else "", key.removeprefix("dis")):
        if key not in RULES and other in RULES and isinstance(value, bool):
            return other, not value
    return key, value


def _is_about_others(key: Key, _: Said) -> bool:
    """Of certain modules only those that are missing, or have no types, can be ignored: they belong to others."""
    return bool(key[0]) and key[1] in ("ignore_missing_imports", "follow_untyped_imports")


SETTINGS = Tool(
    name="mypy", files=FILES, read=_read, rule=lambda key: RULES.get(key[1], Rule()), follows=dict.fromkeys(_STRICT, "strict"),
    hinted=_is_about_others,
)  # fmt: skip
