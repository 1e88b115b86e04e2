"""JSON Schema of the config, for editors: of `gates.toml`, and of `pyproject.toml` with it in `[tool.gates]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

from gates.config.suppressions import REQUIRED, SUPPRESSION
from gates.config.tables import GATE, JUNIT, PROFILE, TOP
from gates.config.test_settings import GROUP, OVERRIDE, SCRIPT, SETTINGS
from gates.portable.exclusions import CATEGORIES, FIELDS, OPTIONAL
from gates.portable.settings.declare import Setting


def config_schema() -> dict[str, Any]:
    """The content of `gates.toml`."""
    overrides = {"overrides": {"type": "array", "items": _table(OVERRIDE, required=["filter"])}}
    tests = _table(SETTINGS, overrides)
    groups = {"groups": _named(_table(GROUP, required=list(GROUP)))}
    scripts = {"scripts": _named(_table(SCRIPT, required=["command"]))}
    return _table(
        TOP,
        {
            "gate": _named(_table(GATE)),
            "profile": _named(_table(PROFILE, {"tests": tests})),
            "exclusions": _named(_entry()),
            "quarantine": _named(_entry()),
            "tests": _table(SETTINGS, {**overrides, **groups, **scripts}),
            "junit": _table(JUNIT),
            "mutants": _named(_table(SUPPRESSION, required=list(REQUIRED))),
        },
    )


def pyproject_schema() -> dict[str, Any]:
    """The content of `pyproject.toml`, of which only `[tool.gates]` is described."""
    tool = {"type": "object", "properties": {"gates": config_schema()}}
    return {"type": "object", "properties": {"tool": tool}}


def explanation(setting: Setting) -> str:
    """The description of a setting from the docstring of its class, in Markdown; else its help text."""
    text = re.search(rf"^    {setting.name}: (.*(?:\n {{8}}.*)*)", cleandoc(setting.owner.__doc__ or ""), re.MULTILINE)
    return " ".join(text[1].split()) if text else setting.help


def _table(
    settings: Mapping[str, Setting], more: Mapping[str, Any] | None = None, required: list[str] | None = None
) -> dict[str, Any]:
    properties = {key: _property(one) for key, one in settings.items()} | dict(more or {})
    needed = {"required": required} if required else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": False}


def _property(setting: Setting) -> dict[str, Any]:
    default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
    shown = {} if default in (None, "") or setting.unset else {"default": default}
    return {"description": explanation(setting), **shown, **setting.kind.schema}


def _named(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": content}


def _entry() -> dict[str, Any]:
    """An entry of the exclusions or the quarantine. Editors show a schema the dates of TOML as strings."""
    text = {"type": "string"}
    special = {"category": {"enum": list(CATEGORIES)}, "expires": {"type": "string", "format": "date"}}
    return {
        "type": "object",
        "properties": {name: special.get(name, text) for name in FIELDS},
        "required": [name for name in FIELDS if name not in OPTIONAL],
        "additionalProperties": False,
    }
