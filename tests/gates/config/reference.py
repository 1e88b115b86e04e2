"""Write the tables of settings in docs/reference from what is declared.

python -m tests.gates.config.reference
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from gates.config.schema import explanation
from gates.config.suppressions import SUPPRESSION
from gates.config.tables import GATE, JUNIT, PROFILE, TOP
from gates.config.test_settings import SCRIPT, SETTINGS
from gates.portable.settings.declare import Setting
from gates.portable.settings.kinds import FLAG
from gates.portable.settings.run import Choice

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PAGES = ("commands.md", "config.md")
_TABLE = re.compile(r"(<!-- settings: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """The page with its tables as they are declared."""
    return _TABLE.sub(lambda match: f"{match[1]}{TABLES[match[2]]()}{match[3]}", text)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(lines)} |\n" for lines in lines).replace("| --- ", "|---").replace("--- |", "---|")


def _meaning(setting: Setting) -> str:
    text = explanation(setting).rstrip(".")
    return text[0].lower() + text[1:]


def _keys(settings: dict[str, Setting]) -> Callable[[], str]:
    return lambda: _table(("key", "meaning"), ((f"`{key}`", _meaning(one)) for key, one in settings.items()))


def _with_defaults(settings: dict[str, Setting]) -> Callable[[], str]:
    rows = ((f"`{key}`", _default(one), _meaning(one)) for key, one in settings.items())
    return lambda: _table(("key", "default", "meaning"), rows)


def _default(setting: Setting) -> str:
    if setting.unset:
        return setting.unset
    if isinstance(setting.default, bool):
        return f"`{str(setting.default).lower()}`"
    return "`[]`" if setting.default == () else f"`{setting.default}`" if setting.default else "none"


def _options() -> str:
    names = ("gates", *(name for name in Choice.SETTINGS if name != "gates"))
    return _table(("option", "variable", "meaning"), (_option(Choice.SETTINGS[name]) for name in names))


def _option(setting: Setting) -> tuple[str, str, str]:
    value = "" if setting.kind is FLAG else f" {setting.metavar or _words(setting)}".replace("|", "\\|")
    short = f"`{setting.short}`, " if setting.short else ""
    default = f"; default: {_default(setting)}" if setting.shown_default else ""
    variable = f"`{setting.variable}`" if setting.variable else ""
    return f"{short}`{setting.option}{value}`", variable, _meaning(setting) + default


def _words(setting: Setting) -> str:
    words = setting.kind.words
    return "|".join(words) if len(words) < 4 else setting.key.upper()  # the meaning has more of them


TABLES: dict[str, Callable[[], str]] = {
    "options": _options,
    "top": _with_defaults(TOP),
    "gate": _keys(GATE),
    "profile": _keys(PROFILE),
    "tests": _keys(SETTINGS),
    "script": _keys(SCRIPT),
    "junit": _with_defaults(JUNIT),
    "mutants": _keys(SUPPRESSION),
}

if __name__ == "__main__":
    for name in PAGES:
        path = REFERENCE / name
        path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")
