"""Load the pytest plugin into the test environment of a gate, which has pytest but not gates.

A folder with the package `_gates_injected` goes on `PYTHONPATH`; its `__path__` points at this installation of gates, so
the plugin loads under its own name and never shadows a `gates` that is itself under test.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import gates
from gates.portable.protocol import INBOX, INJECTED_PACKAGE, INJECTED_PLUGIN, SETTINGS, TOX_OVERRIDE, TOX_PASSES
from gates.portable.settings.plugin import PluginSettings


def write_injection(folder: Path) -> Path:
    """Make the folder that goes on `PYTHONPATH`."""
    package = folder / "inject" / INJECTED_PACKAGE
    package.mkdir(parents=True)
    home = str(Path(gates.__file__).resolve().parent)
    (package / "__init__.py").write_text(f"__path__ = [{home!r}]\n", encoding="utf-8")
    return package.parent


def injected(environment: Mapping[str, str], injection: Path, inbox: Path, settings: PluginSettings) -> dict[str, str]:
    """The variables that make every pytest below load the plugin and report to `inbox`."""

    def joined(name: str, first: str, separator: str) -> str:
        rest = environment.get(name, "")
        return f"{first}{separator}{rest}" if rest else first

    # tox passes on only configured variables; users who override its config know better.
    tox = {} if environment.get(TOX_OVERRIDE) else {TOX_OVERRIDE: TOX_PASSES}
    return tox | {
        "PYTHONPATH": joined("PYTHONPATH", str(injection), os.pathsep),
        "PYTEST_PLUGINS": joined("PYTEST_PLUGINS", INJECTED_PLUGIN, ","),
        "PYTEST_ADDOPTS": joined("PYTEST_ADDOPTS", f"-p {INJECTED_PLUGIN}", " "),
        INBOX: str(inbox),
        SETTINGS: settings.to_variable(inbox.with_name("settings.json")),
    }
