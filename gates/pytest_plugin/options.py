"""The plugin's command-line options, and how they combine with the runner's settings."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..portable.protocol import INSTALLED_PLUGIN, PLUGIN
from ..portable.settings.declare import Setting, replace
from ..portable.settings.kinds import FLAG, Kind
from ..portable.settings.plugin import PluginSettings
from ..portable.settings.run import Settings

PYTEST = tuple(one for one in Settings.SETTINGS.values() if one.pytest)
"""The settings that a plain pytest can be told, too."""

REGISTERED = "gates-options"
"""Name of the marker for: one copy of the plugin has already added the options."""


class _Marker:
    """Registered in the plugin manager once the options exist."""


def add_options(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options, unless the other copy of the plugin (installed, injected) did."""
    if pluginmanager.has_plugin(REGISTERED):
        return
    pluginmanager.register(_Marker(), REGISTERED)
    group = parser.getgroup("gates", "selection and evidence (gates)")
    for setting in PYTEST:
        _add(group, setting)
    group.addoption(
        "--gates-workers-from",
        dest="gates_workers_from",
        metavar="FILE",
        help="with -n auto: choose the number of workers by the durations in this file (tests.jsonl of an earlier run)",
    )


def _add(group: pytest.OptionGroup, setting: Setting) -> None:
    kind = setting.kind
    value: dict[str, Any] = {"metavar": setting.metavar, "type": typed(kind)}
    if kind is FLAG:
        value = {"action": "store_true"}
    elif kind.words:
        value = {"choices": kind.words}
    elif setting.many:
        value = {"metavar": setting.metavar, "action": "append", "default": []}
    names = filter(None, (setting.short, setting.option))
    group.addoption(*names, dest=f"gates_{setting.name}", help=setting.help, **value)


def typed(kind: Kind) -> Callable[[str], Any]:
    """What reads the text of an option; argparse tells what is wrong with it."""

    def read(text: str) -> Any:
        try:
            return kind.parse(text) if kind.parse is not None else text
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from None

    return read


def apply_options(settings: PluginSettings, config: pytest.Config) -> PluginSettings:
    """The settings, overridden by the options of this pytest.

    Raises:
        FilterSyntaxError: an expression is empty.
    """
    given = {one.name: getattr(config.option, f"gates_{one.name}", None) for one in PYTEST}
    wanted = list(given.pop("filter") or [])
    if not all(text.strip() for text in wanted):  # probably an unset variable, but certainly not "everything"
        from ..portable.filters import parse

        parse("")
    union = wanted[0] if len(wanted) == 1 else " or ".join(f"({text})" for text in wanted)
    # A filter in the project's own addopts narrows that of the runner; neither may widen the other.
    parts = [text for text in (settings.filter, union) if text]
    return replace(
        settings,
        filter=" and ".join(f"({text})" for text in parts) if len(parts) > 1 else "".join(parts),
        default_filter="" if given["ignore_default_filter"] else settings.default_filter,
        **{name: value for name, value in given.items() if value},
    )


def with_facts(settings: PluginSettings, root: Path) -> PluginSettings:
    """The settings, with answers to the predicates that only the program `gates` can evaluate.

    A separate process evaluates them: git, the import graph and the history do not belong in a test process.
    """
    expressions = [settings.filter, settings.default_filter]
    expressions += [entry["filter"] for entry in (*settings.exclusions, *settings.quarantine)]
    if not any(expressions) or PLUGIN != INSTALLED_PLUGIN:
        return settings
    from ..portable.filters import PREDICATES, parse, predicates

    asked = [leaf for text in expressions if text.strip() for leaf in predicates(parse(text))]
    if not any(PREDICATES[leaf.name].outside for leaf in asked):
        return settings
    import sys

    from ..portable.originals import json, subprocess

    words = [word for text in expressions if text.strip() for word in ("-E", text)]
    done = subprocess.run(
        [sys.executable, "-m", "gates", "facts", "-C", str(root), *words],
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        check=False,
    )
    try:
        facts = json.loads(done.stdout)
    except ValueError:
        # Everything that it would have answered is unknown, selects tests, and is reported.
        return settings
    return replace(settings, facts=facts)
